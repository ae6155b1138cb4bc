"""Find the embedded latent directions: what to add to a code to turn, smile, age, ...

`--method boundary` is InterFaceGAN's (Shen et al. 2020): a linear boundary between the lower and
upper third of an attribute, whose normal, made orthogonal to all others', is the direction. Here
the factors of every face are known, which allows better: `--method effect`, the default, takes the
mean change of w when one factor changes alone. Normals leave the directions in which codes vary;
edits along effects came markedly nearer to the generator's own picture of the changed factor.

Lengths mean something: one degree of `pose` turns the head by 20/3 degrees of yaw as the pose net
measures it on rendered pictures, one degree of anything else is a third of its factor's range.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from torch import Tensor

from unripple import faceworld
from unripple.models.pose import PoseNet
from unripple.models.stylegan2 import Generator
from unripple.training.latents import code, load_generator
from unripple.training.loop import autocast
from unripple.training.single import in_parts
from unripple.zoo import networks

log = logging.getLogger("unripple.training")

Matrix = npt.NDArray[np.float64]

FACES = 6000
JUDGED_FACES = 48  # rendered to measure a direction
YAW_PER_DEGREE = 20 / 3
FACTOR_PER_DEGREE = 1 / 3
POSE_DEGREES = np.arange(-6, 6.5, 0.5)
LEAST_SLOPE = 0.35  # of the nominal one: below, a further degree no longer turns the head
FAR = 3.0  # standard deviations that the projection on a direction may leave the mean
MOST_DEGREES = 6.0
PENALTY = 0.05  # of the boundary (C of LinearSVC)


class Attribute(NamedTuple):
    """One direction to find.

    Attributes:
        factor: the face world's name.
        words: what more of it looks like.
    """

    factor: str
    words: str


ATTRIBUTES: Mapping[str, Attribute] = {
    "pose": Attribute("yaw", "face turned to the picture's right"),
    "pitch": Attribute("pitch", "chin up"),
    "smile": Attribute("smile", "corners of the mouth up"),
    "mouth_open": Attribute("mouth_open", "mouth open"),
    "eyes": Attribute("eye_open", "eyes wide open"),
    "age": Attribute("age", "older"),
    "gender": Attribute("masculinity", "more masculine"),
    "skin": Attribute("melanin", "darker skin"),
    "hair_length": Attribute("hair_length", "longer hair"),
    "hair_light": Attribute("hair_light", "lighter hair"),
    "hair_curl": Attribute("hair_curl", "curlier hair"),
    "fringe": Attribute("fringe", "hair over the forehead"),
    "grey": Attribute("grey", "greyer hair"),
    "beard": Attribute("beard", "more beard"),
    "lipstick": Attribute("lipstick", "more lipstick"),
    "glasses": Attribute("glasses", "glasses"),
}


@dataclass
class Sample:
    """Faces drawn from the face world.

    Attributes:
        factors: float32 [N, K].
        w: float64 [N, W].
    """

    factors: Tensor
    w: Matrix

    def values(self, name: str) -> Matrix:
        """The factor of an attribute, [N]."""
        column = faceworld.INDEX[ATTRIBUTES[name].factor]
        values: Matrix = self.factors[:, column].numpy().astype(np.float64)
        return values


@dataclass
class Found:
    """A direction and what is known of it.

    Attributes:
        vector: one degree, float64 [W].
        accuracy: of the boundary on faces that it was not fitted to.
        usable: degrees between which it is fit for use.
        unit: what one degree does.
        leak: which other attribute moves most along, and how much of a degree of its own.
        gain: 1 if edited pictures were the generator's own pictures of the changed factor, 0 if
            the edit were as far from them as no edit at all.
    """

    vector: Matrix
    accuracy: float
    usable: tuple[float, float]
    unit: str
    leak: tuple[str, float]
    gain: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the directions."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("data/models/generator.safetensors"),
        help="weights, or a run folder")  # fmt: skip
    add("--pose", type=Path, default=Path("data/models/pose.safetensors"), help="pose net")
    add("--out", type=Path, default=Path("data/directions"))
    add("--method", choices=("boundary", "effect"), default="effect")
    add("--faces", type=int, default=FACES)
    add("--seed", type=int, default=0)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def main(chosen: argparse.Namespace) -> int:
    """Find all directions and write `embedded.safetensors` and its card."""
    generator = load_generator(chosen.generator, chosen.device)
    net: Any = networks.load("pose", chosen.pose, torch.device(chosen.device)).net
    found = find(generator, net, faces=chosen.faces, seed=chosen.seed, method=chosen.method)
    write(chosen.out, found, method=chosen.method, faces=chosen.faces)
    return 0


def find(
    generator: Generator, pose_net: PoseNet, *, faces: int, seed: int, method: str
) -> dict[str, Found]:
    """All directions of `ATTRIBUTES`, by name."""
    sample = draw(generator, faces, seed)
    boundaries = {name: boundary(sample.w, sample.values(name)) for name in ATTRIBUTES}
    normals = {name: normal for name, (normal, _) in boundaries.items()}
    readers = {name: reader(sample.w, sample.values(name)) for name in ATTRIBUTES}
    found = {}
    for name in ATTRIBUTES:
        if method == "effect":
            vector = effect(sample, name) * FACTOR_PER_DEGREE
        else:
            towards = conditioned(normals[name], [normals[n] for n in ATTRIBUTES if n != name])
            vector = towards * (FACTOR_PER_DEGREE / (readers[name] @ towards))
        unit, usable = "a third of the attribute's range", projected_range(sample.w, vector)
        if name == "pose":
            vector, usable = measured_pose(generator, pose_net, vector, seed)
            unit = f"{YAW_PER_DEGREE:.3g} degrees of yaw"
        moved = {n: float(readers[n] @ vector) / FACTOR_PER_DEGREE for n in readers if n != name}
        worst = max(moved, key=lambda n: abs(moved[n]))
        found[name] = Found(
            vector=vector,
            accuracy=boundaries[name][1],
            usable=usable,
            unit=unit,
            leak=(worst, moved[worst]),
            gain=gain(generator, name, vector, seed),
        )
        log.info("%s accuracy %.3f gain %.2f", name, found[name].accuracy, found[name].gain)
    return found


@torch.no_grad()
def draw(generator: Generator, faces: int, seed: int) -> Sample:
    """Random faces and their w."""
    factors = faceworld.sample_factors(faces, seed=seed)
    device = next(generator.parameters()).device
    w = generator.map(code(factors, generator.style_dim).to(device))
    return Sample(factors, w.double().cpu().numpy())


def boundary(w: Matrix, values: Matrix) -> tuple[Matrix, float]:
    """Unit normal of the plane between low and high thirds, and its accuracy on unseen faces.

    Every fifth face is kept for the accuracy. A switch has two classes instead of thirds.
    """
    if len(np.unique(values)) == 2:
        low = high = float(values.mean())
    else:
        low, high = np.quantile(values, (1 / 3, 2 / 3))
    told = (values <= low) | (values > high)
    points, labels = w[told], values[told] > high
    unseen = np.arange(len(points)) % 5 == 0
    # Standardised entries make one penalty fit all generators; the normal is brought back to w.
    spread = points.std(0) + 1e-8
    machine = LinearSVC(C=PENALTY, dual=False, class_weight="balanced")
    machine.fit(points[~unseen] / spread, labels[~unseen])
    normal = machine.coef_[0] / spread
    accuracy = machine.score(points[unseen] / spread, labels[unseen])
    return normal / np.linalg.norm(normal), float(accuracy)


def conditioned(normal: Matrix, others: list[Matrix]) -> Matrix:
    """A normal without its part in the span of others, so that their read-outs stay.

    Source: Shen et al. 2020, section 3.3 (conditional manipulation).
    """
    basis, _ = np.linalg.qr(np.stack(others, axis=1))
    rest = normal - basis @ (basis.T @ normal)
    unit: Matrix = rest / np.linalg.norm(rest)
    return unit


def effect(sample: Sample, name: str) -> Matrix:
    """Mean change of w per unit of one factor with all other factors held, [W].

    Regression of w on the embedded factors: unlike a normal, it never leaves the directions in
    which codes do vary. Source of the idea: Haufe et al. 2014, patterns instead of filters.
    """
    embedded = faceworld.embed(sample.factors)
    model = Ridge(alpha=1.0).fit(embedded.numpy().astype(np.float64), sample.w)
    column = faceworld.INDEX[ATTRIBUTES[name].factor]
    raised = sample.factors[:1].clone()
    raised[:, column] += 1
    step = (faceworld.embed(raised) - embedded[:1]).numpy().astype(np.float64)[0]
    change: Matrix = model.coef_ @ step
    return change


def reader(w: Matrix, values: Matrix) -> Matrix:
    """Coefficients [W] of the ridge regression that reads a factor from w."""
    coefficients: Matrix = Ridge(alpha=1e-2 * len(w) * w.var()).fit(w, values).coef_
    return coefficients


def projected_range(w: Matrix, vector: Matrix) -> tuple[float, float]:
    """Degrees that keep an average face within a few standard deviations along the direction."""
    length = np.linalg.norm(vector)
    spread = float((w @ (vector / length)).std())
    most = min(MOST_DEGREES, np.floor(2 * FAR * spread / length) / 2)
    return -most, most


@torch.no_grad()
def pictures(generator: Generator, w: Tensor) -> Tensor:
    """Pictures of codes w [B, W], float32 [B, 3, S, S] in [-1, 1]."""

    def paint(part: Tensor) -> Tensor:
        w_plus = part[:, None].expand(-1, generator.n_codes, -1)
        return generator.synthesize(w_plus, noise="none").float()

    with autocast(w.device):
        return in_parts(paint, w).clamp(-1, 1)


@torch.no_grad()
def measured_pose(
    generator: Generator, pose_net: PoseNet, vector: Matrix, seed: int
) -> tuple[Matrix, tuple[float, float]]:
    """Scale a pose direction by the yaw of rendered pictures; its usable range.

    Returns:
        The vector of one degree, and the degrees between which the mean yaw goes on growing.
    """
    factors = faceworld.sample_factors(JUDGED_FACES, seed=seed + 1)
    factors[:, faceworld.INDEX["yaw"]] = 0.0
    device = next(generator.parameters()).device
    w = generator.map(code(factors, generator.style_dim).to(device))

    def mean_yaw(step: Matrix, degree: float) -> float:
        moved = w + float(degree) * torch.from_numpy(step).to(w)
        with autocast(device):
            return float(in_parts(pose_net, pictures(generator, moved))[:, 0].mean())

    for _ in range(2):  # twice: the first slope may have been taken too far out
        slope = (mean_yaw(vector, 2) - mean_yaw(vector, -2)) / 4
        vector = vector * (YAW_PER_DEGREE / slope)
    yaws = np.array([mean_yaw(vector, degree) for degree in POSE_DEGREES])
    rises = np.diff(yaws) / np.diff(POSE_DEGREES) > LEAST_SLOPE * YAW_PER_DEGREE
    middle = len(POSE_DEGREES) // 2
    up = int(np.argmin(np.append(rises[middle:], False)))
    down = int(np.argmin(np.append(rises[:middle][::-1], False)))
    return vector, (float(POSE_DEGREES[middle - down]), float(POSE_DEGREES[middle + up]))


@torch.no_grad()
def gain(generator: Generator, name: str, vector: Matrix, seed: int) -> float:
    """How much nearer edits come to the generator's own picture of the changed factor.

    Faces are moved by two degrees up or down, wherever the factor leaves room for it.

    Returns:
        1 - (distance of the edits) / (distance of doing nothing), mean absolute differences.
    """
    column = faceworld.INDEX[ATTRIBUTES[name].factor]
    per_degree = YAW_PER_DEGREE / faceworld.YAW_MAX_DEG if name == "pose" else FACTOR_PER_DEGREE
    before = faceworld.sample_factors(JUDGED_FACES, seed=seed + 2)
    low, high = before[:, column].min(), before[:, column].max()
    up = before[:, column] < (low + high) / 2
    after = before.clone()
    after[:, column] += torch.where(up, 2.0, -2.0) * per_degree
    device = next(generator.parameters()).device
    w, wanted = (generator.map(code(f, generator.style_dim).to(device)) for f in (before, after))
    step = torch.from_numpy(vector).to(w)
    edited = w + torch.where(up, 2.0, -2.0).to(w)[:, None] * step
    true = pictures(generator, wanted)
    missed = (pictures(generator, edited) - true).abs().mean()
    still = (pictures(generator, w) - true).abs().mean()
    return float(1 - missed / still.clamp_min(1e-6))


def write(folder: Path, found: Mapping[str, Found], *, method: str, faces: int) -> None:
    """Write `embedded.safetensors` (name -> one degree, float32 [W]) and the card `embedded.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "embedded.safetensors"
    vectors = {name: one.vector.astype(np.float32) for name, one in found.items()}
    metadata = {
        name: json.dumps(
            {
                "attribute": ATTRIBUTES[name].words,
                "usable": list(one.usable),
                "unit": one.unit,
                "accuracy": round(one.accuracy, 4),
            }
        )
        for name, one in found.items()
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(vectors, partial, metadata=metadata)
    partial.replace(path)
    (folder / "embedded.md").write_text("\n".join(card(found, method, faces)) + "\n")


def card(found: Mapping[str, Found], method: str, faces: int) -> list[str]:
    """The lines of the card."""
    how = {
        "boundary": "normals of linear boundaries, each orthogonal to all others",
        "effect": "mean effects of the factors on w",
    }
    lines = [
        "# Latent directions of the embedded generator",
        "",
        f"Found on {faces} faces of the face world: {how[method]} (`python -m unripple.training "
        f"directions --method {method}`).",
        "",
        "Accuracy is the boundary's on unseen faces. Leak is the attribute that moves most along, "
        "in its own degrees per degree. Gain is 1 where an edit by two degrees gives the "
        "generator's own picture of the changed factor, 0 where it is no nearer than no edit.",
        "",
        "| direction | more of it | one degree | usable | accuracy | leak | gain |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        usable = f"{one.usable[0]:g} to {one.usable[1]:g}"
        leak = f"{one.leak[0]} {one.leak[1]:+.2f}"
        lines.append(
            f"| {name} | {ATTRIBUTES[name].words} | {one.unit} | {usable} | {one.accuracy:.3f} "
            f"| {leak} | {one.gain:.2f} |"
        )
    return lines
