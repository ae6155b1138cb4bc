"""Ways to follow a text: how codes, or styles, move so that the picture fits what was said.

A way is a module here with a `METHOD`; the word `method` of an edit with a `text` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from unripple.conventions import Floats, WPlus
from unripple.stages.interface import Draft, Method, Plan, Registry, Work

if TYPE_CHECKING:
    from unripple.stages.translate import Translated

MAPPER = "mapper"
"""The role of a mapper; `mapper:NAME` is that of one that an edit names, see `zoo.zoo`."""


def _its_own(method: TextMethod, text: Mapping[str, Any], plan: Plan) -> tuple[str, ...]:  # noqa: ARG001
    return method.roles


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """What a text edit asks for, complete.

    Attributes:
        text: what the picture shall show.
        neutral: the same without it.
        method: a name of `TEXTS`.
        strength: how far to go.
        templates: `plain` (2) or `imagenet` (79).
        levels: of codes that move: some of coarse, medium, fine; None is all.
        disentangle: method global: channels that follow the text by less stay.
        channels: method global: instead of that, so many of the most relevant move.
        variant: method global: whose steps they are, see `ops.style_directions.VARIANTS`.
        steps: method optimise: of Adam.
        space: method optimise: `w+` or `s`.
        near: method optimise: weight of the squared distance that the codes went.
        identity: method optimise: weight of the identity that is lost.
        views: method optimise: in how many views CLIP sees each picture; 1 is as published.
        start: method optimise: `photo`, or `mean` for a face out of nothing.
        every: method optimise: a picture of every so many steps is kept; 0 keeps none.
        mapper: method mapper: which one, by name or path; None is that of the models.
        faces: how the generator's codes are drawn: `faceworld` or `normal`.
        apart: method mapper: whether codes that lead others go their own way.
        roles: the networks that it needs.
    """

    text: str
    neutral: str
    method: str
    strength: float
    templates: str = "plain"
    levels: Sequence[str] | None = None
    disentangle: float = 0.1
    channels: int | None = None
    variant: str = "styleclip"
    steps: int = 40
    space: str = "w+"
    near: float = 0.008
    identity: float = 0.005
    views: int = 4
    start: str = "photo"
    every: int = 0
    mapper: str | None = None
    faces: str = "faceworld"
    apart: bool = False
    roles: Sequence[str] = ()

    @staticmethod
    def of(values: Mapping[str, Any]) -> TextSettings:
        """From the plain values that a job carries."""
        return TextSettings(**values)


class Start(NamedTuple):
    """Where a text begins: at the photo, or where the text before it in a chain came to.

    Attributes:
        w_plus: codes, float32 [L, W].
        styles: what is added to their styles, see `stages.translate.Translated`.
        draft: where a long way keeps how far it came.
    """

    w_plus: WPlus
    styles: Floats | None
    draft: Draft

    def with_styles(self, step: Floats) -> Floats:
        """A step in style space on top of those before."""
        return step if self.styles is None else self.styles + step


@dataclass(frozen=True, kw_only=True)
class TextMethod(Method):
    """A way to follow a text.

    Attributes:
        follow: moves codes or styles; what it tells goes into `about`.
        strength: how far it goes where nobody says it.
        needs: the networks for a text, where not all of `roles`, or others, are needed.
        follow_together: the same for several photos in one batch, where that pays.
        uses: those of the settings, beside the text, that decide what it does.
        additive: whether the same is added to any codes.
    """

    follow: Callable[[Work, TextSettings, Start], Translated]
    strength: float
    needs: Callable[[TextMethod, Mapping[str, Any], Plan], Sequence[str]] = _its_own
    follow_together: (
        Callable[[Sequence[Work], TextSettings, Sequence[Start]], list[Translated]] | None
    ) = None
    uses: tuple[str, ...] = ()
    additive: bool = True


TEXTS = Registry(__name__, TextMethod)


def decide_text(text: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The settings of a text edit, complete, without those that its method does not use.

    Args:
        text: what the edit says.
        plan: tells of the models.

    Raises:
        BadConfig: the models lack one that its method needs.
    """
    method = TEXTS[text["method"]]
    roles = list(method.needs(method, text, plan))
    for role in roles:
        plan.require_model(role)
    defaults = {one.name: one.default for one in fields(TextSettings)}
    about = {**text, "faces": "normal" if plan.is_published("generator") else "faceworld"}
    if about["strength"] is None:
        about["strength"] = method.strength
    kept = ("text", "neutral", "method", "strength", *method.uses)
    return {"roles": roles} | {name: about.get(name, defaults[name]) for name in kept}
