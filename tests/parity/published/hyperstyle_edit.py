"""HyperStyle's edits on a tuned generator: a direction of W+, and a global one of style space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models import stylegan2
from unripple.models.layers.precision import full_precision

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network
from .sfe_style_edit import SIZES, moved

OP = "hyperstyle.edit"
GLOBAL_LAYERS = (0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15)


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Pictures [B, edits, 3, H, W], styles and the global direction."""
    inputs = golden.on(device)
    generator = network(stylegan2, "Generator", part(golden.state, "decoder."), device)
    assert isinstance(generator, stylegan2.Generator)
    offsets = {int(n): inputs[f"offset_{n}"] for n in golden.facts["constructor"]["tuned"]}
    codes = inputs["codes"]
    with running(device, dtype):
        turned = [codes + factor * inputs["direction"] for factor in inputs["factors"]]
        pictures = [generator.synthesize(w, weight_offsets=offsets) for w in turned]
        styles, direction = generator.styles(codes), global_direction(inputs)
        stepped = [moved(styles, direction[: len(styles)], alpha) for alpha in inputs["alphas"]]
        drawn = [generator.render(edited, weight_offsets=offsets) for edited in stepped]
        return {
            "inversion": generator.synthesize(codes, weight_offsets=offsets),
            "interfacegan": torch.stack(pictures, dim=1),
            "global_direction": torch.cat(direction),
            "styles": torch.cat(styles, dim=1),
            "global": torch.stack(drawn, dim=1),
        }


def global_direction(inputs: dict[str, Tensor]) -> list[Tensor]:
    """A step of style space per layer, from the texts' features and the channels' relevance."""
    bank = F.normalize(inputs["text_bank"] + inputs["text_offset"], dim=-1).mean(1)
    target, neutral = F.normalize(bank, dim=-1)
    with full_precision(bank):
        relevance = inputs["delta_i_c"] @ F.normalize(target - neutral, dim=0)
    relevance = torch.where(relevance.abs() < inputs["beta"], 0, relevance)
    relevance = relevance / relevance.abs().max()
    spreads = list(inputs["s_std"].split(SIZES))
    steps = [torch.zeros_like(spread) for spread in spreads]
    own = relevance[: sum(SIZES[number] for number in GLOBAL_LAYERS)]
    pieces = own.split([SIZES[number] for number in GLOBAL_LAYERS])
    for number, piece in zip(GLOBAL_LAYERS, pieces, strict=True):
        steps[number] = piece * spreads[number]
    return steps
