"""What each network is asked, and how good an answer is.

All pictures are drawn by a generator or are plain patterns, so nothing but weights is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np

from unripple.conventions import Face, Floats, Mask, Photo, WPlus
from unripple.runtime.model_check.ways import BYTES, IMAGENET, SIGNED, UNIT, Coding
from unripple.zoo.directions import Direction
from unripple.zoo.networks import Model
from unripple.zoo.zoo import MTCNN, Zoo

LANDMARKS = np.array(
    [[0.397, 0.442], [0.603, 0.442], [0.503, 0.556], [0.423, 0.647], [0.584, 0.643]]
)
"""Where an aligned mean face has its eyes, nose tip and mouth corners, shares of the side."""
_LOOKED_AT_PX = 512
_FACES = 3
_AVERAGED = 512  # random codes, where a file lacks their mean
_TURN_DEG = 20.0


class Finding(NamedTuple):
    """What came of one question.

    Attributes:
        score: from 0 to 1.
        says: the same in words.
        picture: what it looked at or drew, uint8 [H, W, 3].
    """

    score: float
    says: str
    picture: Photo


class Question(NamedTuple):
    """What a network is asked.

    Attributes:
        asks: in words.
        answer: puts it.
        enough: the score of a network that does its work.
        coding: of the pictures that go in or come out.
        draws: they come out.
        scales, negates: see `ways.other_ways`.
    """

    asks: str
    answer: Callable[[Model, Bench], Finding]
    enough: float
    coding: Coding = SIGNED
    draws: bool = False
    scales: bool = False
    negates: bool = False


class Bench:
    """Faces to ask about.

    Args:
        zoo: the networks that go together.
        artist: the generator that draws the faces; not always the one that is checked.
        count: how many faces beside the mean one.
    """

    def __init__(self, zoo: Zoo, artist: Model, *, count: int = _FACES) -> None:
        self.zoo, self.artist, self.count = zoo, artist, count

    @cached_property
    def mean_codes(self) -> WPlus:
        """The codes of the mean face, [L, W]."""
        return mean_codes(self.artist)

    @cached_property
    def mean(self) -> Photo:
        """The mean face."""
        return drawn(self.artist, self.mean_codes)

    @cached_property
    def faces(self) -> list[Photo]:
        """A few faces, half as far from the mean as usual ones, uint8 [S, S, 3] each."""
        return [
            drawn(self.artist, (self.mean_codes + (w - self.mean_codes) / 2).astype(np.float32))
            for w in mapped(self.artist, self.count)
        ]


def mapped(generator: Model, count: int) -> Floats:
    """Random codes, float32 [count, W], always the same."""
    import torch

    net: Any = generator.net
    rng = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        z = torch.randn(count, net.style_dim, generator=rng).to(generator.device)
        codes: Floats = net.map(z).float().cpu().numpy()
    return codes


def mean_codes(generator: Model) -> WPlus:
    """The codes of a generator's mean face, float32 [L, W]."""
    if "latent_avg" in generator.extras:
        mean: Floats = generator.extras["latent_avg"].float().numpy().astype(np.float32)
    else:
        mean = mapped(generator, _AVERAGED).mean(axis=0)
    rows = 2 * int(np.log2(generator.size_px)) - 2
    return np.broadcast_to(mean, (rows, mean.shape[-1])).copy()


def drawn(generator: Model, w_plus: WPlus) -> Photo:
    """What a generator draws of codes, uint8 [S, S, 3]."""
    import torch

    from unripple.ops.tensors import to_photo
    from unripple.stages.invert import codes_of

    with torch.inference_mode():
        codes = codes_of(w_plus, generator.net)  # type: ignore[arg-type]
        return to_photo(generator.net.synthesize(codes, noise="stored").float())  # type: ignore[operator]


