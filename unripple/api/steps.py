"""The tables of steps: for every stage of a recipe its inputs, knobs, networks and function.

The DAG (shard jobs with a store on disk) and `Editor` (one photo in memory) walk the same table, so
both give the same bytes. Importing it costs no torch: functions and networks are imported by the
calls that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from unripple.api import calls, judging, projection
from unripple.api.work import Work
from unripple.conventions import UnknownName
from unripple.io.artifact import Artifact
from unripple.io.results import PHOTO
from unripple.io.schema import nearest
from unripple.zoo.zoo import MTCNN

Settings: TypeAlias = Mapping[str, Any]


RIPPLE, CETERIS_PARIBUS = "ripple", "ceteris_paribus"


def _no_roles(settings: Settings) -> tuple[str, ...]:  # noqa: ARG001
    return ()


def _nothing(config: Settings) -> Settings:  # noqa: ARG001
    return {}


@dataclass(frozen=True)
class Step:
    """One stage.

    An input is named `stage`, or `stage@photo` and `stage@edit` for a stage that looks at both.

    Attributes:
        stage: the stage word.
        version: raise it when the same inputs and settings shall give other bytes.
        call: what to do; align alone gives several artifacts, one per face.
        photo_inputs: inputs of the step for the photo; None if it has no such step.
        edit_inputs: inputs of the step for an edit; None if it has no such step.
        shows: the part that people look at first.
        roles: networks used, given the settings.
        borrows: settings that come from other sections of the config.
        reads_photo: whether the photograph itself is an input.
        marked: whether its colour pictures carry the mark of altered pictures.
        recipe: the recipe whose own the step is; others may have it, too.
        together: the same as `call` for several photos in one batch, where that pays.
    """

    stage: str
    version: int
    call: Callable[[Work], Artifact | list[Artifact]]
    photo_inputs: tuple[str, ...] | None = None
    edit_inputs: tuple[str, ...] | None = None
    shows: str = "picture"
    roles: Callable[[Settings], tuple[str, ...]] = _no_roles
    borrows: Callable[[Settings], Settings] = _nothing
    reads_photo: bool = False
    marked: bool = False
    recipe: str = RIPPLE
    together: Callable[[Sequence[Work]], list[Artifact]] | None = None

    @property
    def looks_at_both(self) -> bool:
        """Whether the stage has a step for the photo and one for each edit."""
        return self.photo_inputs is not None and self.edit_inputs is not None

    def places(self, edits: tuple[str, ...]) -> list[str | None]:
        """Where the stage's results lie: edit names, `PHOTO`, or None for a photo-only stage."""
        if self.edit_inputs is None:
            return [None]
        return [PHOTO, *edits] if self.looks_at_both else list(edits)

    def inputs(self, of: str | None) -> dict[str, tuple[str, str | None]]:
        """Inputs of the step at a place: name -> (stage, place).

        Raises:
            UnknownName: the stage has no step there.
        """
        names = self.photo_inputs if of in (None, PHOTO) else self.edit_inputs
        if names is None or (of is None and self.looks_at_both):
            wanted = "an edit" if self.photo_inputs is None else "no edit"
            raise UnknownName(f"stage {self.stage} works on {wanted}, not on {of or 'the photo'}")
        return {name: _source(name, of) for name in names}


def _source(name: str, of: str | None) -> tuple[str, str | None]:
    stage, _, level = name.partition("@")
    step = any_step(stage)
    if level == PHOTO:
        return stage, PHOTO
    return stage, None if step.edit_inputs is None else of


def ancestors(stage: str, of: str | None, recipe: str = RIPPLE) -> list[tuple[str, str | None]]:
    """A step's place and all that it is made from, step by step, each (stage, place) once.

    Raises:
        UnknownName: there is no such step.
    """
    places: dict[tuple[str, str | None], None] = {(stage, of): None}
    for source in find_step(stage, recipe).inputs(of).values():
        places |= dict.fromkeys(ancestors(*source, recipe))
    return list(places)


def find_step(stage: str, recipe: str = RIPPLE) -> Step:
    """The step of a stage word in a recipe.

    Raises:
        UnknownName: the recipe has no such stage with artifacts of its own.
    """
    steps = RECIPES[recipe]
    if stage not in steps:
        where = f" in recipe {recipe}" if stage in _ANY else ""
        raise UnknownName(f"no stage {stage!r}{where}{nearest(stage, steps)}")
    return steps[stage]


def any_step(stage: str) -> Step:
    """The step of a stage word in the first recipe that has it: places, parts and marks are alike.

    Raises:
        UnknownName: no recipe has such a stage.
    """
    if stage not in _ANY:
        raise UnknownName(f"no stage {stage!r}{nearest(stage, _ANY)}")
    return _ANY[stage]


def _drawing_roles(settings: Settings) -> tuple[str, ...]:
    return ("generator", "hfgi") if settings["method"] == "hfgi" else ("generator",)


def _editing_roles(settings: Settings) -> tuple[str, ...]:
    turning = ("head", *_parsing_roles(settings)) if "turn" in settings else ()
    return (*_drawing_roles(settings), *turning)


def _parsing_roles(settings: Settings) -> tuple[str, ...]:
    return ("parser", "person") if settings.get("person") else ("parser",)


