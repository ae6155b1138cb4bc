"""True pairs for HFGI: one person's photo, and the photo that the edited codes ought to become."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from unripple.metrics.fidelity import psnr
from unripple.metrics.ghost import inner_ghost, inner_return
from unripple.training import grids
from unripple.training.loop import Batch

FIELDS = ("photo", "alpha", "factors")
TARGET = "target_"  # prefix of the fields of the other photo; those have the pairs' rows alone


class Case(NamedTuple):
    """Photos and what shall come out of them.

    Attributes:
        photo: [B, 3, S, S] in [-1, 1].
        target: likewise; equal to the photo in the first rows.
        known: share of each target's pixel that the photo can tell, [B, 1, S, S] in [0, 1]: 0
            where the person stood in the photo and does not in the target.
        n: how many rows come first, whose target is the photo itself.
        factors: of the other rows, photo and target, each [B - n, K]; None if there are none.
    """

    photo: Tensor
    target: Tensor
    known: Tensor
    n: int
    factors: tuple[Tensor, Tensor] | None

    @classmethod
    def of(cls, batch: Batch, device: torch.device | str) -> Self:
        """The case of a batch, with or without pairs at its end."""
        photo = grids.from_uint8(batch["photo"].to(device))
        if TARGET + "photo" not in batch:
            return cls(photo, photo, torch.ones_like(photo[:, :1]), len(photo), None)
        n = len(photo) - len(batch[TARGET + "photo"])
        target = grids.from_uint8(batch[TARGET + "photo"].to(device))
        before, after = (batch[p + "alpha"].to(device).float() / 255 for p in ("", TARGET))
        known = 1 - (before[n:] - after).clamp_min(0)[:, None]
        return cls(
            photo,
            torch.cat((photo[:n], target)),
            torch.cat((torch.ones_like(photo[:n, :1]), known)),
            n,
            (batch["factors"][n:].to(device), batch[TARGET + "factors"].to(device)),
        )


def beside(same: Batch | None, one: Batch, other: Batch) -> Batch:
    """One batch of photos that are their own target, and of pairs."""
    photos = one if same is None else {f: torch.cat((same[f], one[f])) for f in FIELDS}
    return {**{f: photos[f] for f in FIELDS}, **{TARGET + f: other[f] for f in FIELDS}}


def partners(count: int) -> Tensor:
    """Row of each row's partner, in the order of shards: 1, 0, 3, 2, ..."""
    return torch.arange(count) ^ 1


def swapped(faces: Batch) -> Batch:
    """Rows of shards as pairs, each to become its partner."""
    rows = partners(len(faces["photo"]))
    return beside(
        None, faces, {field: faces[field][rows.to(faces[field].device)] for field in FIELDS}
    )


def figures(faces: Batch, drawn: Tensor) -> dict[str, float]:
    """How near edits come to the true partner, medians over the faces where they are defined.

    Args:
        faces: rows of shards.
        drawn: each turned to the pose of its partner, [B, 3, S, S] in [-1, 1].

    Returns:
        `edit_psnr_db` on the person, `inner_ghost` and `inner_return` (see `metrics.ghost`).
    """
    rows = partners(len(drawn))
    photos = faces["photo"].permute(0, 2, 3, 1).cpu().numpy()  # [B, S, S, 3]
    persons = (faces["alpha"] > 127).cpu().numpy()
    results = grids.to_uint8(drawn).numpy()
    found: dict[str, list[float]] = {"edit_psnr_db": [], "inner_ghost": [], "inner_return": []}
    for row, other in enumerate(rows.tolist()):
        seen = (results[row], photos[row], photos[other], persons[row], persons[other])
        found["edit_psnr_db"].append(psnr(results[row], photos[other], persons[other]))
        found["inner_ghost"].append(inner_ghost(*seen))
        found["inner_return"].append(inner_return(*seen))
    return {name: float(np.nanmedian(values)) for name, values in found.items()}
