"""deltaedit: a network says how the styles of a photo go, from a change of text alone.

It was trained on pairs of pictures, without any text, so it knows every text. It sees the drawing
of the photo's codes as in its training: pooled to CLIP's side, in [-1, 1]. StyleFeatureEditor shows
it the photo, and asks it for the guide's styles anew; here both move by one step.

Source: Lyu et al. 2023, and `editings/deltaedit` of AIRI-Institute/StyleFeatureEditor (MIT).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unripple.conventions import BadText
from unripple.stages.families.text import reader_of
from unripple.stages.interface import Work
from unripple.stages.invert import restyled
from unripple.stages.texts import Start, TextMethod, TextSettings
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

ROLES = ("clip", "generator", "relevance", "delta_mapper")


def follow(work: Work, asked: TextSettings, start: Start) -> Translated:
    """Leave the codes and move the styles of convolutions that follow the text."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    from unripple.models.clip import side_px
    from unripple.ops.style_directions import style_numbers
    from unripple.ops.tensors import device_of

    net: Any = work.load("delta_mapper").net
    generator = restyled(work.load("generator").net, start.styles)
    clip: Any = work.load("clip").net
    with torch.no_grad():
        direction = direction_of(work, asked)
        w_plus = torch.from_numpy(start.w_plus.astype(np.float32))[None].to(device_of(net))
        styles = generator.styles(w_plus)
        own = torch.cat([styles[i] for i in style_numbers(len(styles))], dim=1)
        drawn = generator.synthesize(w_plus, noise="stored").float().clamp(-1, 1)
        seen = F.normalize(clip.encode_image(F.adaptive_avg_pool2d(drawn, side_px(clip))).float())
        # The relevance is compared before the direction gets length 1, as published.
        relevance = work.load("relevance").net.get_buffer("relevance")
        kept = _kept(relevance, direction, asked, len(own[0]))
        condition = torch.cat((seen, F.normalize(direction, dim=0, eps=1e-5)[None]), dim=1)
        step = kept * net(own, condition)[0]
        joined = _among_all(step, styles)
    about = {"channels_moved": int(kept.sum())}
    moved = asked.strength * joined.cpu().numpy()
    return Translated(start.w_plus, about, start.with_styles(moved))


def direction_of(work: Work, asked: TextSettings) -> Tensor:
    """From the neutral text to the other, of whatever length, [D]."""
    from unripple.models.clip_text import templates_of
    from unripple.ops.style_directions import mean_text

    reader, templates = reader_of(work), templates_of(asked.templates)
    target = reader.read(asked.text, templates, said_by="text")
    neutral = reader.read(asked.neutral, templates, said_by="neutral")
    return mean_text(target) - mean_text(neutral)


def _kept(relevance: Tensor, direction: Tensor, asked: TextSettings, channels: int) -> Tensor:
    """Which channels of the convolutions' styles move, 0 or 1, [C].

    Raises:
        BadText: none do, or they were looked at on another generator.
    """
    if len(relevance) != channels:
        raise BadText(
            f"method deltaedit: {len(relevance)} channels have a relevance, this generator has "
            f"{channels}; take the relevance that belongs to it (models.relevance: fs3)"
        )
    size = (relevance @ direction).abs()
    kept = (size >= asked.disentangle).float()
    if not kept.any():
        raise BadText(
            f"no channel follows this text by {asked.disentangle:g} or more (the most is "
            f"{float(size.max()):.3f}): lower disentangle"
        )
    return kept


def _among_all(step: Tensor, styles: list[Tensor]) -> Tensor:
    """A step of the convolutions' styles [C] among all styles, of which those of RGB stay."""
    import torch

    from unripple.ops.style_directions import style_numbers

    moved = style_numbers(len(styles))
    widths = [styles[i].shape[1] for i in moved]
    parts = dict(zip(moved, torch.split(step, widths), strict=True))
    return torch.cat([parts.get(i, torch.zeros_like(one[0])) for i, one in enumerate(styles)])


METHOD = TextMethod(
    name="deltaedit",
    help="DeltaEdit's mapper of styles (published)",
    roles=ROLES,
    follow=follow,
    strength=1.0,
    uses=("templates", "disentangle"),
    rank=5,
)
