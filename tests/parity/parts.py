"""Cuts one network's weights out of a file that holds several."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries whose names start with `prefix`, which is cut off."""
    cut = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    assert cut, f"nothing starts with {prefix}"
    return cut
