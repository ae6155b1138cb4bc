"""translate: move codes along a direction, or to a place on a component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unripple.conventions import Floats, ShapeMismatch, WPlus
from unripple.ops.latents import Component, is_turn, moved_along, moved_to
from unripple.stages.families import FAMILIES
from unripple.stages.interface import DRAWN, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.project import Projected
from unripple.stages.texts import TEXTS, TextSettings, decide_text


class Translated(NamedTuple):
    """The parts of this stage.

    Attributes:
        w_plus: the moved codes, float32 [L, W].
        about: `turn` says whether the edit turns the head and nothing else; of a text also how well
            faces fit it before and after, and how many channels move.
        styles: what is added to the styles of these codes, float32 [S], see `models.style_moves`;
            None where codes alone move.
        guide: the moved guide, likewise; None where `project` gives none.
    """

    w_plus: WPlus
    about: Mapping[str, bool | float]
    styles: Floats | None = None
    guide: WPlus | None = None


@dataclass(frozen=True, kw_only=True)
class TranslateSettings(Settings):
    """Where to go, the edit says: along `moves`, by a translation, or where a text leads."""

    first_code: int = knob(0, "first code that moves", minimum=0, maximum=1000)
    end_code: int | None = knob(
        None, "code before which to stop; null moves all", minimum=1, maximum=1000
    )
    moves: Mapping[str, float] = field(default_factory=dict)
    text: Mapping[str, Any] | None = None


def translate(
    w_plus: WPlus,
    direction: Floats | Component,
    degree: float,
    *,
    first_code: int = 0,
    end_code: int | None = None,
) -> WPlus:
    """Move some of the codes; the others keep their bits.

    Args:
        w_plus: float32 [L, W].
        direction: [W] for every code alike, or [L, W]; or a GANSpace component.
        degree: along a direction how far to go, in lengths of it, where 0 changes nothing; on a
            component the place to go to, in standard deviations from the mean.
        first_code, end_code: the codes that move, as in a slice. Early ones hold pose and shape,
            late ones colour.

    Returns:
        float32 [L, W].

    Raises:
        ShapeMismatch: direction, component or codes belong to another generator.
    """
    codes = w_plus.shape[-2]
    if not 0 <= first_code < (codes if end_code is None else end_code) <= codes:
        raise ShapeMismatch(
            f"codes {first_code} to {'the last' if end_code is None else end_code} are to move, "
            f"and this generator has {codes}: first_code is at most {codes - 1}, end_code {codes}"
        )
    if not isinstance(direction, Component):
        return moved_along(w_plus, direction, degree, first_code=first_code, end_code=end_code)
    end = w_plus.shape[0] if end_code is None else end_code
    return moved_to(w_plus, direction, degree, first_code=first_code, end_code=end)


def run(work: Work, settings: TranslateSettings) -> Translated:
    """Move the codes along the edit's directions, one after the other, by its translation, or as
    its text asks."""
    w_plus, guide = work.input(Projected, "project")
    if settings.text is not None:
        asked = TextSettings.of(settings.text)
        moved = TEXTS[asked.method].follow(work, asked)
        return moved._replace(guide=None if guide is None else guide + (moved.w_plus - w_plus))
    codes = _moved(work, settings, w_plus)
    # Not every family adds the same to any codes, so the guide goes the whole way by itself.
    led = None if guide is None else _moved(work, settings, guide)
    turn = work.offset is None and is_turn(settings.moves)
    return Translated(codes, {"turn": turn}, _styles(work, settings), led)


def _moved(work: Work, settings: TranslateSettings, w_plus: WPlus) -> WPlus:
    codes = settings.first_code, settings.end_code
    if work.offset is not None:
        return translate(w_plus, work.offset, 1.0, first_code=codes[0], end_code=codes[1])
    for name, degree in settings.moves.items():
        direction = work.direction(name)
        first, end = direction.codes or codes
        move = FAMILIES[direction.family].move
        w_plus = move(w_plus, direction, degree, first_code=first, end_code=end)
    return w_plus


def _styles(work: Work, settings: TranslateSettings) -> Floats | None:
    """What the directions of style space add up to."""
    total: Floats | None = None
    for name, degree in settings.moves.items() if work.offset is None else ():
        direction = work.direction(name)
        styles = FAMILIES[direction.family].styles
        if styles is None:
            continue
        step = styles(direction, degree)
        if total is not None and total.shape != step.shape:
            raise ShapeMismatch(
                f"direction {name}: it moves {list(step.shape)} styles and the one before it "
                f"{list(total.shape)}: they belong to two generators"
            )
        total = step if total is None else total + step
    return total


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """Where to go."""
    plan.check_codes()
    if plan.edit is not None and plan.edit.translation:
        return {**settings, "translation": plan.edit.translation}
    if plan.edit is not None and plan.edit.text is not None:
        return {**settings, "text": decide_text(plan.edit.text, plan)}
    return {**settings, "moves": plan.moves}


def roles(settings: Values) -> tuple[str, ...]:
    """None, but for a text those of its method."""
    asked = settings.get("text")
    return () if asked is None else TEXTS[asked["method"]].roles


STAGE = Stage(
    name="translate",
    help="move the codes along an edit's directions",
    version=2,
    run=run,
    outputs=Translated,
    settings=TranslateSettings,
    edit_inputs=("project",),
    shows="w_plus",
    roles=roles,
    recipes=DRAWN,
    decide=decide,
    reads_directions=True,
)
