"""The workflow on a Slurm of one machine, through profiles/slurm: `make test-slurm`."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import Cluster, NoCluster, install, running
from tests.tiny import write_project
from unripple.io.results import Results
from unripple.pipeline.graph import STEPS

pytestmark = [pytest.mark.slow, pytest.mark.slurm]
REPO = Path(__file__).resolve().parents[2]
PROFILE = REPO / "profiles" / "slurm"
LONGEST_S = 420
TITLE = "report={title: two photos}"  # a setting that must reach every job


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A Slurm while the tests of this file run."""
    if not os.environ.get("UNRIPPLE_SLURM"):
        pytest.skip(
            "installs and starts a Slurm: only where UNRIPPLE_SLURM=1, as in `make test-slurm`"
        )
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs the extra `slurm`: uv sync --extra slurm")
    try:
        install()
    except NoCluster as reason:
        pytest.skip(str(reason))
    with running() as ready:
        yield ready


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start Snakemake in a folder; it asks Slurm sooner than the profile says."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    profile = ["--workflow-profile", str(PROFILE), "--slurm-init-seconds-before-status-checks", "2"]
    with (folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            [*command, *profile, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )


def finish(process: subprocess.Popen[str], folder: Path, cluster: Cluster) -> str:
    """Wait for Snakemake to succeed; what it said."""
    try:
        status = process.wait(LONGEST_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = (folder / "said.txt").read_text()
    logs = [path.read_text() for path in folder.glob(".snakemake/slurm_logs/**/*.log")]
    assert status == 0, "\n".join([said, *logs, cluster.logs()])
    return said


def tasks(*states: str) -> list[list[str]]:
    """Jobs in Slurm: id, state, partition, generic resources."""
    command = ["squeue", "-h", "-r", "-o", "%i %T %P %b", "-t", ",".join(states or ["all"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def write_sheet(folder: Path, shards: dict[str, str]) -> None:
    """Deal photos out to shards by hand, fewer to a shard than usual."""
    lines = [f"{Path(name).stem}\tdata/photos/{name}\t{shard}\t" for name, shard in shards.items()]
    (folder / "data/sheet.tsv").write_text("\n".join(["photo\tpath\tshard\talign", *lines, ""]))


@pytest.fixture(scope="module")
def array(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two shards as an array; folder, and what was said."""
    photos = {f"{name}.png": f"0000{n}" for n, name in enumerate(("anna", "bob"))}
    folder = write_project(tmp_path_factory.mktemp("array"), dict.fromkeys(photos, (64, 64)))
    write_sheet(folder, photos)
    process = start(folder, "--until", "align", "--slurm-array-jobs", "all")
    try:
        while not (first := tasks("RUNNING")):
            assert process.poll() is None, (folder / "said.txt").read_text()
            time.sleep(0.2)
    finally:
        said = finish(process, folder, cluster)
    task, _, partition, devices = first[0]
    assert "_" in task and (partition, devices) == ("gpu", "gres:gpu:1")
    return folder, said


def test_an_array_makes_every_shard(array: tuple[Path, str]) -> None:
    folder, said = array
    assert said.count("Submitted array job") == 1
    results = Results(folder / "results")
    made = [results.read_manifest("align", None, f"0000{shard}").keys for shard in range(2)]
    assert [list(keys) for keys in made] == [["anna"], ["bob"]]


def test_a_killed_job_is_asked_for_again_with_twice_the_memory(
    array: tuple[Path, str], cluster: Cluster
) -> None:
    folder, _ = array
    before = len(cluster.finished_jobs)
    process = start(folder, "results/project/00001.json")
    try:
        while not (first := tasks("RUNNING")):
            assert process.poll() is None, (folder / "said.txt").read_text()
            time.sleep(0.2)
        subprocess.run(["scancel", first[0][0]], check=True)
    finally:
        said = finish(process, folder, cluster)
    assert "SLURM status is: 'CANCELLED'" in said and "Trying to restart job" in said
    killed, again = cluster.finished_jobs[before:]
    assert (killed["JobState"], again["JobState"]) == ("CANCELLED", "COMPLETED")
    assert (killed["TimeLimit"], again["TimeLimit"]) == ("120", "240")
    assert "mem=8000M" in killed["Tres"] and "mem=16000M" in again["Tres"]
    assert list(Results(folder / "results").read_manifest("project", None, "00001").keys) == ["bob"]


@pytest.fixture(scope="module")
def project(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run over two photos and a file that is none."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, {"anna.png": (64, 64), "bob 1.jpg": (90, 120)})
    (folder / "data/photos/broken.png").write_bytes(b"these are words")
    before = len(cluster.finished_jobs)
    finish(start(folder, "--config", TITLE), folder, cluster)
    ran = Counter(job["Partition"] for job in cluster.finished_jobs[before:])
    (folder / "ran.json").write_text(json.dumps(ran))
    return folder


def test_a_photo_that_fails_leaves_the_others_alone(project: Path) -> None:
    figures = json.loads((project / "results/measure.json").read_text())
    assert [row["photo"] for row in figures["edits"]] == ["anna", "bob-1"]
    (failure,) = figures["failures"]
    assert (failure["photo"], failure["stage"]) == ("broken", "align")
    assert (project / "results/paste/look_left/bob-1.picture.png").exists()
    assert "two photos" in (project / "results/report.html").read_text()


def test_stages_run_in_the_partitions_that_the_profile_gives_them(project: Path) -> None:
    asked = yaml.safe_load((PROFILE / "config.yaml").read_text())["set-resources"]
    wanted = Counter({"cpu": 1})  # the report
    for stage, step in STEPS.items():
        partition = asked.get(stage, {}).get("slurm_partition", "cpu")
        wanted[partition] += len(step.places(("look_left",)))
    assert json.loads((project / "ran.json").read_text()) == wanted
    assert (wanted["gpu"], wanted["cpu"]) == (10, 6)


def test_another_run_schedules_nothing(project: Path, cluster: Cluster) -> None:
    before = len(cluster.finished_jobs)
    again = ("--config", TITLE)
    assert "Nothing to be done" in finish(start(project, *again), project, cluster)
    assert len(cluster.finished_jobs) == before and tasks("PENDING", "RUNNING") == []


def test_nothing_is_left_to_do_without_slurm_either(project: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    done = subprocess.run(
        [*command, "--cores", "1", "--dry-run", "--config", TITLE],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nothing to be done" in done.stdout + done.stderr
