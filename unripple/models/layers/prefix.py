"""What several renderings of the same codes have in common."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Prefix:
    """The first part of a rendering, from which others of the same codes go on.

    The first rendering that is given one fills it in. What is injected after `after` acts on each
    rendering alone: that is where they part.

    Args:
        after: number of the styled convolution that ends it.

    Attributes:
        features: what that convolution gives, [B, C, H, W]; None before it is drawn.
        picture: what the RGB layers before it have added up to, [B, 3, H', W'].
    """

    def __init__(self, after: int) -> None:
        self.after = after
        self.features: Tensor | None = None
        self.picture: Tensor | None = None
        self._styles: list[Tensor] = []

    def begin(self, styles: Sequence[Tensor]) -> None:
        """Begin a rendering with these styles, [B, channels] each, as far as the prefix goes.

        Raises:
            ValueError: they are others than those that it was drawn from.
        """
        if self.features is None:
            self._styles = list(styles)
        elif not all(map(torch.equal, styles, self._styles)):
            raise ValueError("prefix: drawn from other styles; make one for each picture")

    def is_past(self, i: int) -> bool:
        """Whether it is drawn and styled convolution i lies within it."""
        return self.features is not None and i < self.after
