"""The pages: links lead somewhere, files and targets that they name are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(REPO).as_posix()
    for path in (
        *REPO.glob("*.md"),
        *(REPO / "docs").rglob("*.md"),
        REPO / "training/README.md",
        *(REPO / "tests/goldens").rglob("*.md"),
    )
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
WORD = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(
    r"(?:\.\./)*(?:unripple|snakemake_(?:executor|logger)_plugin_unripple|rules|workflow|envs|data|docs|tests|"
    r"benchmarks|profiles|recipes|training|stages|pipeline|runtime|report|webui|io|zoo|ops|models|"
    r"metrics|faceworld)/[\w./-]+|[\w-]+\.(?:md|toml|yaml|lock)"
)
MADE = ("data/translations/user", "runs/", "batch.yaml", "results/")
"""What is there only after somebody made it."""


def text_of(page: str) -> str:
    return (REPO / page).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """The headings of a page as they are linked to."""
    headings = HEADING.findall(FENCE.sub("", text_of(page)))
    plain = [re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings]
    return {re.sub(r"\s+", "-", heading.strip()) for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    wrong = []
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        path, _, anchor = target.partition("#")
        if ":" in path:
            continue
        there = (REPO / page).parent / path if path else REPO / page
        if not there.exists() or (
            anchor and anchor not in anchors(there.resolve().relative_to(REPO).as_posix())
        ):
            wrong.append(target)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page: str) -> None:
    """Paths in `code` are those of the repository, or of the package."""
    named = {
        word.rstrip("/.")
        for word in WORD.findall(FENCE.sub("", text_of(page)))
        if PATH.fullmatch(word) and not word.startswith(MADE)
    }
    roots = (REPO, REPO / "unripple", (REPO / page).parent)
    missing = [word for word in sorted(named) if not any((root / word).exists() for root in roots)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (REPO / "Makefile").read_text(), re.MULTILINE))
    blocks = "\n".join(FENCE.findall(text_of(page)))
    words = [*WORD.findall(text_of(page)), *blocks.splitlines()]
    named = {
        name
        for word in words
        if word.startswith("make ")
        for name in re.findall(r"^[a-z][a-z-]*", re.sub(r"^make +", "", word))
    }
    assert named <= targets


def test_commands_are_there() -> None:
    """Every `unripple ...` of the pages has a subcommand that the command line knows."""
    from unripple.cli.main import build_parser

    known = re.findall(r"^ {4}([a-z]+)", build_parser().format_help(), re.MULTILINE)
    named = set()
    for page in PAGES:
        blocks = "\n".join(FENCE.findall(text_of(page)))
        for word in [*WORD.findall(text_of(page)), *blocks.splitlines()]:
            named |= set(re.findall(r"^unripple ([a-z]+)\b", word))
    assert named <= set(known)


def test_every_package_has_its_floor() -> None:
    plan = text_of("docs/architecture.md").partition("## Floor plan")[2].partition("\n## ")[0]
    named = set(re.findall(r"\w+", "".join(re.findall(r"^ {4}[a-z |]+", plan, re.MULTILINE))))
    packages = {path.parent.name for path in (REPO / "unripple").glob("*/__init__.py")}
    assert packages <= named


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= 130


def test_strangers_are_sent_to_nothing_that_they_lack() -> None:
    """No file speaks of a folder beside the clone."""
    listed = subprocess.run(
        ["git", "grep", "-lI", "-e", r"\.\./" + "shared", "--", ":!uv.lock"],
        cwd=REPO, capture_output=True, text=True,
    )  # fmt: skip
    assert listed.stdout.split() == []
