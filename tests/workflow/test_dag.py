"""The whole DAG on two small photos: what runs, what does not run again, and what fails alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.tiny import LANDMARKS, picture, snakemake, write_project
from unripple.conventions import STAGES
from unripple.io.results import Results
from unripple.io.store import Store
from unripple.pipeline.graph import STEPS

pytestmark = pytest.mark.slow


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule a dry run would start."""
    said = snakemake(folder, "--dry-run", *arguments)
    if "Nothing to be done" in said:
        return {}
    table = said.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.M)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos after one whole run."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, {"anna.png": (64, 64), "bob 1.jpg": (90, 120)})
    snakemake(folder)
    return folder


def test_two_photos_go_from_end_to_end(project: Path) -> None:
    figures = json.loads((project / "results" / "measure.json").read_text())
    assert [row["photo"] for row in figures["edits"]] == ["anna", "bob-1"]
    assert figures["failures"] == []
    assert "data:image/webp" in (project / "results" / "report.html").read_text()
    with Image.open(project / "results" / "paste" / "look_left" / "bob-1.picture.png") as result:
        assert result.size == (120, 90)
    folders = {path.name for path in (project / "results").iterdir() if path.is_dir()}
    assert folders - {"store", "log", "report"} == set(STEPS)


def test_another_run_schedules_nothing(project: Path) -> None:
    assert planned(project) == {}


def test_a_shard_is_finished_before_the_next_is_begun(tmp_path: Path) -> None:
    write_project(tmp_path, {"anna.png": (64, 64), "bob.png": (64, 64)})
    sheet = [sys.executable, "-m", "unripple", "sheet", "--shard-size", "1"]
    subprocess.run(sheet, cwd=tmp_path, check=True)
    snakemake(tmp_path, cores=1)
    manifests = (tmp_path / "results").rglob("0000?.json")
    done = sorted(manifests, key=lambda path: path.stat().st_mtime_ns)
    shards = [path.stem for path in done]
    assert shards in (sorted(shards), sorted(shards, reverse=True)) and len(set(shards)) == 2
    stages = [path.relative_to(tmp_path / "results").parts[0] for path in done]
    for half in (stages[: len(stages) // 2], stages[len(stages) // 2 :]):
        assert half == sorted(half, key=STAGES.index)  # all cores have work to the end


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        (
            "compose={'feather_px': 2}",
            {"compose", "paste", "measure", "report"},
        ),
        (
            "ripple={'grow_px': 3}",
            {"ripple", "inpaint", "compose", "paste", "measure", "report"},
        ),
        (
            "invert={'method': 'e4e'}",
            {"invert", "edit", "parse", "depth", "ripple", "foreground", "inpaint"}
            | {"compose", "paste", "measure", "report"},
        ),
        ("report={'title': 'ours'}", {"report"}),
    ],
)
def test_a_changed_parameter_reruns_its_stage_and_what_follows(
    project: Path, change: str, rerun: set[str]
) -> None:
    jobs = planned(project, "--config", change)
    assert set(jobs) == rerun | {"all"}
    assert set(jobs.values()) == {1}  # parse and depth of the photo stay


def test_one_picture_is_viewed_by_name(project: Path) -> None:
    snakemake(project, "results/view/parse/look_left/anna.png")
    with Image.open(project / "results/view/parse/look_left/anna.png") as view:
        assert view.size == (64, 64) and view.mode == "RGB"


def test_a_new_photo_costs_one_photo_and_a_broken_one_fails_alone(project: Path) -> None:
    def store() -> dict[str, int]:
        files = (project / "results" / "store").rglob("digests.json")
        return {path.parent.name: path.stat().st_mtime_ns for path in files}

    before = store()
    kept = (project / "results/paste/look_left/anna.picture.png").read_bytes()
    photos = project / "data" / "photos"
    Image.fromarray(picture(7)).save(photos / "{carla}.png")
    (photos / "broken.png").write_bytes(b"these are words")
    listed = json.loads((project / "data" / "landmarks.json").read_text())
    landmarks = json.dumps({**listed, "carla": LANDMARKS})
    (project / "data" / "landmarks.json").write_text(landmarks)
    snakemake(project)

    figures = json.loads((project / "results" / "measure.json").read_text())
    assert [row["photo"] for row in figures["edits"]] == ["anna", "bob-1", "carla"]
    (failure,) = figures["failures"]
    assert (failure["photo"], failure["stage"]) == ("broken", "align")
    assert "not a picture" in failure["reason"]
    assert "broken" in (project / "results" / "report.html").read_text()
    after = store()
    one_photo = sum(len(step.places(("look_left",))) for step in STEPS.values())
    assert len(after) - len(before) == one_photo
    assert {key: after[key] for key in before} == before
    assert (project / "results/paste/look_left/anna.picture.png").read_bytes() == kept
    assert planned(project) == {}


def test_what_was_damaged_is_found_and_made_again(project: Path) -> None:
    results = Results(project / "results")
    key = results.read_manifest("paste", "look_left", "00000").keys["anna"]
    part = results.store.parts(key)["picture"]
    good = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    verify = [sys.executable, "-m", "unripple", "verify"]
    assert subprocess.run(verify, cwd=project, check=False).returncode == 1
    subprocess.run([*verify, "--repair"], cwd=project, check=True)
    assert set(planned(project)) == {"paste", "report", "all"}
    snakemake(project)
    assert Store(project / "results" / "store").parts(key)["picture"].read_bytes() == good
    assert (project / "results/paste/look_left/anna.picture.png").read_bytes() == good
    assert subprocess.run(verify, cwd=project, check=False).returncode == 0


def test_a_wrong_config_stops_before_any_work(project: Path) -> None:
    with pytest.raises(AssertionError, match="unknown key 'growpx'; did you mean 'grow_px'"):
        snakemake(project, "--dry-run", "--config", "inpaint={'growpx': 3}")


def test_an_empty_folder_is_named(project: Path) -> None:
    (project / "empty").mkdir()
    with pytest.raises(AssertionError, match="empty: no photos in this folder"):
        snakemake(project, "--dry-run", "--config", "photos=empty")
