"""What the catalogue of Snakemake workflows asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

NOT_FOR_RULES = {"pip", "snakemake"}
"""Who installs, and who calls the rules."""
EXTRAS = ("text", "train")
"""What some rules need: those of text edits, and those of `rules/train.smk`."""


def test_the_rules_environment_has_what_the_package_needs(repo: Path) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((repo / "envs" / "unripple.yaml").read_text())
    (listed,) = [one["pip"] for one in environment["dependencies"] if isinstance(one, dict)]
    extras = project["optional-dependencies"]
    needed = {*project["dependencies"], *(name for extra in EXTRAS for name in extras[extra])}
    names = {name: re.split(r"[<>=]", name)[0] for name in sorted(needed)}
    assert listed == [name for name, plain in names.items() if plain not in NOT_FOR_RULES]
    (python,) = [one for one in environment["dependencies"] if str(one).startswith("python ")]
    assert python.removeprefix("python ") == project["requires-python"]


def test_the_least_snakemake_is_that_of_the_package(repo: Path) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    (least,) = re.findall(r'^min_version\("([\d.]+)"\)', (repo / "Snakefile").read_text(), re.M)
    assert f"snakemake>={least}" in project["dependencies"]


def test_the_catalogue_knows_how_to_call_it(repo: Path) -> None:
    usage = yaml.safe_load((repo / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True and (repo / "workflow" / "report" / "workflow.rst").is_file()
