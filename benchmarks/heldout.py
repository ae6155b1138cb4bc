"""People that no training and no choice of checkpoint has seen, with everything true about them.

Rendered once in chunks and kept, so benchmarks of any size share them: the first n people are the
same ones whatever n is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import Mask, Photo, UnrippleError
from unripple.faceworld import (
    INDEX,
    PITCH_MAX_DEG,
    VERSION,
    YAW_MAX_DEG,
    RenderedFaces,
    counterfactual,
    render,
    sample_factors,
    with_factors,
)

SEED = 900_000_000  # trainings count up from 0, sample photos start at 700 million
DRAWN = 4096  # of whom about every sixth looks straight enough ahead
TURN_DEG = 20.0
YAW_DEG_PER_DEGREE = 20 / 3  # of the embedded direction `pose`
TURNS = {"left": -1, "right": 1}
MEETINGS_DEG = (0.0, 15.0, 30.0)  # how far the same person has turned when seen again
PLATE = ("plate_kind", "plate_hue", "plate_value")
LIGHT = ("light_azimuth", "light_elevation", "light_warmth", "ambient")
MEETINGS = {"seen": PLATE, "relit": (*PLATE, *LIGHT)}
"""What is another's when a person is seen again, so that not the background tells who it is."""
CHUNK = 32  # people per file
BATCH = 8  # pictures rendered at once

Stored = dict[str, Tensor]


class Case(NamedTuple):
    """One photo and one edit of it, with everything that is true about both.

    Attributes:
        direction: the embedded one that the edit goes along, by `degree`.
    """

    photo: Photo
    plate: Photo
    before: Mask
    counterfactual: Photo
    after: Mask
    yaw_deg: float
    degree: float
    direction: str = "pose"


def factors_of_people(count: int) -> Tensor:
    """Factors of people who look about straight ahead, so that both turns stay in range.

    Raises:
        UnrippleError: more people are asked for than were drawn.
    """
    factors = sample_factors(DRAWN, seed=SEED)
    calm = (factors[:, INDEX["yaw"]].abs() * YAW_MAX_DEG < 15) & (
        factors[:, INDEX["pitch"]].abs() * PITCH_MAX_DEG < 8
    )
    if count > int(calm.sum()):
        raise UnrippleError(f"{count} photos: the benchmark has {int(calm.sum())} people")
    return factors[calm][:count]


def people(count: int, size: int, folder: Path) -> Stored:
    """Photos and their truth: one row per person.

    Args:
        count: how many people.
        size: side of the pictures, px.
        folder: where rendered pictures are kept.

    Returns:
        The fields of `RenderedFaces`; for each of `TURNS` `<turn>_photo`, `<turn>_alpha` and
        `<turn>_yaw`, the true picture of the turn; for each of `MEETINGS_DEG` `seen_<deg>`, the
        person turned by so much before another plate, and `relit_<deg>`, in other light as well.
    """
    chunks = []
    for start in range(0, count, CHUNK):
        cache = folder / f"people-{VERSION}-{SEED}-{start:04d}-{size}.pt"
        if cache.exists():
            chunks.append(torch.load(cache, weights_only=True))
            continue
        factors = factors_of_people(start + CHUNK)[start:]
        chunks.append(_rendered(factors, SEED + start + torch.arange(CHUNK), size))
        folder.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".part")
        torch.save(chunks[-1], partial)
        partial.replace(cache)
        print(f"rendered {start + CHUNK} people", flush=True)
    return {name: torch.cat([chunk[name] for chunk in chunks])[:count] for name in chunks[0]}


def _rendered(factors: Tensor, seeds: Tensor, size: int) -> Stored:
    compiled = shutil.which("gcc") is not None
    parts = []
    for rows in torch.arange(len(factors)).split(BATCH):
        faces = render(factors[rows], seeds[rows], size=size, compiled=compiled)
        found = {name: value for name, value in faces._asdict().items() if name != "seeds"}
        for turn, sign in TURNS.items():
            yaw = faces.pose_deg[:, 0] + sign * TURN_DEG
            true = counterfactual(faces, compiled=compiled, yaw_deg=yaw)
            found |= {
                f"{turn}_photo": true.photo,
                f"{turn}_alpha": true.alpha,
                f"{turn}_yaw": true.pose_deg[:, 0],
            }
        for name, changed in MEETINGS.items():
            for degrees in MEETINGS_DEG:
                seen = _seen_again(faces, degrees, changed, compiled=compiled)
                found[f"{name}_{degrees:g}"] = seen
        parts.append(found)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _seen_again(
    faces: RenderedFaces, degrees: float, changed: tuple[str, ...], *, compiled: bool
) -> Tensor:
    others = faces.factors.roll(1, 0)
    changes = {name: others[:, INDEX[name]] for name in changed}
    yaw = faces.pose_deg[:, 0]
    turned = yaw - torch.where(yaw < 0, -1.0, 1.0) * degrees  # towards the other side: in range
    factors = with_factors(faces.factors, yaw_deg=turned, **changes)
    return render(factors, faces.seeds, size=faces.photo.shape[-1], compiled=compiled).photo


def turns(stored: Stored, *, both: bool = True) -> list[Case]:
    """The turns to either side; or of one side each, to the left for every other person."""
    rows: list[Case] = []
    for k, (turn, sign) in enumerate(TURNS.items()):
        rows += [
            Case(
                photo=picture(stored["photo"][i]),
                plate=picture(stored["plate"][i]),
                before=mask(stored["alpha"][i]),
                counterfactual=picture(stored[f"{turn}_photo"][i]),
                after=mask(stored[f"{turn}_alpha"][i]),
                yaw_deg=float(stored[f"{turn}_yaw"][i]),
                degree=sign * TURN_DEG / YAW_DEG_PER_DEGREE,
            )
            for i in range(len(stored["photo"]))
            if both or i % 2 == k
        ]
    return rows


def picture(pixels: Tensor) -> Photo:
    """uint8 [3, H, W] -> [H, W, 3]."""
    shown: Photo = pixels.permute(1, 2, 0).contiguous().numpy()
    return shown


def mask(alpha: Tensor) -> Mask:
    """Where the person covers half of the pixel or more."""
    person: Mask = np.asarray(alpha.numpy() >= 128)
    return person
