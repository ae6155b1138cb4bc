"""The house stays one that a stranger finds the way in: short modules, one name per idea."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

MOST_LINES = 400
MOST_RULE_LINES = 40  # but for what all rules share, and the trainings
PACKAGES = ("unripple", "snakemake_executor_plugin_unripple")


def modules(repo: Path) -> list[Path]:
    return sorted(path for package in PACKAGES for path in (repo / package).rglob("*.py"))


@pytest.mark.parametrize("suffix", ["*.py", "*.js"])
def test_no_module_is_long(repo: Path, suffix: str) -> None:
    files = [path for package in PACKAGES for path in (repo / package).rglob(suffix)]
    lines = {path.relative_to(repo): len(path.read_text().splitlines()) for path in files}
    assert lines
    assert {str(path): n for path, n in lines.items() if n > MOST_LINES} == {}


def test_rules_are_short(repo: Path) -> None:
    lines = {
        path.name: len(path.read_text().splitlines())
        for path in [repo / "Snakefile", *(repo / "rules").glob("*.smk")]
    }
    shared = lines.pop("common.smk"), lines.pop("train.smk")
    assert {name: n for name, n in lines.items() if n > MOST_RULE_LINES} == {}
    assert max(shared) <= MOST_LINES


def test_a_class_has_a_name_of_its_own(repo: Path) -> None:
    """But for networks, which are called as published, and what stages ask for as protocols."""
    places = defaultdict(list)
    for path in modules(repo):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            protocol = any(ast.unparse(base).startswith("Protocol") for base in node.bases)
            if not protocol and "models" not in path.relative_to(repo).parts:
                places[node.name].append(path.relative_to(repo).as_posix())
    shared = {name: paths for name, paths in places.items() if len(paths) > 1}
    # What the report shows of them, in its own module.
    assert set(shared) <= {"Failure", "Model", "Row", "Tile"}, shared