def _mean_face(model: Model, bench: Bench) -> Finding:
    """A detector sees a face, its skin is redder than it is blue, and it has light and shade."""
    picture = drawn(model, mean_codes(model))
    confidence = _confidence(bench, picture)
    cheeks = picture[_disks(picture, [0, 1], down=0.14, radius=0.03)].astype(np.float64)
    warm = float((cheeks[:, 0] > cheeks[:, 2] + 5).mean())
    low, high = np.percentile(picture.mean(axis=2), (2, 98)) / 255
    depth = min(1.0, (high - low) / 0.4) * min(1.0, max(0.0, 1.25 - low))
    says = (
        f"face found with {confidence:.2f}, {warm:.0%} of the cheeks skin-coloured, light from "
        f"{low:.2f} to {high:.2f}"
    )
    return Finding(min(confidence, warm, depth), says, picture)


def _confidence(bench: Bench, picture: Photo) -> float:
    found = bench.zoo.load(MTCNN).net(_large(picture))
    return float(found.confidences.max(initial=0.0))


def _large(picture: Photo) -> Photo:
    size = (_LOOKED_AT_PX, _LOOKED_AT_PX)
    large: Photo = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    return large


def _detected(model: Model, bench: Bench) -> Finding:
    picture = _large(bench.mean)
    found = model.net(picture)
    if not len(found.confidences):
        return Finding(0.0, "no face found in the mean face", picture)
    return _placed(found.landmarks[0] / _LOOKED_AT_PX, picture)


def _read(model: Model, bench: Bench) -> Finding:
    import torch

    from unripple.ops.tensors import resized, to_tensor

    with torch.inference_mode():
        looked = to_tensor(resized(bench.mean, model.size_px), device=model.device)
        points = model.net(looked)[0].float().cpu().numpy()
    return _placed(points, bench.mean)


