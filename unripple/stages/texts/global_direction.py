"""global: channels of style space that follow a text, as StyleCLIP's global directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unripple.conventions import BadCheckpoint
from unripple.stages.families.text import change_of, reader_of
from unripple.stages.interface import Plan, Work
from unripple.stages.texts import Start, TextMethod, TextSettings
from unripple.stages.translate import Translated

ROLES = ("clip", "generator", "relevance")
SPREAD = "style_spread"
"""The role of the deviations, where the file of relevance has none: the published are two."""


def follow(work: Work, asked: TextSettings, start: Start) -> Translated:
    """Leave the codes and move their styles, by the same step whatever the photo."""
    made_from = {
        "text": asked.text,
        "neutral": asked.neutral,
        "templates": asked.templates,
        "disentangle": asked.disentangle,
        "channels": asked.channels,
        "variant": asked.variant,
    }
    found = work.shared("channels of a text", made_from, lambda: _make(work, asked), asked.roles)
    step: Any = found["styles"]
    about: Any = found["about"]
    return Translated(start.w_plus, dict(about), start.with_styles(asked.strength * step))


def _make(work: Work, asked: TextSettings) -> dict[str, Any]:
    import torch

    from unripple.ops.style_directions import VARIANTS, split_styles, style_direction

    generator = work.load("generator").net
    tables = work.load("relevance").net
    spread = work.load(SPREAD).net if SPREAD in asked.roles else tables
    if not hasattr(spread, "deviation") or not hasattr(tables, "relevance"):
        raise BadCheckpoint(
            f"{work.load('relevance').path}: lacks a table of style space; name a file of "
            "`training relevance`, or `models: {relevance: fs3, style_spread: s_mean_std}`"
        )
    layers, divisor = VARIANTS[asked.variant]
    with torch.no_grad():
        change = change_of(reader_of(work), asked)
        codes = torch.zeros(1, generator.n_codes, generator.style_dim, device=change.device)
        widths = [style.shape[1] for style in generator.styles(codes)]
        steps = style_direction(
            tables.relevance,
            change,
            split_styles(spread.deviation, widths),
            beta=asked.disentangle,
            channels=asked.channels,
            layers=layers,
        )
        joined = torch.cat(steps) / divisor
    return {
        "styles": joined.cpu().numpy(),
        "about": {"channels_moved": int((joined != 0).sum())},
    }


def needs(method: TextMethod, text: Mapping[str, Any], plan: Plan) -> list[str]:  # noqa: ARG001
    """With published relevance the spread of style space, which is another file."""
    return [*method.roles, *([SPREAD] if plan.is_published("relevance") else [])]


METHOD = TextMethod(
    name="global",
    help="channels of style space (needs their relevance)",
    roles=ROLES,
    follow=follow,
    needs=needs,
    strength=4.0,
    uses=("templates", "disentangle", "channels", "variant"),
    rank=2,
)
