"""A worker that is started while the workflow is planned: ready before the first job, or out of the
way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.workers import ALIGN, PATIENCE_S, hands, start, wait_for, workers
from tests.tiny import snakemake
from unripple.api.jobs import job_from_config
from unripple.cli import warm
from unripple.io.config import edits, read_config
from unripple.io.sheet import update_sheet
from unripple.zoo.zoo import Zoo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the worker is for Linux alone")
TEMPORARY = dict.fromkeys(warm.ADOPTED, "/tmp")

NOTE_STARTS = """\
import os, sys
if "unripple.cli.worker" in sys.orig_argv:
    with open(os.environ["STARTS"], "a") as file:
        file.write("ahead\\n" if len(sys.orig_argv) > 5 else "asked\\n")
"""


def start_ahead(**more: str) -> str:
    """Start the worker as the rules do, its environment being this one's with some changes."""
    name = os.environ[warm.WORKFLOW]
    kept = {key: text for key, text in os.environ.items() if key not in warm.ADOPTED}
    warm.start_ahead(name, kept | more, json.dumps(read_config(Path("config.yaml"))))
    return name


def one_after_the_other() -> list[list[str]]:
    """Jobs of stages with networks, as rules ask for them; each needs what those before made."""
    config = read_config(Path("config.yaml"))
    (edit, *_) = edits(config)
    zoo, commands = Zoo(config["models"]), []
    for stage, of in (
        ("align", None),
        ("project", None),
        ("invert", None),
        ("translate", edit.name),
        ("edit", edit.name),
        ("parse", "photo"),
    ):
        job = json.loads(job_from_config(config, stage, of, zoo).to_json())
        text = json.dumps(job | ({"photos": config["photos"]} if stage == "align" else {}))
        place = ["--edit", of] if of else []
        commands.append([stage, "--shard", "00000", *place, "--job", text])
    return commands


def test_the_first_hand_serves_all_stages(
    workflow: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = one_after_the_other()
    name = start_ahead()
    for variable, text in TEMPORARY.items():  # as Snakemake sets them
        monkeypatch.setenv(variable, text)
    served = set()
    for words in commands:
        assert warm.hand_over(words) == 0
        (process,) = workers(name)
        served |= set(hands(process))
    assert len(served) == 1


def test_a_job_waits_for_a_worker_that_is_not_ready(workflow: subprocess.Popen[bytes]) -> None:
    name = start_ahead()
    commands = [start(*ALIGN) for _ in range(2)]
    assert [command.wait(PATIENCE_S) for command in commands] == [0, 0]
    assert len(workers(name)) == 1


@pytest.mark.parametrize("more", [{"ATEN_CPU_CAPABILITY": "default"}, {"OMP_NUM_THREADS": "2"}])
def test_a_worker_that_does_not_fit_makes_way(
    workflow: subprocess.Popen[bytes], more: dict[str, str]
) -> None:
    name = start_ahead(**more)
    wait_for(lambda: workers(name), "no worker was started")
    assert warm.hand_over(["--version"]) is None  # the command does its job itself
    wait_for(lambda: not workers(name), "the useless worker stays")
    assert warm.hand_over(["--version"]) == 0
    assert len(workers(name)) == 1


def test_a_broken_config_is_the_jobs_to_complain_of(workflow: subprocess.Popen[bytes]) -> None:
    warm.start_ahead(os.environ[warm.WORKFLOW], dict(os.environ), '{"recipe": "none"}')
    assert warm.hand_over(["--version"]) == 0


def test_snakemake_starts_one_worker_ahead_and_all_jobs_agree_with_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "sitecustomize.py").write_text(NOTE_STARTS)
    path = [str(notes), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    starts = tmp_path / "starts.txt"
    monkeypatch.setenv("STARTS", str(starts))
    monkeypatch.delenv(warm.WORKFLOW, raising=False)
    update_sheet(Path("data/photos"))
    snakemake(project, "--dry-run")
    assert not starts.exists()
    snakemake(project)
    assert starts.read_text().split() == ["ahead"]
    snakemake(project)  # nothing to be done
    assert starts.read_text().split() == ["ahead"]
    snakemake(project, "--forcerun", "parse")  # finished once, so that nothing is sure to come
    assert starts.read_text().split() == ["ahead", "asked"]
