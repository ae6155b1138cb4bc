"""Projectors: ways from a picture to the generator's codes.

A projector is a module here with a `METHOD`; `project.method` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from unripple.conventions import BadConfig, WPlus
from unripple.stages.interface import Method, Plan, Registry, Values, Work, always

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.tuning import Distance


Project: TypeAlias = Callable[[Sequence[Work]], list[WPlus]]


def its_name_alone(settings: Values) -> Values:
    """What matters to a projector without settings."""
    return {"method": settings["method"]}


def photo_by_photo(code_of: Callable[[Work], WPlus]) -> Project:
    """The `project` of a network that looks at one photo at a time."""
    return lambda works: [code_of(work) for work in works]


@dataclass(frozen=True, kw_only=True)
class Projector(Method):
    """A way to codes; its `roles` are networks that it always uses.

    Attributes:
        project: the codes of several photos, as one batch.
        decide: of the section's settings those that matter to it.
        needs: further networks, given what `decide` left.
        guides: other codes of the same photos, for inverters that an edit leads by them.
    """

    project: Project
    decide: Callable[[Values], Values] = its_name_alone
    needs: Callable[[Values], tuple[str, ...]] = always(())
    guides: Callable[[Sequence[Work]], list[WPlus]] | None = None


PROJECTORS = Registry(__name__, Projector)

AUTO, LPIPS, PARSER = "auto", "lpips", "parser"
LOOKED_AT_PX = 256
"""The parser's features are compared at this side at most; LPIPS, as published, at any."""


class Perceptual(Protocol):
    """Settings of whoever draws nearer to a photo."""

    @property
    def perceptual(self) -> str:
        """`LPIPS`, or `PARSER` for its features."""

    @property
    def perceptual_weight(self) -> float:
        """0 compares nothing."""


def chosen_perceptual(settings: Values, plan: Plan) -> str:
    """What `perceptual: auto` means: LPIPS, where the models have it."""
    if settings["perceptual"] != AUTO:
        return str(settings["perceptual"])
    published = plan.has_model("lpips_trunk") and plan.has_model("lpips_head")
    return LPIPS if published else PARSER


def perceptual_roles(settings: Values) -> tuple[str, ...]:
    """The networks that the comparison needs."""
    if not settings.get("perceptual_weight", 1):
        return ()
    return ("lpips_trunk", "lpips_head") if settings.get("perceptual") == LPIPS else (PARSER,)


def perceptual_of(work: Work, settings: Perceptual, where: str) -> Distance | None:
    """LPIPS, or what the parser's features see; None where it weighs nothing.

    Args:
        work: loads the networks.
        settings: which, see `chosen_perceptual`.
        where: the section of the config, for messages.

    Raises:
        BadConfig: the parser chosen has no features of that kind.
    """
    from unripple.models import lpips
    from unripple.models.anycost import adaptive_resize
    from unripple.models.perceptual import FeatureDistance

    if not settings.perceptual_weight:
        return None
    if settings.perceptual == LPIPS:
        trunk, weights = work.load("lpips_trunk").net, work.load("lpips_head").net
        return lpips.LPIPS(trunk, weights).to(next(trunk.parameters()).device)
    parser = work.load("parser")
    if parser.network != "bisenet":
        raise BadConfig(
            f"{where}.perceptual: {parser.network} has no features to compare; choose a BiSeNet "
            "under models.parser, lpips, or perceptual_weight 0"
        )
    distance = FeatureDistance(parser.net)

    def looked_at(one: Tensor, other: Tensor) -> Tensor:
        side = min(one.shape[-1], LOOKED_AT_PX)
        return distance(adaptive_resize(one, side), adaptive_resize(other, side))

    return looked_at
