"""Measure the face world's colours of hair, skin, irises and lips, for colouring photographs.

Nothing is trained: tables say which colour an attribute has from one end of its range to the other,
and of hair, rendered at some lightnesses, how strong its strands show, coarse and fine.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from unripple import atomic, faceworld
from unripple.conventions import Face, Floats
from unripple.faceworld.colour import hair_tone, iris_tone, linear, rgb, skin_tone
from unripple.faceworld.factors import sample_factors, with_factors
from unripple.ops.recolour import LUMINANCE, to_linear
from unripple.zoo.directions import Direction, write_directions
from unripple.zoo.pixel_directions import COLOUR, HAIR, WORN, colours_file

_ROWS = 25
_PX = 192
_LIGHTS = (0.02, 0.35, 0.7, 0.97)
_COARSE_PX = 1.8  # at that size: .03 head units
LIPSTICK = (0.74, 0.07, 0.14)
GREY = (0.72, 0.71, 0.70)
"""Colours of `faceworld.paint` and `faceworld.colour`, as on a screen."""


class Shade(NamedTuple):
    """What more of a direction looks like, and degrees that convince."""

    attribute: str
    usable: tuple[float, float]


WORDS: Mapping[str, Shade] = {
    "hair_light": Shade("lighter hair", (-3.0, 3.0)),
    "hair_red": Shade("redder hair", (-2.0, 3.0)),
    "grey": Shade("greyer hair", (-1.0, 3.0)),
    "brow_light": Shade("lighter brows", (-2.0, 2.0)),
    "skin": Shade("darker skin", (-1.5, 1.5)),
    "lipstick": Shade("more lipstick", (-1.5, 3.0)),
    "iris": Shade("from brown over green to blue eyes", (-3.0, 3.0)),
}


THINGS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "glasses": ("glasses", (1.0, 0.2, 0.0)),
    "sunglasses": ("sunglasses", (1.0, 0.5, 1.0)),
    "hat": ("a hat with a brim", (0.0, 0.0, 0.0, 1.0, 1.0, 0.08, 0.25)),
    "beanie": ("a knitted hat", (0.0, 0.0, 0.0, 1.0, 0.0, 0.62, 0.35)),
}
"""What can be put on, and how it looks, see `stages.families.worn`."""
FORMS: Mapping[str, Shade] = {
    "fringe": Shade("hair over the forehead", (0.0, 3.0)),
    "hair_volume": Shade("fuller hair", (0.0, 2.0)),
}
"""Forms of hair, see `stages.families.hair`: three degrees are all of it."""
_THIRD = np.array([1 / 3], np.float32)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("--out", type=Path, default=colours_file(), help="the file to write")
    parser.add_argument("--people", type=int, default=4, help="people whose hair is rendered")
    parser.add_argument("--seed", type=int, default=2100, help="of the people")


def main(chosen: argparse.Namespace) -> int:
    """Write the tables and their card."""
    strands = strand_strength(chosen.people, chosen.seed)
    tables = {**_ramps(strands), "grey": _mixed_in(GREY), "lipstick": _mixed_in(LIPSTICK)}
    directions = [
        Direction(
            name, tables[name], one.usable, "a third of the attribute's range", one.attribute,
            way=COLOUR,
        )
        for name, one in WORDS.items()
    ]  # fmt: skip
    directions += [
        Direction(name, np.array(looks, np.float32), (0.0, 3.0), "on from 1", about, way=WORN)
        for name, (about, looks) in THINGS.items()
    ]
    directions += [
        Direction(
            name, _THIRD, one.usable, "a third of the attribute's range", one.attribute, way=HAIR
        )
        for name, one in FORMS.items()
    ]
    write_directions(chosen.out, directions)
    atomic.write_text(chosen.out.with_suffix(".md"), _card(strands, chosen.people))
    return 0


def strand_strength(people: int, seed: int) -> Floats:
    """How strong hair's pattern is by its lightness: rows of lightness, coarse, fine.

    The spread of the logarithm of linear light, over the whole of the hair, and finer than
    a wave of it.
    """
    faces = with_factors(
        sample_factors(people, seed),
        **{"grey": 0.0, "hat": 0.0, "bald": 0.0, "hair_warmth": 0.0, "yaw": 0.0, "hair_curl": 0.0},
    )
    rows = []
    plates = None
    for light in _LIGHTS:
        made = faceworld.render(
            with_factors(faces, hair_light=light), torch.arange(people), size=_PX, plates=plates
        )
        plates = made.plate
        spreads = [
            _spread(photo.permute(1, 2, 0).numpy(), labels.numpy() == Face.HAIR)
            for photo, labels in zip(made.photo, made.labels, strict=True)
        ]
        rows.append((light, *np.nanmedian(spreads, axis=0)))
    found: Floats = np.array(rows)
    return found


def _spread(photo: Floats, hair: Floats) -> tuple[float, float]:
    inner = cv2.erode(hair.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inner.sum() < 200:
        return float("nan"), float("nan")
    bright = np.log(np.maximum(to_linear(photo) @ LUMINANCE, 2e-3)).astype(np.float32)
    weight = cv2.GaussianBlur(hair.astype(np.float32), (0, 0), _COARSE_PX) + 1e-3
    coarse = cv2.GaussianBlur(bright * hair, (0, 0), _COARSE_PX) / weight
    return float(coarse[inner].std()), float((bright - coarse)[inner].std())


def _ramps(strands: Floats) -> dict[str, Floats]:
    at = torch.linspace(0, 1, _ROWS)
    zero, brown = torch.zeros(_ROWS), torch.full((_ROWS,), 0.45)
    by_light = np.column_stack(
        [np.interp(at.numpy(), strands[:, 0], strands[:, i]) for i in (1, 2)]
    )
    even = np.ones((_ROWS, 2))
    return {
        "hair_light": _table(at, hair_tone(at, zero, zero), by_light),
        "brow_light": _table(at, 0.75 * hair_tone(0.8 * at, zero, zero), even),
        "hair_red": _table(at, hair_tone(brown, 2 * at - 1, zero), even),
        "skin": _table(at, skin_tone(at, zero), even),
        "iris": _table(at, linear(iris_tone(at, zero)), even),
    }


def _table(at: Tensor, colours: Tensor, strength: Floats) -> Floats:
    table: Floats = np.column_stack((at.numpy(), colours.numpy(), strength)).astype(np.float32)
    return table


def _mixed_in(screen: tuple[float, float, float]) -> Floats:
    colour = linear(rgb(torch.zeros(1), *screen)).numpy()
    table: Floats = np.array([[1.0, *colour, 1.0, 1.0]], np.float32)
    return table


def _card(strands: Floats, people: int) -> str:
    lines = [
        "# Directions of colour",
        "",
        "Colours of the face world from one end of an attribute's range to the other "
        f"(`python -m unripple.training colours`), and the strength of strands in the hair of "
        f"{people} people (spread of the logarithm of light; coarse, and finer than "
        "a wave):",
        "",
        "| lightness of hair | coarse | fine |",
        "| --- | --- | --- |",
        *(f"| {light:.2f} | {coarse:.3f} | {fine:.3f} |" for light, coarse, fine in strands),
        "",
        "| direction | more of it | usable |",
        "| --- | --- | --- |",
        *(f"| {n} | {one.attribute} | {one.usable[0]:g} to {one.usable[1]:g} |"
          for n, one in WORDS.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
