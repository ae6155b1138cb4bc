"""A generator whose styles are moved by a fixed step, whatever codes it draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from unripple.models.layers.synthesis import Synthesis


class Restyled(nn.Module):
    """Draws as the generator does, but for the step in style space.

    Whoever asks for `styles` gets moved ones, so that every inverter edits alike.

    Args:
        generator: what it asks.
        step: what is added, a tensor [C] for each style.
    """

    def __init__(self, generator: Synthesis, step: Sequence[Tensor]) -> None:
        super().__init__()
        self.generator = generator
        self.step = step

    def styles(self, w_plus: Tensor) -> list[Tensor]:
        """Styles of codes [B, L, W], moved; see `Synthesis.styles`."""
        kept = self.generator.styles(w_plus)
        return [style + step for style, step in zip(kept, self.step, strict=True)]

    def synthesize(self, w_plus: Tensor, **options: Any) -> Tensor:
        """See `Synthesis.synthesize`."""
        return self.generator.render(self.styles(w_plus), **options)

    def render(self, styles: Sequence[Tensor], **options: Any) -> Tensor:
        """See `Synthesis.render`; styles given are drawn as they are."""
        return self.generator.render(styles, **options)
