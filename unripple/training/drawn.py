"""Rendered faces as drawings: a fixed filter that knows where the parts of a face are.

Each part becomes flat in its own mean colour, darker by one tone where the photo's light falls off,
on paper that has a breath of the background's colour; eyes, glasses and teeth stay as they are; ink
runs where two parts meet. Colours, pose
and shapes stay the person's, so what a drawing of a photo should be is known.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face

INK = (-0.86, -0.9, -0.82)  # nearly black, a little violet
PAPER = 0.7  # of the background is white
SHADE = 0.72  # of a part's brightness, in the second tone
SHADED_BELOW = -0.1  # difference to the part's mean brightness, of range 2
SOFT = 0.04  # over which one tone becomes the other
LIGHT_PX = 7  # the photo's light is seen through a window of this side: no texture, no wrinkles
SEEN = (Face.LEFT_EYE, Face.RIGHT_EYE, Face.GLASSES, Face.MOUTH)
"""Parts that stay as the photo shows them: a glance is no mean colour."""


def drawings(photo: Tensor, labels: Tensor) -> Tensor:
    """Draw photos.

    Args:
        photo: [B, 3, S, S] in [-1, 1].
        labels: what each pixel shows, see `Face`, [B, S, S].

    Returns:
        [B, 3, S, S] in [-1, 1].
    """
    colours = mean_colours(photo, labels)  # [B, 19, 3]
    rows = torch.arange(len(photo), device=photo.device)[:, None, None]
    flat = colours[rows, labels.long()].permute(0, 3, 1, 2)  # [B, 3, S, S]
    toned = torch.lerp(flat, (flat + 1) * SHADE - 1, shadows(photo, flat))
    white = torch.lerp(flat, torch.ones_like(flat), PAPER)
    paper = torch.where(shows(labels, (Face.BACKGROUND,)), white, toned)
    paper = torch.where(shows(labels, SEEN), photo, paper)
    ink = paper.new_tensor(INK)[:, None, None]
    return torch.lerp(paper, ink.expand_as(paper), outlines(labels))


def mean_colours(photo: Tensor, labels: Tensor) -> Tensor:
    """The mean colour of each part, [B, 19, 3]; 0 for parts that are not there."""
    parts = F.one_hot(labels.long(), len(Face)).to(photo.dtype)  # [B, S, S, 19]
    sums = torch.einsum("bchw,bhwp->bpc", photo, parts)
    return sums / parts.sum((1, 2))[..., None].clamp_min(1)


def shows(labels: Tensor, parts: tuple[Face, ...]) -> Tensor:
    """Which pixels show one of some parts, bool [B, 1, S, S]."""
    return torch.isin(labels, torch.tensor(parts, device=labels.device, dtype=labels.dtype))[
        :, None
    ]


def shadows(photo: Tensor, flat: Tensor) -> Tensor:
    """Where a part is much darker than its mean, [B, 1, S, S] in [0, 1]."""
    darker = (photo - flat).mean(1, keepdim=True)
    light = F.avg_pool2d(darker, LIGHT_PX, 1, LIGHT_PX // 2, count_include_pad=False)
    return torch.sigmoid((SHADED_BELOW - light) / SOFT)


def outlines(labels: Tensor) -> Tensor:
    """Where parts meet, a soft line of about 1.5 px, [B, 1, S, S] in [0, 1]."""
    # At twice the side a line of three pixels; averaged, its rims are soft.
    fine = F.interpolate(labels[:, None].float(), scale_factor=2, mode="nearest")
    highest = F.max_pool2d(fine, 3, 1, 1)
    lowest = -F.max_pool2d(-fine, 3, 1, 1)
    return F.avg_pool2d((highest != lowest).float(), 2)
