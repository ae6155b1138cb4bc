"""Moves in StyleGAN2's style space: what is added to the styles that codes become.

A move is one flat vector, float32 [S], the styles' channels end to end in the order of
`Synthesis.styles` (RGB layers included): 26 layers and 9,088 numbers at 1024 px.

Source: Wu et al. 2021 (StyleSpace), whose numbers of layers and channels these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from unripple.conventions import Floats, ShapeMismatch
from unripple.models.layers.synthesis import Synthesis


def styles_moved(styles: Sequence[Tensor], move: Floats | Tensor) -> list[Tensor]:
    """Add a move to styles.

    Args:
        styles: of codes, [B, channels] each.
        move: [S], S being all their channels.

    Returns:
        As `styles`; those of layers where the move is 0 keep their bits.

    Raises:
        ShapeMismatch: the move belongs to a generator with other channels.
    """
    widths = [style.shape[-1] for style in styles]
    if tuple(move.shape) != (sum(widths),):
        raise ShapeMismatch(
            f"a move in style space must be [{sum(widths)}] for this generator of {len(widths)} "
            f"layers, got {list(move.shape)}; was it found on another generator?"
        )
    steps = torch.as_tensor(move).to(styles[0])
    ends = accumulate(widths)
    return [
        style + steps[end - width : end]
        for style, width, end in zip(styles, widths, ends, strict=True)
    ]


class StyleMoved(nn.Module):
    """A generator whose styles are moved, so that whoever draws codes draws the moved styles.

    Args:
        generator: of the codes.
        move: see `styles_moved`.
    """

    def __init__(self, generator: Synthesis, move: Floats) -> None:
        super().__init__()
        self.generator, self.move = generator, move

    @property
    def size(self) -> int:
        """Side of the pictures, px."""
        return self.generator.size

    def styles(self, w_plus: Tensor) -> list[Tensor]:
        """The moved styles of codes [B, L, W], see `Synthesis.styles`."""
        return styles_moved(self.generator.styles(w_plus), self.move)

    def render(self, styles: Sequence[Tensor], **options: Any) -> Tensor:
        """See `Synthesis.render`; styles are drawn as they are."""
        return self.generator.render(styles, **options)

    def synthesize(self, w_plus: Tensor, **options: Any) -> Tensor:
        """See `Synthesis.synthesize`."""
        return self.generator.render(self.styles(w_plus), **options)