def _placed(points: Floats, picture: Photo) -> Finding:
    """How near landmarks are to where a mean face has them: 0 at a fifth of the eyes' distance."""
    eyes = float(np.hypot(*(LANDMARKS[1] - LANDMARKS[0])))
    off = float(np.hypot(*(points - LANDMARKS).T).mean()) / eyes
    shown = picture.copy()
    for x, y in np.rint(points * picture.shape[0]).astype(int):
        cv2.circle(shown, (int(x), int(y)), max(1, picture.shape[0] // 100), (0, 255, 0), -1)
    says = f"landmarks {off:.2f} of the eyes' distance from where they are"
    return Finding(max(0.0, 1 - off / 0.4), says, shown)


_PARTS: Mapping[str, tuple[tuple[int, ...], float, tuple[Face, ...]]] = {
    "skin": ((0, 1), 0.13, (Face.SKIN,)),
    "eyes": ((0, 1), 0.0, (Face.LEFT_EYE, Face.RIGHT_EYE, Face.GLASSES)),
    "nose": ((2,), -0.02, (Face.NOSE,)),
    "mouth": ((3, 4), 0.0, (Face.MOUTH, Face.UPPER_LIP, Face.LOWER_LIP)),
}
"""Part -> landmarks between or below which it lies, how far below, its labels."""


def _parsed(model: Model, bench: Bench) -> Finding:
    """Parts of the face where they are; parsers of whole persons know face, hair and background."""
    from unripple.runtime.view import as_picture
    from unripple.stages.parse import ParseSettings
    from unripple.stages.parsers import PARSERS

    shares: dict[str, list[float]] = {}
    labels = np.zeros(0, np.uint8)
    for picture in (bench.mean, *bench.faces):
        labels = PARSERS[model.network].labels(picture, model, ParseSettings(scales="one"), None)
        for part, zone, wanted in _zones(picture, parts=model.network != "graphonomy"):
            shares.setdefault(part, []).append(float(np.isin(labels[zone], wanted).mean()))
    found = {part: float(np.mean(each)) for part, each in shares.items()}
    says = "found " + ", ".join(f"{share:.0%} of {part}" for part, share in found.items())
    return Finding(float(np.mean(list(found.values()))), says, as_picture("labels", labels))


def _zones(picture: Photo, *, parts: bool) -> list[tuple[str, Mask, tuple[Face, ...]]]:
    zones: list[tuple[str, Mask, tuple[Face, ...]]] = [
        ("background", _corners(picture), (Face.BACKGROUND,))
    ]
    everything = tuple(Face)[1:]
    if not parts:
        zones.append(("face", _disks(picture, [0, 1, 2, 3, 4], radius=0.03), everything))
        return zones
    for part, (points, down, labels) in _PARTS.items():
        if part == "mouth":
            at = LANDMARKS[list(points)].mean(axis=0, keepdims=True)
            zones.append((part, _around(picture, at, 0.015), labels))
        else:
            zones.append((part, _disks(picture, points, down=down, radius=0.012), labels))
    return zones


def _disks(
    picture: Photo, points: tuple[int, ...] | list[int], *, down: float = 0.0, radius: float
) -> Mask:
    return _around(picture, LANDMARKS[list(points)] + [0.0, down], radius)


def _around(picture: Photo, places: Floats, radius: float) -> Mask:
    side = picture.shape[0]
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    found: Mask = np.zeros((side, side), bool)
    for x, y in places:
        found |= np.hypot(columns - x, rows - y) <= max(radius, 1.0 / side)
    return found


def _corners(picture: Photo) -> Mask:
    return _around(picture, np.array([[0.05, 0.06], [0.95, 0.06]]), 0.05)


def _nearer(model: Model, bench: Bench) -> Finding:
    """The nose is nearer than the ends of the face, and these than the background."""
    from unripple.runtime.view import as_picture
    from unripple.stages.depth import depth

    shares = []
    found = np.zeros(0, np.float32)
    for picture in (bench.mean, *bench.faces):
        found = depth(picture, model.net, net_size_px=model.size_px)
        nose, cheeks, back = (
            found[zone]
            for zone in (
                _disks(picture, [2], radius=0.02),
                _disks(picture, [0, 1], down=0.1, radius=0.03),
                _corners(picture),
            )
        )
        spread = float(found.max() - found.min()) or 1.0
        apart = float(cheeks.mean() - back.mean()) / spread
        order = [float((np.median(nose) > back).mean()), float((np.median(nose) > cheeks).mean())]
        shares.append((*order, min(1.0, max(0.0, apart / 0.4))))
    behind, beside, apart = np.mean(shares, axis=0)
    says = f"nose before {behind:.0%} of the background and {beside:.0%} of the cheeks"
    score = float(np.mean([behind, beside, apart]))
    return Finding(score, says, as_picture("inverse_depth", found))


def _continued(model: Model, bench: Bench) -> Finding:  # noqa: ARG001 (all questions have one form)
    """A slope of colours and a grating go on through a hole."""
    from unripple.stages.inpaint import inpaint, lama_fill

    fill = lama_fill(model.net, corrects=bool(model.metadata.get("corrects", False)))
    side = 128
    rows, columns = np.mgrid[:side, :side] / side
    slope = np.stack([60 + 160 * columns, 90 + 60 * rows, 200 - 150 * columns], axis=-1)
    stripes = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * columns * 8 + 0.4))
    grating = np.array([210.0, 120, 40]) + stripes[..., None] * np.array([-150.0, -30, 60])
    hole = np.zeros((side, side), bool)
    hole[48:80, 52:76] = True
    shown, scores = [], []
    for truth in (np.rint(slope).astype(np.uint8), np.rint(grating).astype(np.uint8)):
        painted = inpaint(truth, hole, fill)
        off = painted[hole].astype(np.float64) - truth[hole]
        # What the mean colour of the surroundings would be wrong by.
        plain = truth[~hole].mean(axis=0) - truth[hole]
        scores.append(max(0.0, 1 - float(np.sqrt((off**2).mean() / max((plain**2).mean(), 1.0)))))
        shown.append(painted)
    says = f"{scores[0]:.0%} of the slope and {scores[1]:.0%} of the grating continued"
    return Finding(float(np.mean(scores)), says, np.concatenate(shown, axis=1))


def _inverted(model: Model, bench: Bench) -> Finding:
    """Faces are drawn again nearer to themselves than the mean face is."""
    from unripple.stages.encoders import ENCODERS

    shown, shares = [], []
    for picture in bench.faces:
        again = drawn(bench.artist, ENCODERS[model.network].codes(picture, model))
        off, plain = (
            float(((one.astype(np.float64) - picture) ** 2).mean()) for one in (again, bench.mean)
        )
        shares.append(max(0.0, 1 - off / plain))
        shown.append(np.concatenate([picture, again]))
    share = float(np.mean(shares))
    says = f"inversions explain {share:.0%} of what tells faces from the mean face"
    return Finding(share, says, np.concatenate(shown, axis=1))


