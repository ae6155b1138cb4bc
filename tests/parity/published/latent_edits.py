"""InterFaceGAN directions and GANSpace components, the real files, as the published editor."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unripple.ops.latents import FFHQ_EDITS, Component, moved_along, moved_to

from ..goldens import GOLDENS, Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU  # noqa: TID252

OP = "latent_edits.apply"
DIRECTIONS = ("age", "smile", "pose")
"""In the order of the factors."""


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """What each edit adds, and two edits in one call. No network, so the device does not matter."""
    latents, factors = golden.inputs["latents"].numpy(), golden.inputs["factors"].tolist()
    deltas = {}
    for name, factor in zip(DIRECTIONS, factors, strict=True):
        direction = _read(golden.folder, f"{name}.pt").numpy()
        deltas[f"{name}_delta"] = moved_along(latents, direction, factor) - latents
    pca = {key: value.numpy() for key, value in _read(golden.folder, "ffhq_pca.pt").items()}
    edits = {}
    for name, edit in FFHQ_EDITS.items():
        n = edit.component
        component = Component(pca["mean"][0], pca["comp"][n, 0], float(pca["std"][n]))
        edits[name] = partial(
            moved_to,
            component=component,
            place=edit.place,
            first_code=edit.first_code,
            end_code=edit.end_code,
        )
        deltas[f"{name}_delta"] = edits[name](latents) - latents
    # Each edit starts from the unedited codes: all edits of one sample, then those of the next.
    each = np.stack([edits[name](latents) for name in ("eyes", "lip")], axis=1)  # [B, E, L, W]
    return {**deltas, "eyes_and_lip": each.reshape(-1, *latents.shape[1:])}


def _read(folder: Path, name: str) -> Any:
    """One published file, from beside the golden's folder or in that of tests/goldens."""
    places = (folder, folder.parent, folder.parent.parent, GOLDENS)
    found = [path for place in places if (path := place / "directions" / name).is_file()]
    if not found:
        raise FileNotFoundError(f"no directions/{name} in any of {', '.join(map(str, places))}")
    return torch.load(found[0], map_location="cpu", weights_only=True)
