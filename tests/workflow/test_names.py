"""One word per stage: rule files, modules, commands, config sections, folders and tests agree."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
import yaml

from unripple.cli.main import build_parser
from unripple.conventions import STAGES
from unripple.io.results import Results
from unripple.pipeline.graph import DECLARATIONS, RECIPES, any_step, find_step

EVERY_STEP = {stage: recipe for recipe, steps in RECIPES.items() for stage in steps}
NO_STAGES = {"config", "common", "view", "train"}
"""Rule files that are not about a stage."""


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = (
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(found)


def test_the_six_lists_are_one(repo: Path) -> None:
    commands = commands_of(commands_of(build_parser())["stage"])
    config = yaml.safe_load((repo / "config.yaml").read_text())
    tests = {path.stem.removeprefix("test_") for path in repo.glob("tests/stages/test_*.py")}
    lists = {
        "rule files": {path.stem for path in (repo / "rules").glob("*.smk")} - NO_STAGES,
        "stage modules": {path.stem for path in repo.glob("unripple/stages/[a-z]*.py")},
        "commands": set(commands),
        "results folders": {Results().folder(stage).name for stage in EVERY_STEP} | {"report"},
        "test files": tests,
    }
    for name, words in lists.items():
        assert words == set(STAGES), name
    sections = {key for key in config if isinstance(config[key], dict)} - {"limits"}
    of_settings = {name for name, stage in DECLARATIONS.items() if stage.schema["properties"]}
    assert of_settings <= sections <= set(STAGES)


def test_the_snakefile_includes_every_rule_once(repo: Path) -> None:
    """The stages by their list, in running order, and by name whatever is about no stage."""
    text = (repo / "Snakefile").read_text()
    assert 'for stage in STAGES:\n\n    include: f"rules/{stage}.smk"\n' in text
    assert sorted(re.findall(r'include: "rules/(\w+)\.smk"', text)) == sorted(NO_STAGES)


@pytest.mark.parametrize("stage", EVERY_STEP)
def test_commands_and_views_need_not_know_the_recipe(stage: str) -> None:
    steps = [steps[stage] for steps in RECIPES.values() if stage in steps]
    alike = {(one.looks_at_both, one.edit_inputs is None, one.shows, one.marked) for one in steps}
    assert len(alike) == 1 and any_step(stage) in steps


@pytest.mark.parametrize(
    ("recipe", "stage"), [(recipe, stage) for recipe in RECIPES for stage in RECIPES[recipe]]
)
def test_a_rule_reads_and_writes_what_the_table_says(repo: Path, recipe: str, stage: str) -> None:
    """Rules spell their files out, because that is what people read; the table decides."""
    text = (repo / "rules" / f"{stage}.smk").read_text()
    if "by_recipe(" in text:  # leave the other recipes' lists out
        others = "|".join(set(RECIPES) - {recipe})
        text = re.sub(rf"\b({others})=\[[^\]]*\]", "", text)
    given, made = (
        set(re.findall(r'"<results>(/[^"]+\.json)"', block))
        for block in re.split(r"\n    output:\n", text)
    )
    step = find_step(stage, recipe)
    of = "{of}" if step.looks_at_both else None if step.edit_inputs is None else "{edit}"
    assert made == {manifest(stage, of)}
    if step.looks_at_both:
        assert given == set() and "shown_picture" in text
        assert (step.photo_inputs, step.edit_inputs) == (("align",), ("edit",))
    else:
        places = step.inputs(of).values()
        assert given == {manifest(*place) for place in places}


def manifest(stage: str, of: str | None) -> str:
    """Where it lies in the results folder, which rules call <results>."""
    return f"/{Results(Path()).manifest_path(stage, of, '{shard}')}"


def test_a_rule_calls_its_command_and_nothing_else(repo: Path) -> None:
    for stage in STAGES:
        text = (repo / "rules" / f"{stage}.smk").read_text()
        assert f'"unripple stage {stage} ' in text
        assert "run:" not in text and "script:" not in text