def _turned(bench: Bench, direction: Direction, degree: float) -> Photo:
    from unripple.stages.families import FAMILIES

    family = FAMILIES[direction.family]
    moved = family.move(bench.mean_codes, direction, degree, first_code=0, end_code=None)
    return drawn(bench.artist, moved)


def turns(bench: Bench, direction: Direction) -> Finding:
    """The mean face turns the way that a direction says, seen by the nose between the eyes."""
    per_degree = direction.yaw_per_degree or 1.0
    far = min(abs(_TURN_DEG / per_degree), abs(direction.usable[1]) if direction.usable else 3.0)
    left, right = (
        _turned(bench, direction, float(np.copysign(far, per_degree)) * way) for way in (-1, 1)
    )
    shown = np.concatenate([left, right], axis=1)
    offsets = []
    for picture in (left, right):
        found = bench.zoo.load(MTCNN).net(_large(picture))
        if not len(found.confidences):
            return Finding(0.0, "no face found where it turned", shown)
        eyes, nose = found.landmarks[0][:2], found.landmarks[0][2]
        offsets.append((nose[0] - eyes[:, 0].mean()) / np.hypot(*(eyes[1] - eyes[0])))
    moved = float(offsets[1] - offsets[0])
    side = "right" if moved > 0 else "left"
    says = f"the nose goes {abs(moved):.2f} of the eyes' distance to the {side}"
    return Finding(min(1.0, max(0.0, 0.5 + moved)), says, shown)


def _looks_aside(model: Model, bench: Bench) -> Finding:
    """A mirrored face looks as far to the other side."""
    from unripple.stages.measure import yaw_of

    off, size = [], []
    for picture in bench.faces:
        there, mirrored = (
            yaw_of(one, model.net, net_size_px=model.size_px) for one in (picture, picture[:, ::-1])
        )
        off.append(abs(there + mirrored))
        size.append(abs(there))
    wrong = float(np.mean(off))
    says = f"mirrored faces' yaws are {wrong:.1f} degrees from the opposite"
    return Finding(max(0.0, 1 - wrong / 15), says, np.concatenate(bench.faces, axis=1))


def _recognised(model: Model, bench: Bench) -> Finding:
    """A mirrored, paler face is the same person, another face is not."""
    from unripple.stages.measure import embed

    def codes(picture: Photo) -> Floats:
        found = embed(picture, model.net, net_size_px=model.size_px)
        return found / float(np.linalg.norm(found))

    own = [codes(picture) for picture in bench.faces]
    again = [codes((picture[:, ::-1] * 0.9 + 20).astype(np.uint8)) for picture in bench.faces]
    same = float(np.mean([a @ b for a, b in zip(own, again, strict=True)]))
    other = float(np.mean([own[i] @ own[i - 1] for i in range(len(own))]))
    says = f"likeness to the same face {same:.2f}, to another {other:.2f}"
    return Finding(min(1.0, max(0.0, same - other)), says, np.concatenate(bench.faces, axis=1))


QUESTIONS: Mapping[str, Question] = {
    "generator": Question("does it draw a mean face?", _mean_face, 0.8, draws=True),
    MTCNN: Question("does it find the mean face?", _detected, 0.5, BYTES),
    "landmarks": Question("does it find the mean face's eyes, nose and mouth?", _read, 0.5),
    "parser": Question("does it find the parts of faces?", _parsed, 0.7, IMAGENET, scales=True),
    "depth": Question(
        "is the nose nearer than the background?", _nearer, 0.7, scales=True, negates=True
    ),
    "inpainter": Question("does it continue a slope and a grating?", _continued, 0.4, UNIT),
    "encoder": Question("do its inversions resemble the faces?", _inverted, 0.3),
    "pose": Question("do mirrored faces look the other way?", _looks_aside, 0.5),
    "identity": Question("does it tell faces apart?", _recognised, 0.2),
}
"""Role -> its question; the other roles have no answer that is known without truth."""
