"""DeltaEdit's step in style space, with the bias as trained and as a published kernel takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models import delta_mapper
from unripple.models.layers.equalised import GAIN, SLOPE, EqualLinear
from unripple.models.layers.precision import full_precision

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "deltaedit.delta"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The text's direction, the channels that it keeps, and the steps."""
    inputs = golden.on(device)
    mapper = network(delta_mapper, "DeltaMapper", golden.state, device)
    with running(device, dtype), full_precision(inputs["style"]):  # no channel may flip
        bank = F.normalize(inputs["text_bank"] + inputs["text_offset"], dim=-1).mean(1)
        target, neutral = F.normalize(bank, dim=-1)
        direction = target - neutral
        # The relevance is compared before the direction gets length 1, the condition after.
        kept = ((inputs["fs3"] @ direction).abs() >= inputs["threshold"]).float()
        change = direction / direction.norm().clamp_min(1e-5)
        picture = F.normalize(inputs["clip_image"], dim=-1)
        condition = torch.cat([picture, change.expand(len(picture), -1)], dim=1)

        def steps(ending: str) -> dict[str, Tensor]:
            return {
                f"delta{ending}": mapper(inputs["style"], condition) * kept,
                f"mapper{ending}": mapper(inputs["styles_batch"], inputs["condition_batch"]),
            }

        computed = steps("")
        edited = inputs["style"] + inputs["factors"][:, None] * computed["delta"]
        _take_biases_by_row(mapper)
        return {"direction": direction, "kept": kept, "edited": edited, **computed} | steps(
            "_row_bias"
        )


class _RowBias(nn.Module):
    """A layer as the published CUDA kernel runs it: element (n, r) gets bias (n R + r) mod C."""

    def __init__(self, layer: EqualLinear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        rows = torch.arange(x.shape[0] * x.shape[1], device=x.device) % len(layer.bias)
        bias = (layer.bias * layer.lr)[rows].view(x.shape[0], x.shape[1], 1)
        return F.leaky_relu(F.linear(x, layer.weight * layer.scale) + bias, SLOPE) * GAIN


def _take_biases_by_row(mapper: nn.Module) -> None:
    """In the stacks that act on rows; vectors are not affected."""
    for name in ("sm_coarse", "sm_medium", "fm_coarse", "fm_medium"):
        stack: Mapping[str, nn.Module] = mapper.get_submodule(name).mapping._modules
        for number, layer in list(stack.items()):
            if isinstance(layer, EqualLinear):
                mapper.get_submodule(name).mapping[int(number)] = _RowBias(layer)
