"""What Snakemake decides to run again, and that nothing stays stale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm
from tests.tiny import walk
from tests.workflow.project import (
    EDIT,
    EVERYWHERE,
    PLACES,
    Cost,
    below,
    changed_photo,
    config_here,
    everything,
    go_to_a_copy,
    weights,
    word,
    write_photo,
    write_report,
)
from unripple.pipeline.graph import ancestors

pytestmark = pytest.mark.slow


def snakemake(folder: Path, *words: str, fails: str = "") -> subprocess.CompletedProcess[str]:
    """The plain command; `fails` names a stage whose command fails, as on a bad machine."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if fails:
        trap = folder / "trap"
        trap.mkdir(exist_ok=True)
        (trap / "sitecustomize.py").write_text(
            f"import sys\nif 'snakemake' not in sys.orig_argv and {fails!r} in sys.orig_argv:\n"
            "    sys.exit('this machine cannot')\n"
        )
        environment["PYTHONPATH"] = f"{trap}:{environment.get('PYTHONPATH', '')}"
        words = (*words, "--executor", "local")  # which starts a process for each command
    return warm.run(folder, *words, env=environment)


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder: Path, *words: str) -> Cost:
    """How many jobs of each rule a run would start."""
    text = said(snakemake(folder, "--dry-run", *words))
    if "Nothing to be done" in text:
        return {}
    table = text.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.M)}


def rules(places: tuple[str, ...], *others: str) -> Cost:
    return dict(Counter([*(place.split()[0] for place in places), *others]))


@pytest.fixture(scope="module")
def settled(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project after a run of Snakemake.

    The store also holds what another picture of bob leads to, so that no run has to compute.
    The manifests of the walks are none that Snakemake knows of: it must look at all of them.
    """
    folder = tmp_path_factory.mktemp("settled") / "project"
    shutil.copytree(finished, folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        old = Path("data/photos/bob.png").stat()
        changed_photo(config_here())
        walk(config_here())
        write_photo("bob", 2)
        os.utime("data/photos/bob.png", ns=(old.st_atime_ns, old.st_mtime_ns))
        walk(config_here())
    done = said(snakemake(folder))
    assert f"{len(PLACES) + 2} jobs" in done  # with `report` and `all`
    assert planned(folder) == {}
    yield folder


@pytest.fixture
def run_before(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    return go_to_a_copy(settled, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def with_other_bob(settled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results with the other picture of bob, made from nothing but the photos' artifacts."""
    folder = tmp_path_factory.mktemp("fresh") / "project"
    shutil.copytree(settled, folder, ignore=shutil.ignore_patterns(".snakemake"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for path in Path("results").glob("[!s]*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        changed_photo(config_here())
        walk(config_here())
        write_report(config_here())
    return everything(folder)


@pytest.mark.parametrize("role", ["parser", "pose"])
def test_a_changed_model_file_reruns_the_stages_that_use_it(run_before: Path, role: str) -> None:
    weights(role)(config_here())
    places = {"parser": below("parse photo", "edit left"), "pose": ("measure left",)}[role]
    assert planned(run_before) == rules(places, "report", "all")


def test_a_photo_replaced_by_an_older_file_is_seen(run_before: Path) -> None:
    changed_photo(config_here())
    os.utime("data/photos/bob.png", (0, 0))
    assert planned(run_before) == rules(EVERYWHERE, "report", "all")


def test_one_picture_of_one_stage_asks_for_no_more(run_before: Path) -> None:
    target = f"results/view/parse/{EDIT}/bob.png"
    assert planned(run_before, target) == {"view": 1}
    changed_photo(config_here())
    upstream = tuple(word(*place) for place in ancestors("parse", EDIT))
    assert planned(run_before, target) == rules(upstream, "view")


def test_one_stage_is_forced_or_the_last(run_before: Path) -> None:
    assert planned(run_before, "--forcerun", "foreground") == rules(
        below("foreground left"), "report", "all"
    )
    before = everything(run_before)
    said(snakemake(run_before, "--forcerun", "paste", "--until", "paste"))
    log = (run_before / f"results/log/paste/{EDIT}/00000.log").read_text()
    assert log.count("there already") == 3  # its job runs; what it finds is checked and stays
    assert everything(run_before) == before
    changed_photo(config_here())
    until_parse = {"align", "project", "invert", "translate", "edit", "parse"}
    assert set(planned(run_before, "--until", "parse")) == until_parse


@pytest.mark.parametrize("stage", ["align", "foreground", "report"])
def test_input_changed_rerun_failed_plain_rerun(
    run_before: Path, with_other_bob: dict[str, bytes], stage: str
) -> None:
    changed_photo(config_here())
    failed = snakemake(run_before, fails=stage)
    assert failed.returncode != 0 and "this machine cannot" in failed.stdout + failed.stderr
    said(snakemake(run_before))
    assert everything(run_before) == with_other_bob
    assert planned(run_before) == {}


def test_one_picture_after_a_failed_rerun_is_not_stale(
    run_before: Path, with_other_bob: dict[str, bytes]
) -> None:
    changed_photo(config_here())
    assert snakemake(run_before, fails="foreground").returncode != 0
    said(snakemake(run_before, f"results/view/paste/{EDIT}/bob.png"))
    fresh = with_other_bob[f"results/paste/{EDIT}/bob.picture.png"]
    assert (run_before / f"results/paste/{EDIT}/bob.picture.png").read_bytes() == fresh
