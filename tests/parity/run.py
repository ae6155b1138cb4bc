"""How a published network is run for a golden: exactly in float32, or in half the bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from unripple.models.layers.precision import exact_products

Net = TypeVar("Net", bound=nn.Module)
CPU = torch.device("cpu")


@contextmanager
def running(device: torch.device, dtype: torch.dtype | None = None) -> Iterator[None]:
    """No gradients (`torch.enable_grad` inside brings them back), and exact float32 products.

    Args:
        device: where the networks run.
        dtype: None is float32, with TF32 off; torch.bfloat16 runs them under autocast.
    """
    cast = nullcontext() if dtype is None else torch.autocast(device.type, dtype)
    with torch.no_grad(), exact_products(), cast:
        yield


def ready(net: Net, state: Mapping[str, Tensor], device: torch.device = CPU) -> Net:
    """Load weights strictly, for evaluation, without gradients, on a device.

    The network takes the tensors themselves, so it may have been built on the meta device, which
    spares drawing weights that nobody uses.
    """
    net.load_state_dict(dict(state), strict=True, assign=True)
    return net.requires_grad_(False).eval().to(device)


def watched(net: nn.Module) -> list[tuple[tuple[Any, ...], Any]]:
    """A list to which every coming call of the network adds (arguments, result)."""
    calls: list[tuple[tuple[Any, ...], Any]] = []
    net.register_forward_hook(lambda _, arguments, result: calls.append((arguments, result)))
    return calls
