"""The worker's hands do one job after the other, and a photo that ends one fails alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.workers import (
    ALIGN,
    JOBS_LOCK,
    MANIFEST,
    PATIENCE_S,
    hands,
    holding,
    jobs,
    start,
    wait_for,
    workers,
)
from unripple.api.jobs import job_from_config
from unripple.cli import hand, warm, worker
from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.io.config import read_config
from unripple.io.results import Results
from unripple.zoo.zoo import Zoo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the worker is for Linux alone")
SIDE_PX = 9000  # of a photo that takes a second or more to be read


def the_worker() -> int:
    """The workflow's worker, started if there is none."""
    assert warm.hand_over(["--version"]) == 0
    (found,) = workers(os.environ[warm.WORKFLOW])
    return found


def enlarge(name: str) -> None:
    """Replace a photo by one that takes long."""
    picture = Image.fromarray(np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8))
    picture.save(Path("data/photos", name), compress_level=1)


def outcome() -> tuple[set[str], dict[str, str]]:
    """The photos that align's manifest has, and the kinds of the others' failures."""
    manifest = Results().read_manifest("align", None, "00000")
    return set(manifest.keys), {photo: why.type for photo, why in manifest.failures.items()}


def kill_at(photo: str, number: int) -> subprocess.Popen[bytes]:
    """Start a job and send its hand a signal when it has a photo open; returns the command."""
    process = the_worker()
    command = start(*ALIGN)
    found: list[str] = []
    wait_for(lambda: found.extend(holding(process, photo)) or found, f"no hand came to {photo}")
    os.kill(int(found[0]), number)
    return command


def test_a_hand_is_taken_again(workflow: subprocess.Popen[bytes]) -> None:
    process = the_worker()
    (hand,) = hands(process)
    for _ in range(3):
        assert warm.hand_over(ALIGN) == 0
        assert hands(process) == [hand]
    assert not holding(int(process), JOBS_LOCK.name)


def test_jobs_at_the_same_time_have_hands_of_their_own(
    workflow: subprocess.Popen[bytes],
) -> None:
    enlarge("bob.png")
    process = the_worker()
    with start(*ALIGN) as one, start(*ALIGN) as other:
        wait_for(lambda: len(jobs(process)) == 2, "two commands share one hand")
        assert (one.wait(PATIENCE_S), other.wait(PATIENCE_S)) == (0, 0)


def test_a_hand_is_replaced_after_many_jobs(workflow: subprocess.Popen[bytes]) -> None:
    process = the_worker()
    (hand,) = hands(process)
    for _ in range(worker.MOST_JOBS):
        assert warm.hand_over(["--version"]) == 0
    wait_for(lambda: hands(process) not in ([hand], []), "the old hand goes on for ever")


def test_a_crash_costs_one_photo(workflow: subprocess.Popen[bytes]) -> None:
    enlarge("anna.png")
    with kill_at("anna.png", signal.SIGSEGV) as command:
        assert command.wait(PATIENCE_S) == 0
    assert outcome() == ({"bob"}, {"anna": "Crashed"})
    assert warm.hand_over(ALIGN) == 0  # nothing of it stays
    assert outcome() == ({"anna", "bob"}, {})


@pytest.mark.parametrize("limit", [{"seconds": 0.6}, {"memory_mb": 300}])
def test_a_photo_beyond_a_limit_fails_alone(
    workflow: subprocess.Popen[bytes], limit: dict[str, float]
) -> None:
    enlarge("bob.png")
    text = json.dumps(json.loads(Path("config.yaml").read_text()) | {"limits": limit})
    Path("config.yaml").write_text(text)
    config = read_config(Path("config.yaml"))
    content = json.loads(job_from_config(config, "align", None, Zoo(config["models"])).to_json())
    job = json.dumps(content | {"photos": config["photos"]})  # as the rules have it
    process = the_worker()
    before = hands(process)
    assert warm.hand_over([*ALIGN, "--job", job]) == 0
    assert outcome() == ({"anna"}, {"bob": "LimitExceeded"})
    assert hands(process) != before


def test_a_kill_from_outside_is_not_the_photos_fault(
    workflow: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    enlarge("anna.png")
    with kill_at("anna.png", signal.SIGKILL) as command:
        assert command.wait(PATIENCE_S) == 2
    assert "anna: the job's process was killed from outside by SIGKILL" in capfd.readouterr().err
    assert not MANIFEST.exists()


def test_a_task_comes_through_with_whatever_was_known_of_photos() -> None:
    known = {"anna": LimitExceeded("too slow"), "b\udcff": Crashed("no memory")}
    task = hand.Task(["align", "--log", "a\udcff\n.log"], 0o27, known, UnrippleError("killed"))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        hand.send(ours, task.content())
        again = hand.task_of(hand.receive(theirs))
    assert (again.arguments, again.umask) == (task.arguments, task.umask)
    assert {name: (type(why), str(why)) for name, why in again.known.items()} == {
        "anna": (LimitExceeded, "too slow"),
        "b\udcff": (Crashed, "no memory"),
    }
    assert str(again.fatal) == "killed"
    assert hand.task_of(hand.Task([], 0).content()).fatal is None
