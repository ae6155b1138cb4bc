"""`snakemake train`: it names every model, in stages that parse and fit two cores."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from tests.tiny import snakemake, write_project
from unripple.io.lock import claimed
from unripple.training.__main__ import NETS, parser_for
from unripple.zoo.zoo import PACKAGED, ROLES, Zoo

LONGEST_MINUTES = 120


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The words after `python -m unripple.training` of every job of a dry run."""
    folder = write_project(tmp_path_factory.mktemp("train"), {"a.png": (64, 64)})
    said = snakemake(folder, "train", "--dry-run", "--printshellcmds", "--quiet", "host")
    assert not (folder / "runs").exists()
    found = re.findall(r"python -m unripple\.training (.*?) 2>> ", said)
    return [shlex.split(words) for words in found]


def test_every_training_is_planned(planned: list[list[str]]) -> None:
    assert {words[0] for words in planned} == {"data", *NETS}


def test_stages_take_less_than_two_hours_and_their_options_exist(planned: list[list[str]]) -> None:
    for name, *words in planned:
        chosen = parser_for(name).parse_args(words)
        if hasattr(chosen, "minutes"):
            assert 0 < chosen.minutes <= LONGEST_MINUTES, name


def test_every_role_is_exported_once(planned: list[list[str]]) -> None:
    exported = []
    for name, *words in planned:
        chosen = parser_for(name).parse_args(words)
        if getattr(chosen, "export", "never") != "never":
            exported.append(getattr(chosen, "name", "encoder" if name == "e4e" else name))
    not_trained = {"head", "relevance", *PACKAGED}  # measured; fetched
    embedded = [role for role in ROLES if Zoo().has(role) and role not in not_trained]
    assert sorted(exported) == sorted([*embedded, "hfgi-faithful", "generator-ink"])


def test_runs_do_not_share_a_folder_and_read_what_others_write(planned: list[list[str]]) -> None:
    runs = {}
    for name, *words in planned:
        chosen = parser_for(name).parse_args(words)
        if hasattr(chosen, "minutes"):
            assert str(chosen.out) not in runs
            runs[str(chosen.out)] = chosen
    for chosen in runs.values():
        read = [
            getattr(chosen, option, None)
            for option in ("init", "generator", "encoder", "pose", "motion", "inverter")
        ]
        assert {str(path) for path in read if path is not None} <= set(runs)


def test_the_chain_can_be_tried_with_a_share_of_the_budgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planned: list[list[str]]
) -> None:
    monkeypatch.setenv("UNRIPPLE_TRAIN_SHARE", "0.01")
    folder = write_project(tmp_path, {"a.png": (64, 64)})
    said = snakemake(folder, "train", "--dry-run", "--printshellcmds", "--quiet", "host")
    short = [float(m) for m in re.findall(r"--minutes ([\d.]+)", said)]
    full = [float(w[w.index("--minutes") + 1]) for w in planned if "--minutes" in w]
    assert sorted(short) == pytest.approx(sorted(0.01 * minutes for minutes in full))
    assert re.findall(r"--shards (\d+)", said) == ["4"]
    assert json.loads((folder / "config.yaml").read_text())["models"]


def finished(folder: Path) -> Path:
    """A folder where every training is done, and a run was killed that had locked its marks."""
    write_project(folder, {"a.png": (64, 64)})
    marks = [
        "data/128",
        "parser",
        "depth",
        "landmarks",
        "pose",
        "identity",
        "inpainter",
        "attributes",
    ]
    marks += [
        "generator64",
        "generator128",
        "generator",
        "e4e_codes",
        "e4e",
        "hfgi_faithful",
        "motion",
        "hfgi",
        "hyperstyle",
        "domain",
        "sfe_codes",
        "sfe_inverter",
        "sfe_editor",
        "clip",
        "clip_synonyms",
        "mapper",
    ]
    marks += ["mean_head", "shapes", "colours", "details"]
    marks += ["directions", "translations", "relevance"]
    for age, mark in enumerate(marks):
        done = folder / "runs" / mark / "done"
        done.parent.mkdir(parents=True)
        done.touch()
        os.utime(done, (1000 + age, 1000 + age))
    locks = folder / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("runs/hfgi/done\n")
    return locks


def test_a_killed_run_needs_no_unlocking(tmp_path: Path) -> None:
    locks = finished(tmp_path)
    snakemake(tmp_path, "train", "--dry-run")
    assert (locks / "0.output.lock").exists()
    said = snakemake(tmp_path, "train", "--rerun-triggers", "mtime")
    assert not (locks / "0.output.lock").exists() and "train_net" not in said


def test_a_run_at_work_keeps_others_out(tmp_path: Path) -> None:
    finished(tmp_path)
    with claimed(tmp_path / "runs"), pytest.raises(AssertionError, match="another run is at work"):
        snakemake(tmp_path, "train")
