"""Shards of toy faces: discs with eyes before stripes, in the format that trainings read."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from unripple.conventions import Face

PEOPLE = 8  # per shard
SHARDS = 4  # the last two are held out
FACTORS = 3


def write_shards(folder: Path, *, size: int = 64, shards: int = SHARDS) -> Path:
    """Write `shards` shards of `2 * PEOPLE` toy faces each; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        save_file(toy_shard(index, size), folder / f"shard-{index:05d}.safetensors")
    return folder


def toy_shard(index: int, size: int) -> dict[str, Tensor]:
    """One shard: rows 2k and 2k+1 are one colour of face before one plate, at two yaws."""
    rng = torch.Generator().manual_seed(index)
    skin = torch.rand(PEOPLE, 3, generator=rng).repeat_interleave(2, 0) * 0.5 + 0.5
    yaw = torch.rand(2 * PEOPLE, generator=rng) * 2 - 1
    plate = torch.stack([stripes(size, rng) for _ in range(PEOPLE)])
    labels = torch.stack([toy_labels(size, float(turn)) for turn in yaw])
    paint = torch.rand(len(Face), 3, generator=torch.Generator().manual_seed(5)) * 0.4
    colour = paint[labels.long()]  # [N, S, S, 3]
    colour = torch.where((labels == Face.SKIN)[..., None], skin[:, None, None], colour)
    person = labels != Face.BACKGROUND
    behind = plate.repeat_interleave(2, 0).permute(0, 2, 3, 1).float() / 255  # [N, S, S, 3]
    photo = torch.where(person[..., None], colour, behind)
    faces = len(yaw)
    return {
        "photo": (photo * 255).round().to(torch.uint8).permute(0, 3, 1, 2).contiguous(),
        "plate": plate,
        "labels": labels,
        "inverse_depth": (0.1 + 0.1 * person + 0.02 * (labels == Face.NOSE)).half(),
        "alpha": (person * 255).to(torch.uint8),
        "landmarks": torch.stack([toy_landmarks(size, float(turn)) for turn in yaw]),
        "pose_deg": torch.stack((38 * yaw, torch.zeros(faces), torch.zeros(faces)), 1),
        "factors": torch.stack((yaw, skin[:, 0], skin[:, 1]), 1),
        "seed": torch.arange(faces),
    }


def stripes(size: int, rng: torch.Generator) -> Tensor:
    """A striped plate, uint8 [3, size, size]."""
    colours = torch.rand(2, 3, generator=rng)
    period, tilt = torch.rand(2, generator=rng).tolist()
    rows = torch.arange(size).float()
    across = rows[None] + rows[:, None] * (tilt - 0.5)
    wave = 0.5 + 0.5 * torch.sin(across * (6.28 / (5 + 6 * period)))
    mixed = colours[0][:, None, None] * wave + colours[1][:, None, None] * (1 - wave)
    return (mixed * 255).to(torch.uint8)


def toy_landmarks(size: int, turn: float) -> Tensor:
    """Eyes, nose and mouth corners in pixels, [5, 2]; turning moves them sideways."""
    at = torch.tensor([(0.40, 0.42), (0.60, 0.42), (0.50, 0.52), (0.42, 0.62), (0.58, 0.62)])
    at[:, 0] += 0.06 * turn
    at[2, 0] += 0.04 * turn
    return at * size


def toy_labels(size: int, turn: float) -> Tensor:
    """Labels uint8 [size, size]: body, head, features."""
    centres = torch.arange(size) + 0.5
    y, x = torch.meshgrid(centres / size, centres / size, indexing="ij")
    labels = torch.zeros(size, size, dtype=torch.uint8)
    labels[(y > 0.72) & ((x - 0.5).abs() < 0.3)] = Face.CLOTH

    def disc(part: Face, cx: float, cy: float, rx: float, ry: float) -> None:
        labels[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = part

    disc(Face.HAIR, 0.5 + 0.1 * turn, 0.42, 0.28, 0.33)
    disc(Face.SKIN, 0.5 + 0.03 * turn, 0.5, 0.22, 0.28)
    eye, other, nose, corner, far = (toy_landmarks(size, turn) / size).tolist()
    disc(Face.RIGHT_EYE, *eye, 0.06, 0.04)
    disc(Face.LEFT_EYE, *other, 0.06, 0.04)
    disc(Face.NOSE, *nose, 0.04, 0.06)
    disc(Face.UPPER_LIP, (corner[0] + far[0]) / 2, corner[1], 0.08, 0.04)
    return labels
