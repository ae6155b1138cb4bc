"""The table of steps is in order and agrees with the config."""

from __future__ import annotations

import pytest

from unripple.conventions import STAGES, UnknownName
from unripple.io.config import default_config
from unripple.pipeline.graph import RECIPES, STEPS, find_step
from unripple.zoo.directions import is_turn

EDITS = ("smile",)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_steps_are_stages_in_order(recipe: str) -> None:
    assert [stage for stage in STAGES if stage in RECIPES[recipe]] == list(RECIPES[recipe])


def test_no_stage_is_without_a_recipe() -> None:
    assert {stage for steps in RECIPES.values() for stage in steps} | {"report"} == set(STAGES)


def test_recipes_share_what_they_can() -> None:
    ripple, ceteris = RECIPES["ripple"], RECIPES["ceteris_paribus"]
    shared = {stage for stage in ripple if ripple[stage] is ceteris.get(stage)}
    assert shared >= {"align", "project", "invert", "translate", "edit", "parse", "depth", "paste"}
    assert {step.recipe for step in ripple.values()} == {"ripple"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_inputs_are_made_before_they_are_used(recipe: str) -> None:
    made: set[tuple[str, str | None]] = set()
    for step in RECIPES[recipe].values():
        for of in step.places(EDITS):
            assert set(step.inputs(of).values()) <= made, (step.stage, of)
            made.add((step.stage, of))


def test_only_stages_of_both_levels_have_a_place_for_the_photo() -> None:
    places = {stage: step.places(EDITS) for stage, step in STEPS.items()}
    assert places["align"] == [None]
    assert places["parse"] == places["depth"] == ["photo", "smile"]
    assert places["compose"] == ["smile"]


def test_the_roles_follow_the_settings() -> None:
    config = default_config()
    assert STEPS["invert"].roles({"method": "e4e"}) == ("generator",)
    assert STEPS["invert"].roles({"method": "hfgi"}) == ("generator", "hfgi")
    assert STEPS["inpaint"].roles({**config["inpaint"], "painter": "telea"}) == ()
    assert STEPS["align"].roles({"mode": "mtcnn"}) == ("mtcnn",)
    assert STEPS["measure"].roles({"pose": True, "identity": False}) == ("pose",)


def test_what_ends_up_in_pictures_of_people_is_marked() -> None:
    marked = {stage for stage, step in STEPS.items() if step.marked}
    assert marked == {"edit", "inpaint", "compose", "paste"}


@pytest.mark.parametrize(("stage", "of"), [("align", "smile"), ("compose", None), ("parse", None)])
def test_a_step_that_does_not_exist_is_refused(stage: str, of: str | None) -> None:
    with pytest.raises(UnknownName, match=f"stage {stage} works on"):
        STEPS[stage].inputs(of)


def test_a_stage_of_another_recipe_is_refused() -> None:
    with pytest.raises(UnknownName, match="no stage 'mix' in recipe ripple"):
        find_step("mix")


def test_a_misspelt_stage_is_helped() -> None:
    with pytest.raises(UnknownName, match="no stage 'compos'; did you mean 'compose'"):
        find_step("compos")


@pytest.mark.parametrize(
    ("moves", "turn"),
    [({"pose": -3}, True), ({"pose": 2, "pitch": 1}, True), ({"pose": 2, "glasses": 3}, False),
     ({"smile": 1}, False)],
)  # fmt: skip
def test_what_turns_the_head_and_does_nothing_else(moves: dict[str, float], turn: bool) -> None:
    assert is_turn(moves) is turn
