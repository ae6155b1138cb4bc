"""Ways to follow a text: how codes, or styles, move so that the picture fits what was said.

A way is a module here with a `METHOD`; the word `method` of an edit with a `text` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from unripple.stages.interface import Method, Plan, Registry, Work

if TYPE_CHECKING:
    from unripple.stages.translate import Translated


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """What a text edit asks for, complete.

    Attributes:
        text: what the picture shall show.
        neutral: the same without it.
        method: a name of `TEXTS`.
        strength: how far to go.
        templates: `plain` (2) or `imagenet` (79).
        disentangle: method global: channels that follow the text by less stay.
        channels: method global: instead of that, so many of the most relevant move.
        steps: method optimise: of Adam.
        space: method optimise: `w+` or `s`.
        near: method optimise: weight of the squared distance that the codes went.
        identity: method optimise: weight of the identity that is lost.
        faces: how the generator's codes are drawn: `faceworld` or `normal`.
    """

    text: str
    neutral: str
    method: str
    strength: float
    templates: str = "plain"
    disentangle: float = 0.1
    channels: int | None = None
    steps: int = 40
    space: str = "w+"
    near: float = 0.008
    identity: float = 0.005
    faces: str = "faceworld"

    @staticmethod
    def of(values: Mapping[str, Any]) -> TextSettings:
        """From the plain values that a job carries."""
        return TextSettings(**values)


@dataclass(frozen=True, kw_only=True)
class TextMethod(Method):
    """A way to follow a text.

    Attributes:
        follow: moves the photo's codes or styles.
        strength: how far it goes where nobody says it.
        uses: those of the settings, beside the text, that decide what it does.
    """

    follow: Callable[[Work, TextSettings], Translated]
    strength: float
    uses: tuple[str, ...] = ()


TEXTS = Registry(__name__, TextMethod)


def decide_text(text: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The settings of a text edit, complete, without those that its method does not use.

    Args:
        text: what the edit says.
        plan: tells of the models.

    Raises:
        BadConfig: the models have no CLIP.
    """
    method = TEXTS[text["method"]]
    for role in method.roles:
        plan.require_model(role)
    defaults = {one.name: one.default for one in fields(TextSettings)}
    about = {**text, "faces": "normal" if plan.is_published("generator") else "faceworld"}
    if about["strength"] is None:
        about["strength"] = method.strength
    kept = ("text", "neutral", "method", "strength", *method.uses)
    return {name: about.get(name, defaults[name]) for name in kept}
