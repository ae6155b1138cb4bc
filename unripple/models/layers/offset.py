"""A generator whose weights are offset, for whoever knows generators without offsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from unripple.models.layers.synthesis import Synthesis, WeightOffsets


class OffsetSynthesis(nn.Module):
    """Draws as the generator does, with the same offsets every time.

    Args:
        generator: whose weights are meant; it stays as it is.
        offsets: see `Synthesis.synthesize`.
    """

    def __init__(self, generator: Synthesis, offsets: WeightOffsets) -> None:
        super().__init__()
        self.generator, self.offsets = generator, offsets
        self.size, self.n_codes = generator.size, generator.n_codes

    def styles(self, w_plus: Tensor) -> list[Tensor]:
        """See `Synthesis.styles`: offsets act on convolutions, not on what makes styles."""
        return self.generator.styles(w_plus)

    def synthesize(self, w_plus: Tensor, **how: Any) -> Tensor:
        """See `Synthesis.synthesize`."""
        return self.generator.synthesize(w_plus, weight_offsets=self.offsets, **how)

    def render(self, styles: Sequence[Tensor], **how: Any) -> Tensor:
        """See `Synthesis.render`."""
        return self.generator.render(styles, weight_offsets=self.offsets, **how)
