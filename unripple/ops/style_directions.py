"""Directions that a text points out: in codes shaped by their spread, in style space by channels.

`change`, here, is how CLIP's vector goes from a neutral to a target text, of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import BadText, ShapeMismatch

HYPERSTYLE_LAYERS = 11
"""Layers that HyperStyle and StyleFeatureEditor move; StyleCLIP moves all that have a relevance."""

SFE_DIVISOR = 1.5
"""StyleFeatureEditor goes so many times less far than it is asked."""

VARIANTS: Mapping[str, tuple[int | None, float]] = {
    "styleclip": (None, 1.0),
    "hyperstyle": (HYPERSTYLE_LAYERS, 1.0),
    "sfe": (HYPERSTYLE_LAYERS, SFE_DIVISOR),
}
"""Who moves how many layers, and by what the step is divided."""


DIFFER = 60
"""In so many directions codes are taken to differ; the face world has 67 factors."""

RIDGE = 20.0
"""So many faces that show nothing are added to those that a `Sight` is fitted to."""


def shaped(gradient: Tensor, codes: Tensor) -> Tensor:
    """The step in codes that gains most for its likelihood: C g / sqrt(g' C g).

    Its length is one standard deviation of the codes' own spread C, so a step of 1 or 2 leads to
    codes that the generator knows, however few of its directions are in use.

    Args:
        gradient: of what shall grow, by w, [W].
        codes: w of many faces, [N, W], N several times W.

    Returns:
        float32 [W]; zeros where the gradient is.
    """
    centred = (codes - codes.mean(0)).double()
    step = centred.T @ (centred @ gradient.double()) / (len(codes) - 1)
    spread = (gradient.double() @ step).clamp_min(0).sqrt()
    return (step / spread.clamp_min(1e-30)).float()


class Sight(NamedTuple):
    """What CLIP sees of a generator's codes, as far as a straight line tells.

    Attributes:
        spread: one deviation along each of the directions in which codes differ most, [W, K].
        seen: how CLIP's vector goes with each of them, [K, D].
    """

    spread: Tensor
    seen: Tensor


def sight(codes: Tensor, features: Tensor) -> Sight:
    """Fit CLIP's vectors of pictures to their codes.

    Args:
        codes: w of many faces, [N, W].
        features: of the pictures of the first F of them, of length 1, [F, D].
    """
    codes, seen = codes.double(), features.double()
    values, vectors = torch.linalg.eigh(torch.cov(codes.T))
    kept = min(DIFFER, len(values))
    size = values[-kept:].clamp_min(1e-12).sqrt()
    main = vectors[:, -kept:]
    z = (codes[: len(seen)] - codes.mean(0)) @ main / size  # [F, K], each of variance 1
    inner = z.T @ z + RIDGE * torch.eye(kept, dtype=z.dtype, device=z.device)
    return Sight(
        (main * size).float(), torch.linalg.solve(inner, z.T @ (seen - seen.mean(0))).float()
    )


def led(by: Sight, change: Tensor) -> Tensor:
    """The step in codes that goes far along a change of text, and little along all else in CLIP.

    Its length is one deviation of the codes, as that of `shaped`, whose gradient at a few faces
    follows more of what comes along by chance.

    Args:
        by: what CLIP sees of the codes.
        change: see above, [D].

    Returns:
        float32 [W]; zeros where nothing that is seen follows the text.
    """
    seen, along = by.seen.double(), by.seen.double() @ change.double()
    other = seen - torch.outer(along, change.double())
    cost = other @ other.T
    cost = cost / cost.diagonal().mean().clamp_min(1e-30)
    step = torch.linalg.solve(
        torch.eye(len(cost), dtype=cost.dtype, device=cost.device) + cost, along
    )
    step = step / step.norm().clamp_min(1e-30)
    found: Tensor = by.spread @ step.float()
    return found


def relevance(features: Tensor) -> Tensor:
    """How CLIP's vector goes when a channel grows, over some pictures: published as fs3.

    Args:
        features: of each picture with the channel made small, then large: [channels, N, 2, D].

    Returns:
        float32 [channels, D], of length 1.

    Source: Patashnik et al. 2021, section 6; GetFs of orpatashnik/StyleCLIP (MIT).
    """
    unit = F.normalize(features, dim=-1)
    each = F.normalize(unit[:, :, 1] - unit[:, :, 0], dim=-1)  # [channels, N, D]
    return F.normalize(each.mean(1), dim=-1)


def mean_text(features: Tensor) -> Tensor:
    """One unit vector of a text from those of its templates, [..., T, D] -> [..., D]."""
    return F.normalize(F.normalize(features, dim=-1).mean(-2), dim=-1)


def text_change(target: Tensor, neutral: Tensor) -> Tensor:
    """From one text to the other, of length 1, [D]; both as `mean_text` gives them.

    Raises:
        BadText: they are one to CLIP; the published code divides 0 by 0.
    """
    change = target - neutral
    if float(change.norm()) < 1e-4:
        raise BadText(
            "text and neutral are the same to CLIP: say in one of them what the other has not"
        )
    return F.normalize(change, dim=-1)


def style_numbers(styles: int) -> list[int]:
    """Which of the styles of a generator belong to convolutions; the others are RGB layers'."""
    return [i for i in range(styles) if i % 3 != 1]


def style_direction(
    relevant: Tensor,
    change: Tensor,
    deviations: Sequence[Tensor],
    *,
    beta: float,
    channels: int | None = None,
    layers: int | None = None,
) -> list[Tensor]:
    """Which channels of style space a change of text moves, and how far.

    Args:
        relevant: of the channels of the convolutions' styles in their order, as far as they were
            looked at, [rows, D]; rows end where a style ends.
        change: see above, [D].
        deviations: standard deviation of every channel, one tensor per style, RGB layers included.
        beta: channels of less relevance stay.
        channels: instead of beta, so many of the most relevant channels move.
        layers: how many styles of convolutions move at most; None is all that have rows.

    Returns:
        What to add per degree, one tensor per style; zeros for RGB layers and beyond the rows.

    Raises:
        BadText: no channel is left. The published code gives a picture of NaN then.
        ShapeMismatch: the rows are of another generator.

    Source: GetBoundary and SplitS of orpatashnik/StyleCLIP (MIT), and their later copies in
    HyperStyle and StyleFeatureEditor (`layers`).
    """
    moved = _moved(relevant, deviations, layers)
    rows = sum(len(deviations[i]) for i in moved)
    along = relevant[:rows] @ change
    size = along.abs()
    if channels is None:
        along = torch.where(size < beta, 0.0, along)
    else:
        last = size.topk(min(channels, rows)).values[-1]
        along = torch.where(size < last, 0.0, along)
    most = along.abs().max()
    if float(most) == 0:
        raise BadText(
            f"no channel follows this text by {beta:g} or more (the most is {float(size.max()):.3f}"
            "): lower disentangle, or give a number of channels"
        )
    steps = [torch.zeros_like(one) for one in deviations]
    parts = torch.split(along / most, [len(deviations[i]) for i in moved])
    for i, part in zip(moved, parts, strict=True):
        steps[i] = part * deviations[i]
    return steps


def _moved(relevant: Tensor, deviations: Sequence[Tensor], layers: int | None) -> list[int]:
    """The styles that have rows, at most `layers` of them."""
    left, channels = len(relevant), []
    for i in style_numbers(len(deviations)):
        if left == 0:
            break
        left -= len(deviations[i])
        channels.append(i)
    if left != 0:
        raise ShapeMismatch(
            f"{len(relevant)} rows of relevance end within a style of this generator: they were "
            "found on another one"
        )
    return channels[:layers]


def split_styles(joined: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Joined styles [..., N] as one tensor per style.

    Raises:
        ShapeMismatch: they are of another generator.
    """
    if joined.shape[-1] != sum(widths):
        raise ShapeMismatch(
            f"styles of {joined.shape[-1]} channels, this generator has {sum(widths)}"
        )
    return list(torch.split(joined, list(widths), dim=-1))
