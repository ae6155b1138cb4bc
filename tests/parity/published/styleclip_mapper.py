"""The mappers of StyleCLIP and of its descendant for many texts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unripple.models import mapper as models

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252

OP = "styleclip.mappers"
SHOWN = (0, 2, 15, 18, 24)


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """What each mapper says of the codes, and three of them one after the other."""
    inputs = golden.on(device)
    w, said = inputs["w"], inputs["text_feature"]
    vectors = models.published_vectors(6).to(device)

    def mapper(name: str) -> models.LatentMapper:
        state = part(golden.state, f"{name}.")
        return ready(models.LatentMapper(**models.sizes_from_state(state)), state, device)

    def row(*numbers: int) -> Tensor:
        return vectors[list(numbers)].sum(0, keepdim=True)

    state = part(golden.state, "stylespace.")
    styles = models.StyleMapper(**models.style_sizes_from_state(state))
    ready(styles, state, device)
    added, beside, short = mapper("yubin_sum"), mapper("yubin_cat"), mapper("yubin_cat_no_fine")
    with running(device, dtype):
        moves = styles([inputs[f"s_{i}"] for i in range(26)])
        chained = models.moved(added, w, row(2))
        chained = models.moved(short, chained, row(1))
        return {
            **{name: mapper(name)(w) for name in ("levels", "levels_no_fine", "single")},
            **{f"stylespace_{i}": moves[i] for i in SHOWN},
            "embedding_rows": vectors,
            "yubin_sum": added(w, row(2)),
            "yubin_cat": beside(w, row(1)),
            "yubin_cat_clip": beside(w, said),
            "yubin_cat_no_fine": short(w, row(3)),
            "yubin_multi": mapper("yubin_multi")(w, row(2, 5)),
            "chained": models.moved(beside, chained, said),
        }
