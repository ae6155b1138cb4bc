"""The recipes: which stages are walked in which order, and what each is made from.

All that is to be said of a stage stands in its own module; here the graph is built. The DAG (shard
jobs with a store on disk) and `Editor` (one photo in memory) walk the same table, so both give the
same bytes. Importing it costs no torch: stages import what computes when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias

from unripple.conventions import STAGES, UnknownName
from unripple.io.artifact import Artifact
from unripple.io.results import PHOTO
from unripple.io.schema import nearest
from unripple.stages.interface import (
    CETERIS_PARIBUS,
    EXTERNAL,
    RIPPLE,
    Declaration,
    Stage,
    Work,
    parts_of,
)

Settings: TypeAlias = Mapping[str, Any]
Place: TypeAlias = tuple[str, str | None]
"""A stage, and what of: an edit's name, `PHOTO`, or None where a photo has but one."""

DECLARATIONS: Mapping[str, Declaration] = {
    name: import_module(f"unripple.stages.{name}").STAGE for name in STAGES
}
"""Everything with a stage word, in running order."""
DECLARED: Mapping[str, Stage] = {
    name: stage for name, stage in DECLARATIONS.items() if isinstance(stage, Stage)
}
"""Those that make artifacts: all but `report`."""


@dataclass(frozen=True, kw_only=True)
class Step(Stage):
    """A stage as it stands in a recipe.

    Attributes:
        recipe: the recipe whose own the step is; others may have it, too.
        stand_ins: stages that take the place of others among its inputs: whose -> which.
    """

    recipe: str = RIPPLE
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """The stage word."""
        return self.name

    def call(self, work: Work) -> Artifact | list[Artifact]:
        """Do it for one photo; align alone gives several artifacts, one per face."""
        made = self.run(work, self.settings.of(work.settings))
        return [parts_of(one) for one in made] if isinstance(made, list) else parts_of(made)

    @property
    def together(self) -> Callable[[Sequence[Work]], list[Artifact]] | None:
        """The same as `call` for several photos in one batch, where that pays."""
        run = self.run_together
        if run is None:
            return None
        return lambda works: [
            parts_of(one) for one in run(works, self.settings.of(works[0].settings))
        ]

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
            place = "an edit" if self.photo_inputs is None else "no edit"
            raise UnknownName(f"stage {self.name} works on {place}, not on {of or 'the photo'}")
        sources = {name: _source(name, of) for name in names}
        stand_in = self.stand_ins.get
        return {name: (stand_in(stage, stage), at) for name, (stage, at) in sources.items()}


def _source(name: str, of: str | None) -> tuple[str, str | None]:
    stage, _, level = name.partition("@")
    if level == PHOTO:
        return stage, PHOTO
    return stage, None if DECLARED[stage].edit_inputs is None else of


_STAND_INS: Mapping[str, Mapping[str, str]] = {EXTERNAL: {"edit": "register"}}
"""Somebody else drew the edit: what that picture shows in register counts as the edit."""


def _recipe(recipe: str, differing: Mapping[str, Mapping[str, Any]]) -> dict[str, Step]:
    """The steps of a recipe.

    Args:
        recipe: its name; a stage says whether it is part of it.
        differing: what differs there from a stage's declaration, by stage.
    """
    steps = {}
    stand_ins = _STAND_INS.get(recipe, {})
    for name, stage in DECLARED.items():
        if recipe in stage.recipes:
            changed = dict(differing.get(name, {}))
            if stand_ins.keys() & set(stage.edit_inputs or ()):
                changed["stand_ins"] = stand_ins
            own = recipe if changed or stage.recipes[0] == recipe else stage.recipes[0]
            steps[name] = Step(**{**vars(stage), **changed, "recipe": own})
    return steps


STEPS: Mapping[str, Step] = _recipe(RIPPLE, {})
"""Recipe `ripple`: every stage that makes one artifact per photo, in running order; `report` comes
after them."""

_CETERIS_PARIBUS = _recipe(
    CETERIS_PARIBUS,
    {
        "foreground": {"borrows": lambda _: {"cut": "core"}},
        "compose": {"edit_inputs": ("align", "edit", "parse@edit", "mix")},
        "measure": {
            "edit_inputs": ("align", "edit", "parse@photo", "parse@edit", "compose"),
            "borrows": lambda _: {"paints": "edited"},  # there is no plate
        },
    },
)

_EXTERNAL = _recipe(
    EXTERNAL,
    {
        "align": {"borrows": lambda _: {"as_large": True}},
        "compose": {"edit_inputs": ("align", "edit", "parse@photo", "parse", "ripple", "inpaint")},
        "measure": {"borrows": lambda _: {"paints": "photo", "asked": False}},
    },
)


def _shared(steps: Mapping[str, Step]) -> dict[str, Step]:
    return {name: STEPS[name] if step.recipe == RIPPLE else step for name, step in steps.items()}


RECIPES: Mapping[str, Mapping[str, Step]] = {
    RIPPLE: STEPS,
    CETERIS_PARIBUS: _shared(_CETERIS_PARIBUS),
    EXTERNAL: _shared(_EXTERNAL),
}
"""The steps of every recipe, in running order. What recipes share is one artifact."""

_ANY: Mapping[str, Step] = {**RECIPES[EXTERNAL], **RECIPES[CETERIS_PARIBUS], **STEPS}


def ancestors(stage: str, of: str | None, recipe: str = RIPPLE) -> list[tuple[str, str | None]]:
    """A step's place and all that it is made from, step by step, each (stage, place) once.

    Raises:
        UnknownName: there is no such step.
    """
    places: dict[tuple[str, str | None], None] = {(stage, of): None}
    for source in find_step(stage, recipe).inputs(of).values():
        places |= dict.fromkeys(ancestors(*source, recipe))
    return list(places)


def inputs_until(
    until: str, edit: str | None, recipe: str = RIPPLE
) -> dict[Place, Mapping[str, Place]]:
    """All that a photo goes through on its way to a stage, in running order.

    Args:
        until: the last stage.
        edit: the edit's name; without one, only what looks at the photo alone.
        recipe: which one.

    Returns:
        Place of a step -> places of its inputs, by input name.
    """
    inputs: dict[Place, Mapping[str, Place]] = {}
    for step in RECIPES[recipe].values():
        for of in step.places((edit,) if edit else ()):
            inputs[step.stage, of] = step.inputs(of)
        if step.stage == until:
            break
    return inputs


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
