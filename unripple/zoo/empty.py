"""Networks without values, to be filled from a file.

On torch's meta device a network is built of shapes alone. But some of the functions that draw first
values (`randn`, `normal_`, a division) have no fast form there: at their first call torch imports
its compiler, 5 CPU seconds of it. The values count for nothing, so those functions are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_DRAWN = (torch.randn, torch.rand)
_KEEP_THE_SHAPE = frozenset(
    (
        *(Tensor.normal_, Tensor.erfinv_, Tensor.clamp_),
        *(Tensor.mul, Tensor.div, Tensor.true_divide),
        *(Tensor.__mul__, Tensor.__rmul__, Tensor.__truediv__),
    )
)


class _Shapes(TorchFunctionMode):
    """Leaves out what changes nothing but values."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if getattr(func, "__module__", "") == nn.init.__name__:
            return named["tensor"] if "tensor" in named else args[0]
        if func in _DRAWN:
            return torch.empty(*args, **{k: v for k, v in named.items() if k != "generator"})
        if func in _KEEP_THE_SHAPE and not any(isinstance(other, Tensor) for other in args[1:]):
            return args[0]
        return func(*args, **named)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Within it, modules are built on the meta device; no parameter gets a value."""
    with torch.device("meta"), _Shapes():
        yield
