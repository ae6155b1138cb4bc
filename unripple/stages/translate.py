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


class Translated(NamedTuple):
    """The parts of this stage.

    Attributes:
        w_plus: the moved codes, float32 [L, W].
        about: `turn` says whether the edit turns the head and nothing else.
    """

    w_plus: WPlus
    about: Mapping[str, bool]


@dataclass(frozen=True, kw_only=True)
class TranslateSettings(Settings):
    """Where to go, the edit says: along `moves`, or by a translation."""

    first_code: int = knob(0, "first code that moves", minimum=0, maximum=1000)
    end_code: int | None = knob(
        None, "code before which to stop; null moves all", minimum=1, maximum=1000
    )
    moves: Mapping[str, float] = field(default_factory=dict)


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
    """Move the codes along the edit's directions, one after the other, or by its translation."""
    w_plus = work.input(Projected, "project").w_plus
    codes = settings.first_code, settings.end_code
    if work.offset is not None:
        moved = translate(w_plus, work.offset, 1.0, first_code=codes[0], end_code=codes[1])
        return Translated(moved, {"turn": False})
    for name, degree in settings.moves.items():
        direction = work.direction(name)
        first, end = direction.codes or codes
        move = FAMILIES[direction.family].move
        w_plus = move(w_plus, direction, degree, first_code=first, end_code=end)
    return Translated(w_plus, {"turn": is_turn(settings.moves)})


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """Where to go."""
    plan.check_codes()
    if plan.edit is not None and plan.edit.translation:
        return {**settings, "translation": plan.edit.translation}
    return {**settings, "moves": plan.moves}


STAGE = Stage(
    name="translate",
    help="move the codes along an edit's directions",
    version=2,
    run=run,
    outputs=Translated,
    settings=TranslateSettings,
    edit_inputs=("project",),
    shows="w_plus",
    recipes=DRAWN,
    decide=decide,
    reads_directions=True,
)
