"""Which nets compute in how many bits: all of them where half would spoil the result, half where
that is quicker."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Result = TypeVar("Result")


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Within it, autocast leaves the tensors of x's device alone.

    For what is cheap and would spoil the rest: norms and sums that many layers pass their errors
    through, first layers, heads. What comes in from outside must be made float32 by hand. Where no
    autocast is on, nothing changes.
    """
    kind = x.device.type
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def exactly(compute: Callable[[Tensor], Result], x: Tensor, *, when: bool = True) -> Result:
    """What is computed of a tensor: where `when` says so, in float32 whatever the autocast says."""
    if not when:
        return compute(x)
    with full_precision(x):
        return compute(x.float())


class Exact(nn.Module):
    """A network that computes in float32 under autocast, too: it is small beside the generator, and
    its errors go into every pixel (an error of 0.7% in e4e's codes is one of 2% in the picture).

    Attributes:
        exact: whether it does. Trainings, which want speed, set it to False.
    """

    exact = True

    def exactly(self, compute: Callable[[Tensor], Result], x: Tensor) -> Result:
        """What is computed of a tensor; see `exactly`."""
        return exactly(compute, x, when=self.exact)


@contextmanager
def exact_products() -> Iterator[None]:
    """Within it, products and convolutions on a GPU are float32 indeed, without TF32."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value


def computes_bfloat16(device: torch.device | str) -> bool:
    """Whether a device multiplies bfloat16 in hardware.

    Processors that do not emulate it, 4 to 78 times slower than float32. oneDNN calls bfloat16
    supported from AVX-512 on, where it is emulated still; on x86 the instructions themselves count.
    """
    if torch.device(device).type != "cpu":
        return True
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def quick(device: torch.device | str) -> torch.autocast:
    """bfloat16 autocast where the device has it in hardware, and float32 elsewhere."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=computes_bfloat16(device))
