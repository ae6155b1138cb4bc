"""Held-out people who smile, or wear glasses, otherwise than in their photo; see `heldout`.

One factor goes to its other side: who smiles stops, who does not begins; who wears glasses takes
them off, the others put some on. Light, background and all else stay.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.heldout import BATCH, CHUNK, SEED, Case, Stored, mask, picture
from unripple.faceworld import INDEX, VERSION, render, with_factors

CHANGES = ("smile", "glasses")
FACTOR_PER_DEGREE = 1 / 3  # of the embedded directions of the same names
SPECTACLES = {"glasses": 1.0, "glasses_dark": 0.0, "glasses_shape": 0.7}


def changed(factors: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Factors [B, K] of people after a change, and by how many degrees each, [B]."""
    own = factors[:, INDEX[name]]
    if name == "smile":
        step = torch.where(own > 0, -1.0, 1.0)
        return with_factors(factors, smile=own + step), step / FACTOR_PER_DEGREE
    wears = own > 0.5
    values: Mapping[str, Tensor] = {
        factor: torch.where(wears, factors[:, INDEX[factor]], value)
        for factor, value in SPECTACLES.items()
    }
    values = {**values, "glasses": torch.where(wears, 0.0, 1.0)}
    return with_factors(factors, **values), torch.where(wears, -1.0, 1.0) / FACTOR_PER_DEGREE


def changes(stored: Stored, folder: Path) -> Stored:
    """The true pictures of the changes of `heldout.people`.

    Args:
        stored: those people.
        folder: where rendered pictures are kept.

    Returns:
        For each of `CHANGES`: `<name>_photo`, `<name>_alpha` and `<name>_degree`.
    """
    count, size = len(stored["photo"]), stored["photo"].shape[-1]
    chunks = []
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        cache = folder / f"changes-{VERSION}-{SEED}-{start:04d}-{stop - start}-{size}.pt"
        if not cache.exists():
            found = _rendered({name: rows[start:stop] for name, rows in stored.items()}, start)
            partial = cache.with_suffix(".part")
            torch.save(found, partial)
            partial.replace(cache)
            print(f"rendered the changes of {stop} people", flush=True)
        chunks.append(torch.load(cache, weights_only=True))
    return {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _rendered(stored: Stored, start: int) -> Stored:
    compiled = shutil.which("gcc") is not None
    size, found = stored["photo"].shape[-1], {}
    for name in CHANGES:
        factors, degrees = changed(stored["factors"], name)
        parts = [
            render(
                factors[rows],
                SEED + start + rows,
                size=size,
                compiled=compiled,
                plates=stored["plate"][rows],
            )
            for rows in torch.arange(len(factors)).split(BATCH)
        ]
        found |= {
            f"{name}_photo": torch.cat([one.photo for one in parts]),
            f"{name}_alpha": torch.cat([one.alpha for one in parts]),
            f"{name}_degree": degrees,
        }
    return found


def changes_of(stored: Stored, made: Stored, row: int) -> list[Case]:
    """The changes of one person, in the order of `CHANGES`."""
    return [
        Case(
            photo=picture(stored["photo"][row]),
            plate=picture(stored["plate"][row]),
            before=mask(stored["alpha"][row]),
            counterfactual=picture(made[f"{name}_photo"][row]),
            after=mask(made[f"{name}_alpha"][row]),
            yaw_deg=float(stored["pose_deg"][row, 0]),
            degree=float(made[f"{name}_degree"][row]),
            direction=name,
        )
        for name in CHANGES
    ]
