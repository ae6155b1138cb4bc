"""Edits of shape and colour made on the photo's own pixels, instead of by a generator.

`edit.attributes` says who makes them. With `auto` every photo decides: the pixels where the
generator cannot draw it, as photographs, or has no such direction; else the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unripple.ops.latents import TURNS as TURNING
from unripple.stages.interface import DRAWN, Plan, Values, Work, knob

if TYPE_CHECKING:
    from unripple.stages.edit import Edited, EditSettings

AUTO, PIXELS, GENERATOR = "auto", "pixels", "generator"
KNOB: str = knob(
    AUTO,
    "who changes shape and colour: pixels (the photo's own, on a 3-D head) | generator | auto "
    "(pixels where the generator cannot draw the photo, or has no such direction)",
    choices=(AUTO, PIXELS, GENERATOR),
)
"""The setting `edit.attributes`."""
MESH = "mesh_judge"
ANY_SHAPE = "smile"
"""A direction of shape: the mean head's points, which are the same in all, are read off it."""
VERSION = 5
"""Raised when the same words shall give other bytes: part of the keys of such edits alone, so that
what the generator drew is not drawn again."""
STILL_PX = 0.02
"""Points that move less keep the photo's bytes."""


def is_asked(settings: Values) -> bool:
    """Whether a job with these settings edits the photo's own pixels."""
    return settings.get("pixels") is not None


def decide(settings: Values, plan: Plan) -> dict[str, Any] | None:
    """What an edit asks of the photo's own pixels; None where the generator, or the photo, decides.

    Raises:
        BadConfig: only the pixels could do it, and they may not.
    """
    if not plan.pixels:
        return None
    why_not = _only_generator(settings, plan)
    if why_not:
        plan.refuse_pixels(why_not)
        return None
    if settings["attributes"] == PIXELS or plan.only_pixels:
        return asked(plan)
    return None


def leaves_open(section: Values, plan: Plan) -> bool | Values:
    """What each photo decides: who makes the edit."""
    if not plan.pixels or _only_generator(section, plan) or decide(section, plan) is not None:
        return False
    return {"open": asked(plan)}


def settle(work: Work, settings: EditSettings) -> dict[str, Any]:  # noqa: ARG001
    """The pixels, where the generator cannot draw the photo."""
    from unripple.stages.turns.auto import is_foreign

    return dict(work.settings["open"]) if is_foreign(work) else {}


def asked(plan: Plan) -> dict[str, Any]:
    """The settings of an edit on pixels."""
    told: dict[str, Any] = {"pixels": dict(plan.pixels), "pixels_version": VERSION}
    told |= plan.settings_of("parse")
    if plan.has_model(MESH):
        told["mesh"] = True
    turn = asked_turn(plan, {name: by for name, by in plan.moves.items() if name in TURNING})
    return {**told, **(turn or {})}


def roles(settings: Values) -> tuple[str, ...]:
    """Networks that see the face."""
    seen = ("head", "parser", *(("person",) if settings.get("person") else ()))
    return (*seen, MESH) if settings.get("mesh") else seen


def edit(work: Work, settings: EditSettings) -> Edited:
    """Change the shape and the colours of a face, and turn it, with the photo resampled once."""
    from unripple.stages.pixels.changed import edit_pixels

    return edit_pixels(work, settings)


def _only_generator(settings: Values, plan: Plan) -> str:
    """Why nobody but the generator may make the edit, or ""."""
    if settings["attributes"] == GENERATOR:
        return f"edit.attributes is {GENERATOR}"
    if plan.config["recipe"] not in DRAWN:
        return f"recipe {plan.config['recipe']} edits nothing itself"
    others = [
        name
        for name in plan.asked
        if name not in plan.pixels and name not in plan.turn and name not in TURNING
    ]
    if others:
        return f"{', '.join(others)} in the same edit only the generator can do"
    turns = plan.turn or any(name in TURNING for name in plan.moves)
    if turns and settings["turn"] == GENERATOR:
        return f"edit.turn is {GENERATOR}"
    return ""


def asked_turn(plan: Plan, moves: Mapping[str, float] | None = None) -> dict[str, Any] | None:
    """The turn as settings; None where there is none, or nobody knows how far it goes.

    Args:
        plan: of the edit.
        moves: along directions that turn the head; those of the plan.
    """
    from unripple.stages.edit import DEEPER, ROUNDER

    real = {"deeper": DEEPER, "rounder": ROUNDER}
    moves = plan.moves if moves is None else moves
    if not plan.turn:
        along = [plan.asked_turn_deg({name: degree}) for name, degree in moves.items()]
        turn_deg = sum(yaw for yaw in along if yaw)
        return {"turn_deg": turn_deg, **real} if along and all(along) else None
    yaw = plan.asked_turn_deg(moves)
    if yaw is None:
        return None
    turn = plan.turn
    if "yaw" in plan.beyond_generator:
        yaw += turn["yaw"]
    towards = {word.removesuffix("_to"): at for word, at in turn.items() if word.endswith("_to")}
    more = {f"{axis}_deg": turn[axis] for axis in ("pitch", "roll") if turn.get(axis)}
    return {"turn_deg": yaw, **real, **more, **({"towards": towards} if towards else {})}
