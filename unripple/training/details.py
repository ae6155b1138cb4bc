"""Render what age, beards and make-up change on the mean head's skin, as light and shade.

Nothing is trained: the head is rendered from the front with and without, and the logarithm of the
ratio of both is kept, bound to the head's points, so that it may be laid on any face in any pose.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from unripple import atomic, faceworld
from unripple.conventions import Floats
from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z
from unripple.faceworld.factors import FACTORS, with_factors
from unripple.ops.recolour import to_linear
from unripple.ops.relief import smoothstep
from unripple.stages.families.detail import BELOW_EYE, BELOW_EYE_REACH, PER_PX, WINDOW
from unripple.zoo.directions import Direction, write_directions
from unripple.zoo.pixel_directions import DETAIL, details_file

log = logging.getLogger(__name__)

_NEAR = (CAMERA_Z - 0.6) / CAMERA_Z  # the face lies before the plane that the window lies on
_LARGEST = 2.5  # of the logarithm
_BLUR = 0.5


class Detail(NamedTuple):
    """What is rendered.

    Attributes:
        before, after: factors without and with it.
        attribute: what more of it looks like.
        usable: degrees that convince.
        middle, reach: ellipse that is kept of it on either side of the face, with its mirror image,
            head units: x right, y down; None is all.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]
    attribute: str
    usable: tuple[float, float]
    middle: tuple[float, float] | None = None
    reach: tuple[float, float] = (1.0, 1.0)


WORDS: Mapping[str, Detail] = {
    "wrinkles": Detail({"age": 0.0}, {"age": 1.0}, "wrinkles and bags", (-3.0, 4.0)),
    "bags": Detail(
        {"age": 0.0}, {"age": 1.0}, "bags under the eyes", (-3.0, 3.0), BELOW_EYE, BELOW_EYE_REACH
    ),
    "beard": Detail(
        {"beard": 0.0, "moustache": 0.0}, {"beard": 0.85, "moustache": 0.8}, "a beard", (0.0, 2.0)
    ),
    "moustache": Detail({"moustache": 0.0}, {"moustache": 0.9}, "a moustache", (0.0, 3.0)),
    "freckles": Detail({"freckles": 0.0}, {"freckles": 1.0}, "freckles", (-3.0, 4.0)),
    "stubble": Detail(
        {"beard": 0.0, "moustache": 0.0},
        {"beard": 0.35, "moustache": 0.3},
        "a shaven beard",
        (0.0, 3.0),
    ),
    "lashes": Detail({"masculinity": 0.2}, {"masculinity": -1.0}, "dark lashes", (0.0, 3.0)),
    "makeup": Detail(
        {"lipstick": 0.0, "masculinity": -1.0},
        {"lipstick": 1.0, "masculinity": -1.0},
        "eye shadow and painted lips",
        (0.0, 4.0),
    ),
}
_PLAIN = {"melanin": 0.25, "hair_light": 0.12, "bald": 1.0, "masculinity": 0.0, "ambient": 0.6}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("--out", type=Path, default=details_file(), help="the file to write")


def main(chosen: argparse.Namespace) -> int:
    """Write the pictures and their card."""
    directions = []
    for name, one in WORDS.items():
        vector = logarithm(one).astype(np.float16)
        flat = np.moveaxis(vector, -1, 0).reshape(-1, vector.shape[1])
        directions.append(
            Direction(name, flat, one.usable, "a third of it", one.attribute, way=DETAIL)
        )
        log.info("%s: %.3f of the logarithm's mean size", name, np.abs(vector).mean())
    write_directions(chosen.out, directions, half=True)
    lines = [
        "# Details of the skin",
        "",
        "Light and shade of the mean head with them over the same without, as logarithms "
        "(`python -m unripple.training details`).",
        "",
        "| direction | more of it | usable |",
        "| --- | --- | --- |",
        *(f"| {n} | {one.attribute} | {one.usable[0]:g} to {one.usable[1]:g} |"
          for n, one in WORDS.items()),
    ]  # fmt: skip
    atomic.write_text(chosen.out.with_suffix(".md"), "\n".join(lines) + "\n")
    return 0


def logarithm(one: Detail) -> Floats:
    """Of the ratio of light with it and without, [H, W, 3]."""
    before, after = (_front(factors) for factors in (one.before, one.after))
    ratio = np.log(np.maximum(after, 0.004) / np.maximum(before, 0.004))
    smooth = cv2.GaussianBlur(ratio.astype(np.float32), (0, 0), _BLUR)
    found: Floats = np.clip(smooth, -_LARGEST, _LARGEST)
    return found if one.middle is None else found * _within(one, found)[..., None]


def _within(one: Detail, picture: Floats) -> Floats:
    """1 where a detail is kept, falling off softly, [H, W]."""
    assert one.middle is not None
    high, wide = picture.shape[:2]
    x = WINDOW.left + (np.arange(wide) + 0.5) / wide * (WINDOW.right - WINDOW.left)
    y = WINDOW.top + (np.arange(high) + 0.5) / high * (WINDOW.bottom - WINDOW.top)
    across = (np.abs(x)[None] - one.middle[0]) / one.reach[0]
    down = (y[:, None] - one.middle[1]) / one.reach[1]
    away: Floats = np.hypot(across, down)
    return (1 - smoothstep(away, 0.8, 1.2)).astype(np.float32)


def _front(factors: Mapping[str, float]) -> Floats:
    """Light on the front of the mean head with these factors, linear, [H, W, 3]."""
    mean = torch.zeros(1, len(FACTORS))
    scale = PER_PX / _NEAR
    width, high = (
        8 * round(side / PER_PX / 8)
        for side in (WINDOW.right - WINDOW.left, WINDOW.bottom - WINDOW.top)
    )
    middle = -(WINDOW.top + WINDOW.bottom) / 2  # y up there
    view = faceworld.View(width, high, 0.0, (middle - CAMERA_HEIGHT) / _NEAR, scale)
    blank = torch.zeros(1, 3, high, width, dtype=torch.uint8)
    made = faceworld.render(
        with_factors(mean, **{**_PLAIN, **factors}), torch.zeros(1, dtype=torch.long),
        view=view, plates=blank,
    )  # fmt: skip
    light = to_linear(made.photo[0].permute(1, 2, 0).numpy())
    # Beside the head there is nothing to compare.
    return np.where((made.alpha[0].numpy() > 127)[..., None], light, 1.0)
