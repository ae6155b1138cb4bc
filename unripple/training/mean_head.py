"""Measure the face world's average head: points of its front, for turning heads by geometry.

Nothing is trained: the solid is asked where its surface lies, bald and without ears, because hair
and ears of a photo are told by their outline.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from unripple.faceworld import anatomy
from unripple.faceworld.factors import FACTORS
from unripple.faceworld.shape import Shape, shape_from_factors
from unripple.training.cards import save_half

NAME = "head"
_STEPS, _STEP = 80, 0.8
_START_Z, _CLOSE, _BACK_Z = 1.4, 0.01, -0.2
_LEVELS = (0.93, -0.235, 0.62)
"""Chin, brows and half of the width at the cheekbones of that head, read off its solid."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("--models", type=Path, default=Path("data/models"), help="where to write")
    parser.add_argument("--points", type=int, default=101, help="points along the head's height")


def main(chosen: argparse.Namespace) -> int:
    """Write `head.safetensors` and its card."""
    state = mean_head(chosen.points)
    path = save_half(chosen.models / f"{NAME}.safetensors", state, network="mean_head", role=NAME)
    path.with_suffix(".md").write_text(
        "# head\n\nThe face world's average head: "
        f"{len(state['surface'])} points of its front, five landmarks, its measures, in units of "
        "about half a head's height. Nothing was trained; `python -m unripple.training mean_head` "
        "measures it again. It turns the heads of photographs (`edit.turn: geometry`).\n"
    )
    return 0


@torch.no_grad()
def mean_head(points: int = 101) -> dict[str, Tensor]:
    """Find the surface, seen from the front, x to the picture's right, y down, z to the viewer.

    Args:
        points: along the height; across there are in proportion.
    """
    shape = shape_from_factors(torch.zeros(1, len(FACTORS)), torch.zeros(1, 3))
    rows = torch.linspace(1.0, -1.0, points)
    columns = torch.linspace(-0.8, 0.8, round(points * 0.8))
    y, x = (axis.reshape(1, -1) for axis in torch.meshgrid(rows, columns, indexing="ij"))
    z = torch.full_like(x, _START_Z)
    for _ in range(_STEPS):  # march along the line of sight
        z = z - _STEP * _distance(x, y, z, shape).clamp(min=0)
    front = (_distance(x, y, z, shape) < _CLOSE) & (z > _BACK_Z)
    surface = torch.stack((x, -y, z), dim=-1)[front]
    return {
        "surface": surface,
        "landmarks": _landmarks(shape),
        "levels": torch.tensor(_LEVELS),
    }


def _distance(x: Tensor, y: Tensor, z: Tensor, shape: Shape) -> Tensor:
    parts = anatomy.head(x, y, z, shape)
    return torch.minimum(parts.skin, parts.eye)


def _landmarks(shape: Shape) -> Tensor:
    """Where `faceworld.render` has them, in this frame."""
    eye_x, eye_y, mouth_x, mouth_y, up, length = (
        float(shape[name][0, 0])
        for name in ("eye_x", "eye_y", "mouth_half", "mouth_y", "nose_up", "nose_length")
    )
    tip_y = float(anatomy.nose_tip_y(shape)[0, 0]) + up
    return torch.tensor(
        [
            [-eye_x, -eye_y, 0.64],
            [eye_x, -eye_y, 0.64],
            [0.0, -tip_y, 0.93 + 0.3 * (up + length)],
            [-mouth_x, -mouth_y, 0.60],
            [mouth_x, -mouth_y, 0.60],
        ]
    )
