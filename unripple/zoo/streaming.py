"""Keep little of a large network in memory: what a layer used is let go of, and read again.

The weights of a file are views of it (`zoo.weights`): the system reads a page when it is first
used. Left alone, every page that was used counts as the process's memory until the network goes,
1.4 GB for DPT-Large. So each layer gives back its own pages after its work. They stay in the
system's cache of files as long as nobody else needs the room, and coming back from there costs a
hundredth of what the layer computes.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

STREAMED_MB = 100.0
"""From this length of its files on a network's weights are let go of: the embedded ones stay."""

LEAST_BYTES = 1 << 20
"""Smaller weights stay: a call to the system would cost more than they hold."""

_DONTNEED = 4  # MADV_DONTNEED of Linux's mman-common.h


class FileViews:
    """Which tensors are views of a network's files; none on other systems than Linux.

    Args:
        paths: its files, opened already. Those shorter than `STREAMED_MB` together have no views.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        large = sum(path.stat().st_size for path in paths) >= STREAMED_MB * 1e6
        here = large and sys.platform.startswith("linux")
        self._ranges = list(_mapped(paths)) if here else []

    def has(self, tensor: Tensor) -> bool:
        """Whether a tensor is a view, and large enough to be worth a call to the system."""
        if not tensor.is_cpu or not tensor.is_contiguous() or tensor.nbytes < LEAST_BYTES:
            return False
        start, stop = _place(tensor)
        return any(low <= start and stop <= high for low, high in self._ranges)

    def let_go(self, tensor: Tensor) -> None:
        """Give back the pages of a view that nobody has written to; of another tensor nothing."""
        if self.has(tensor):
            _give_back(tensor)

    def stream(self, net: nn.Module) -> int:
        """From now on, have each layer let go of its weights' pages after its work.

        What the layers compute stays the same to the bit. For inference alone: what is written into
        such weights in place would be lost with their pages.

        Returns:
            Bytes of weights that no longer stay.
        """
        streamed = 0
        for module in net.modules():
            own = [weight for weight in module.parameters(recurse=False) if self.has(weight)]
            if own:
                module.register_forward_hook(_LetGo(own))
                streamed += sum(weight.nbytes for weight in own)
        return streamed


class _LetGo:
    """Gives back the pages of a layer's weights.

    It holds the views themselves: were they gone, something else might live at their addresses.
    A copy of the layer has weights of its own, and this of the layer that it was copied from.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self._views = [weight.detach() for weight in weights]

    def __deepcopy__(self, _: dict[int, Any]) -> _LetGo:
        return self

    def __call__(self, *_: object) -> None:
        for view in self._views:
            _give_back(view)


def _give_back(view: Tensor) -> None:
    """Give back the pages that hold nothing but a view of a file."""
    start, stop = _place(view)
    first, after = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE, stop // mmap.PAGESIZE * mmap.PAGESIZE
    advise = ctypes.CDLL(None).madvise
    # It may refuse, as for memory that is locked; then the pages stay.
    advise(ctypes.c_void_p(first), ctypes.c_size_t(after - first), _DONTNEED)


def _mapped(paths: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """Where files stand in this process's memory: [start, stop) of each piece."""
    names = {str(path.resolve()) for path in paths}
    for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        place, *_, name = line.split(maxsplit=5)
        if name in names:
            start, stop = (int(end, 16) for end in place.split("-"))
            yield start, stop


def _place(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor's numbers stand in memory: [start, stop)."""
    return tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes
