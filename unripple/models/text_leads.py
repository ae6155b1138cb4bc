"""What CLIP wants of a generator's codes: vectors of texts, and gradients of what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models import clip as models
from unripple.models.clip_text import tokens_of
from unripple.models.stylegan2 import Generator

FACES = 16  # whose gradients are averaged
BATCH = 4


class Reader:
    """A CLIP with what its file says: how pictures are prepared for it.

    Args:
        net: the network.
        metadata: of its file: `mean` and `std`, if they are not the published ones.
    """

    def __init__(self, net: nn.Module, metadata: Mapping[str, Any]) -> None:
        self.net = net
        self.mean = tuple(metadata.get("mean", models.MEAN))
        self.std = tuple(metadata.get("std", models.STD))

    def see(self, pictures: Tensor) -> Tensor:
        """Vectors of length 1 of pictures [B, 3, S, S] in [-1, 1], [B, D]."""
        net: Any = self.net
        side = models.side_px(net)
        ready = models.prepared(pictures, side, self.mean, self.std)
        return F.normalize(net.encode_image(ready).float(), dim=-1)

    @torch.no_grad()
    def read(self, text: str, templates: Sequence[str], *, said_by: str = "text") -> Tensor:
        """The vectors of a text in some templates, [T, D].

        Raises:
            BadText: the text is empty or too long.
        """
        tokens = tokens_of(self.net, [text], said_by=said_by)  # says what is wrong in his words
        framed = [template.format(text) for template in templates]
        tokens = tokens_of(self.net, framed, said_by=said_by)
        device = next(self.net.parameters()).device
        return models.encode_text(self.net, tokens.to(device)).float()


def likeness(
    generator: Generator, reader: Reader, w: Tensor, change: Tensor
) -> tuple[Tensor, Tensor]:
    """How well pictures of codes fit a change of text, and how that grows with w.

    Args:
        generator: draws the faces.
        reader: sees them.
        w: of some faces, [N, W].
        change: of text, of length 1, [D].

    Returns:
        Cosines [N] and the mean gradient [W].
    """
    cosines, total = [], torch.zeros_like(w[0])
    for part in torch.split(w, BATCH):
        leaf = part.clone().requires_grad_()
        with torch.enable_grad():
            cosine = reader.see(generator.synthesize(generator.rows(leaf[:, None]))) @ change
            (gradient,) = torch.autograd.grad(cosine.sum(), leaf)
        cosines.append(cosine.detach())
        total += gradient.sum(0)
    return torch.cat(cosines), total / len(w)
