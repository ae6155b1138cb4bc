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
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor

from unripple import faceworld
from unripple.models.pose import PoseNet
from unripple.models.stylegan2 import Generator
from unripple.ops.directions import boundary, conditioned, reader
from unripple.training.direction_files import (
    ATTRIBUTES,
    YAW_PER_DEGREE,
    FoundDirection,
    Matrix,
    write,
)
from unripple.training.direction_measures import (
    FACTOR_PER_DEGREE,
    gain,
    measured_pose,
    projected_range,
)
from unripple.training.latents import code, load_generator
from unripple.zoo import networks

log = logging.getLogger("unripple.training")

FACES = 6000


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
        return self.factors[:, column].numpy().astype(np.float64)


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
    directions = find(generator, net, faces=chosen.faces, seed=chosen.seed, method=chosen.method)
    write(chosen.out, directions, method=chosen.method, faces=chosen.faces)
    return 0


def find(
    generator: Generator, pose_net: PoseNet, *, faces: int, seed: int, method: str
) -> dict[str, FoundDirection]:
    """All directions of `ATTRIBUTES`, by name."""
    sample = draw(generator, faces, seed)
    boundaries = {name: boundary(sample.w, sample.values(name)) for name in ATTRIBUTES}
    normals = {name: normal for name, (normal, _) in boundaries.items()}
    readers = {name: reader(sample.w, sample.values(name)) for name in ATTRIBUTES}
    directions = {}
    for name in ATTRIBUTES:
        if method == "effect":
            vector = effect(sample, name) * FACTOR_PER_DEGREE
        else:
            conditional = conditioned(normals[name], [normals[n] for n in ATTRIBUTES if n != name])
            vector = conditional * (FACTOR_PER_DEGREE / (readers[name] @ conditional))
        unit, usable = "a third of the attribute's range", projected_range(sample.w, vector)
        if name == "pose":
            vector, usable = measured_pose(generator, pose_net, vector, seed)
            unit = f"{YAW_PER_DEGREE:.3g} degrees of yaw"
        moved = {n: float(readers[n] @ vector) / FACTOR_PER_DEGREE for n in readers if n != name}
        worst = max(moved, key=lambda n: abs(moved[n]))
        directions[name] = FoundDirection(
            vector=vector,
            accuracy=boundaries[name][1],
            usable=usable,
            unit=unit,
            leak=(worst, moved[worst]),
            gain=gain(generator, name, vector, seed),
        )
        log.info(
            "%s accuracy %.3f gain %.2f", name, directions[name].accuracy, directions[name].gain
        )
    return directions


@torch.no_grad()
def draw(generator: Generator, faces: int, seed: int) -> Sample:
    """Random faces and their w."""
    factors = faceworld.sample_factors(faces, seed=seed)
    device = next(generator.parameters()).device
    w = generator.map(code(factors, generator.style_dim).to(device))
    return Sample(factors, w.double().cpu().numpy())


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
    return model.coef_ @ step
