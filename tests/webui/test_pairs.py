"""The queue: pairs are made, stopped, gone on with after a restart, and told when they fail."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import write_project
from unripple.conventions import UnknownName
from unripple.io.config import Edit, read_config
from unripple.webui.batch import add
from unripple.webui.batch_marks import Marked
from unripple.webui.pairs import DONE, FAILED, RUNNING, WAITING, PairQueue
from unripple.webui.progress import EDITING, WorkProgress

PATIENCE_S = 240


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    photos = {"anna.png": (64, 64), "bob.png": (64, 64)}
    place = write_project(tmp_path / "project", photos)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def pairs(folder: Path) -> Iterator[PairQueue]:
    one = PairQueue(Path("batch.yaml"))
    yield one
    one.close()


def queued(pairs: PairQueue, name: str, edit: Edit) -> str:
    config = read_config(Path("config.yaml"))
    added = add(Path("batch.yaml"), config, edit, Marked(Path("data/photos", name), name))
    return pairs.add(added, name)


def wait(pairs: PairQueue, pair_id: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while True:
        (one,) = pairs.describe([pair_id])
        if done(one):
            return one
        assert time.monotonic() < until, one
        time.sleep(0.05)


LEFT, RIGHT = Edit("left", (("pose", -2.0),)), Edit("right", (("pose", 2.0),))


@pytest.mark.slow
def test_pairs_are_made_stopped_and_gone_on_with(folder: Path, pairs: PairQueue) -> None:
    ids = [queued(pairs, "anna.png", LEFT), queued(pairs, "bob.png", RIGHT)]
    assert [one["state"] for one in pairs.describe(ids)] == [WAITING, WAITING]
    pairs.run(ids)
    wait(pairs, ids[0], lambda one: one["state"] == RUNNING)
    began = time.monotonic()
    pairs.cancel(ids)
    assert time.monotonic() - began < 0.3
    assert [one["state"] for one in pairs.describe(ids)] == [WAITING, WAITING]
    pairs.close()
    again = PairQueue(Path("batch.yaml"))  # the server was started anew
    again.run(ids)
    for pair_id in ids:
        assert wait(again, pair_id, lambda one: one["state"] in (DONE, FAILED))["state"] == DONE
    made = Path(again.get(ids[1]).told["picture"])
    shown = folder / "results" / "paste" / "right" / "bob.picture.png"
    found = [shown, *folder.glob("*results/paste/right/bob.picture.png")]
    assert made.read_bytes() == next(path for path in found if path.exists()).read_bytes()
    assert not list(folder.glob("*results/paste/right/anna*"))
    # A photo that is gone fails, and says so; the next pair is made nevertheless.
    lost, kept = queued(again, "anna.png", RIGHT), queued(again, "bob.png", LEFT)
    (folder / "batch_photos" / "anna.png").write_bytes(b"no picture any more")
    again.run([lost, kept])
    assert "anna.png" in wait(again, lost, lambda one: one["state"] == FAILED)["why"]
    wait(again, kept, lambda one: one["state"] == DONE)
    again.close()


def test_only_who_knows_the_id_sees_a_pair(pairs: PairQueue) -> None:
    mine = queued(pairs, "anna.png", LEFT)
    assert len(mine) > 20 and pairs.describe(["anna", "left", ""]) == []
    with pytest.raises(UnknownName):
        pairs.get("left")


def test_a_removed_pair_leaves_the_batch(pairs: PairQueue) -> None:
    ids = [queued(pairs, "anna.png", LEFT), queued(pairs, "bob.png", LEFT)]
    pairs.remove(ids[0])
    assert [one["name"] for one in pairs.describe(ids)] == ["bob.png"]
    (edit,) = read_config(Path("batch.yaml"))["edits"]
    assert edit["photos"] == ["bob.png"]
    assert set(json.loads(Path("batch_queue.json").read_text())) == {ids[1]}


def test_progress_tells_stage_and_seconds() -> None:
    now = 10.0
    progress = WorkProgress(lambda: now)
    assert progress.as_json() == {}
    with progress.of(EDITING):
        progress.stage("invert")
        now = 12.34
        assert progress.as_json() == {"work": EDITING, "stage": "invert", "seconds": 2.3}
    assert progress.as_json() == {}