def _finding_roles(settings: Settings) -> tuple[str, ...]:
    return {"embedded": ("landmarks",), "mtcnn": (MTCNN,)}.get(settings["mode"], ())


def _projecting_roles(settings: Settings) -> tuple[str, ...]:
    if settings.get("method") != "optimise":
        return ("encoder",)
    seen = ("parser",) if settings["perceptual_weight"] else ()
    return ("encoder", "generator", *seen)


def _painting_roles(settings: Settings) -> tuple[str, ...]:
    return ("inpainter",) if settings["painter"] == "lama" else ()


def _what_is_painted(config: Settings) -> Settings:
    # No more than this of compose.method, so that its other choices share the painted plates.
    return {"paints": "edited" if config["compose"]["method"] == "direct" else "photo"}


def _restoring_roles(settings: Settings) -> tuple[str, ...]:
    return () if settings["restorer"] == "none" else ("restorer",)


def _judging_roles(settings: Settings) -> tuple[str, ...]:
    return tuple(role for role in ("pose", "identity") if settings[role])


_TABLE = (
    Step("align", 3, calls.align, photo_inputs=(), roles=_finding_roles, reads_photo=True),
    Step(
        "project",
        1,
        projection.project,
        shows="w_plus",
        photo_inputs=("align",),
        roles=_projecting_roles,
        together=projection.project_together,
    ),
    Step("invert", 3, calls.invert, photo_inputs=("align", "project"), roles=_drawing_roles),
    Step("translate", 2, calls.translate, shows="w_plus", edit_inputs=("project",)),
    Step(
        "edit",
        3,
        calls.edit,
        edit_inputs=("align", "translate", "invert"),
        roles=_editing_roles,
        borrows=lambda config: {"method": config["invert"]["method"]},
        marked=True,
    ),
    Step(
        "parse",
        2,
        calls.parse,
        shows="labels",
        photo_inputs=("align",),
        edit_inputs=("edit",),
        roles=_parsing_roles,
    ),
    Step("ripple", 1, calls.ripple, shows="ripple", edit_inputs=("parse@photo", "parse@edit")),
    Step(
        "depth",
        1,
        calls.depth,
        shows="inverse_depth",
        photo_inputs=("align",),
        edit_inputs=("edit",),
        roles=lambda _: ("depth",),
    ),
    Step(
        "foreground", 2, calls.foreground, shows="after", edit_inputs=("depth@photo", "depth@edit")
    ),
    Step(
        "inpaint",
        3,
        calls.inpaint,
        shows="plate",
        edit_inputs=("align", "edit", "ripple", "foreground"),
        roles=_painting_roles,
        borrows=_what_is_painted,
        marked=True,
    ),
    Step(
        "compose",
        3,
        calls.compose,
        edit_inputs=("align", "edit", "parse", "ripple", "foreground", "inpaint"),
        marked=True,
    ),
    Step(
        "paste",
        4,
        calls.paste,
        edit_inputs=("align", "edit", "compose"),
        reads_photo=True,
        marked=True,
    ),
    Step(
        "measure",
        1,
        judging.measure,
        shows="figures",
        edit_inputs=("align", "edit", "ripple", "inpaint", "compose"),
        borrows=_what_is_painted,
        roles=_judging_roles,
    ),
)

STEPS: Mapping[str, Step] = {step.stage: step for step in _TABLE}
"""Recipe `ripple`: every stage that makes one artifact per photo, in running order; `report` comes
after them."""

_CETERIS_PARIBUS = (
    *(STEPS[stage] for stage in ("align", "project", "invert", "translate", "edit", "parse")),
    # The restorer's answer is held to the face, so the edit's labels come first.
    Step(
        "restore",
        1,
        calls.restore,
        edit_inputs=("edit", "parse@edit"),
        roles=_restoring_roles,
        marked=True,
        recipe=CETERIS_PARIBUS,
    ),
    STEPS["depth"],
    replace(STEPS["foreground"], borrows=lambda _: {"cut": "core"}, recipe=CETERIS_PARIBUS),
    Step(
        "mix",
        2,
        calls.mix,
        edit_inputs=("align", "invert", "restore", "parse@photo", "parse@edit", "foreground"),
        marked=True,
        recipe=CETERIS_PARIBUS,
    ),
    replace(
        STEPS["compose"],
        call=calls.compose_mixed,
        edit_inputs=("align", "edit", "parse@edit", "mix"),
        recipe=CETERIS_PARIBUS,
    ),
    STEPS["paste"],
    replace(
        STEPS["measure"],
        edit_inputs=("align", "edit", "parse@photo", "parse@edit", "compose"),
        borrows=lambda _: {"paints": "edited"},  # there is no plate
        recipe=CETERIS_PARIBUS,
    ),
)

RECIPES: Mapping[str, Mapping[str, Step]] = {
    RIPPLE: STEPS,
    CETERIS_PARIBUS: {step.stage: step for step in _CETERIS_PARIBUS},
}
"""The steps of every recipe, in running order. What recipes share is one artifact."""

_ANY: Mapping[str, Step] = {**RECIPES[CETERIS_PARIBUS], **STEPS}
