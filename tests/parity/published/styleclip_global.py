"""StyleCLIP's global directions and their copies, and pictures of styles that they moved."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models import stylegan2
from unripple.models.layers.precision import full_precision
from unripple.ops import style_directions as directions

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "styleclip.global_direction"
LOOKED_AT = 5376
"""Channels of the first 11 layers, whose relevance StyleCLIP's own script computes."""


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The text's change, directions, styles and pictures."""
    inputs, told = golden.on(device), golden.facts["constructor"]
    generator = network(stylegan2, "Generator", part(golden.state, "generator."), device)
    assert isinstance(generator, stylegan2.Generator)
    with running(device, dtype):
        with full_precision(inputs["w_plus"]):  # no channel may flip
            target, neutral = directions.mean_text(inputs["text_bank"])
            change = directions.text_change(target, neutral)
            relevant = F.normalize(inputs["fs3_raw"], dim=-1)
            deviations = [inputs[f"std_{i}"] for i in range(26)]

            def direction(rows: int | None, layers: int | None = None) -> list[Tensor]:
                return directions.style_direction(
                    relevant[:rows], change, deviations, beta=told["beta"], layers=layers
                )

            published = direction(LOOKED_AT)
            styles = generator.styles(inputs["w_plus"])
            edited = [s + told["alpha"] * d for s, d in zip(styles, published, strict=True)]
            features = directions.relevance(inputs["single_channel"])
            everywhere, first = direction(None), direction(None, directions.HYPERSTYLE_LAYERS)
        return {
            "dt": change,
            "direction": torch.cat(published),
            "direction_all_layers": torch.cat(everywhere),
            "direction_hyperstyle": torch.cat(first),
            "fs3_from_features": features,
            "s_codes": torch.cat(styles, dim=1),
            "edited_s": torch.cat(edited, dim=1),
            "image": generator.render(styles),
            "image_edited": generator.render(edited),
        }
