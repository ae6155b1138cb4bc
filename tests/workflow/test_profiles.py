"""Profiles: every stage with networks asks for a GPU, and jobs on one machine never share one."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.tiny import picture, snakemake, write_project
from unripple.io.config import complete
from unripple.pipeline.graph import STEPS

ONE_OF_TWO = """\
rule all:
    input: expand("{n}.txt", n=range(5))

rule parse:
    output: "{n}.txt"
    shell: "python claim.py {output} $PWD"
"""
CLAIM = """\
import os, sys, time; from pathlib import Path; from unripple.zoo.gpus import claim
claim(os.environ["UNRIPPLE_DEVICE"], Path(sys.argv[2])); start = time.time(); time.sleep(0.5)
Path(sys.argv[1]).write_text(f"{os.environ['CUDA_VISIBLE_DEVICES']} {start} {time.time()}")
"""


def profile(repo: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((repo / "profiles" / name / "config.yaml").read_text())
    return content


@pytest.mark.parametrize(("name", "resource"), [("gpu", "gpu"), ("slurm", "gres")])
def test_stages_with_networks_ask_for_a_gpu_and_the_others_do_not(
    repo: Path, name: str, resource: str
) -> None:
    config = complete({"align": {"mode": "mtcnn"}})
    given = profile(repo, name)["set-resources"]
    asking = {stage for stage, resources in given.items() if resource in resources}
    assert asking == {
        stage
        for stage, step in STEPS.items()
        if step.roles({**config[stage], **step.borrows(config)})
    }


def test_the_slurm_profile_never_holds_jobs_of_an_array_back(repo: Path) -> None:
    """The executor drops what it gets in parts, and waits for it for ever."""
    given = profile(repo, "slurm")
    assert (given["slurm-array-jobs"], given["jobs"]) == ("none", "unlimited")
    assert int(given["max-jobs-per-timespan"].partition("/")[0]) >= 1_000_000


@pytest.mark.slow
def test_jobs_on_one_machine_share_gpus_one_at_a_time(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "claim.py").write_text(CLAIM)
    (tmp_path / "Snakefile").write_text(ONE_OF_TWO.replace("python", sys.executable))
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", str(repo / "profiles/gpu")]
    done = subprocess.run(
        # one job more than there are GPUs: it must wait for a lock
        [*command, "--cores", "4", "--resources", "gpu=3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "UNRIPPLE_DEVICE": "gpu:4,6"},
    )
    assert done.returncode == 0, done.stderr
    used = [(tmp_path / f"{n}.txt").read_text().split() for n in range(5)]
    assert {gpu for gpu, _, _ in used} == {"4", "6"}
    for gpu in ("4", "6"):
        spans = sorted((float(start), float(end)) for id_, start, end in used if id_ == gpu)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.slow
def test_a_job_of_a_cluster_leaves_the_sheet_to_the_process_that_sent_it(
    repo: Path, tmp_path: Path
) -> None:
    """Many jobs start at a time; photos that arrive meanwhile must not make them all write."""
    folder = write_project(tmp_path, {"anna.png": (64, 64)})
    subprocess.run([sys.executable, "-m", "unripple", "sheet"], cwd=folder, check=True)
    sheet = (folder / "data/sheet.tsv").read_text()
    Image.fromarray(picture(7)).save(folder / "data/photos/bob.png")
    for mode, grows in (("remote", False), ("default", True)):
        snakemake(folder, "--mode", mode, "results/align/00000.json", cores=1)
        assert ((folder / "data/sheet.tsv").read_text() != sheet) is grows
