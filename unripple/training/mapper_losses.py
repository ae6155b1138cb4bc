"""What a mapper is trained for: pictures that fit a text, show the same person, from codes near by.

Source: Patashnik et al. 2021, equation 4; weights and definitions of the published trainings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unripple.models.clip import text_loss

IDENTITY, TEXT, NEAR = 0.1, 1.0, 0.8
"""Weights of the three."""


class MapperLosses(NamedTuple):
    """Means over the batch."""

    identity: Tensor
    text: Tensor
    near: Tensor

    @property
    def total(self) -> Tensor:
        """Their weighted sum."""
        return IDENTITY * self.identity + TEXT * self.text + NEAR * self.near


def mapper_losses(
    before: Tensor,
    after: Tensor,
    w_plus: Tensor,
    w_hat: Tensor,
    *,
    clip: nn.Module,
    texts: Tensor,
    identify: Callable[[Tensor], Tensor],
) -> MapperLosses:
    """The three losses of a step.

    Args:
        before, after: pictures of the codes and of the moved ones, [B, 3, S, S] in [-1, 1].
        w_plus, w_hat: the codes, [B, L, W].
        clip: judges how well pictures fit.
        texts: its vectors of the texts, [T, D]; every picture shall fit all of them.
        identify: pictures -> vectors of length 1, [B, E].
    """
    with torch.no_grad():
        person = identify(before)
    same = (identify(after) * person).sum(1)
    return MapperLosses(
        (1 - same).mean(), text_loss(clip, after, texts).mean(), (w_hat - w_plus).square().mean()
    )
