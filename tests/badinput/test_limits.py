"""A photo that goes over a limit, or kills its process, fails alone and quickly."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.badinput import hostile
from tests.badinput.runs import align, make_project
from tests.tiny import picture
from unripple.conventions import BadConfig, Crashed, LimitExceeded, StoreError, UnrippleError
from unripple.io.config import complete, default_config
from unripple.io.results import Results
from unripple.pipeline.limits import DEFAULT, Limits
from unripple.runtime.limits import Uncounted
from unripple.runtime.pool import Do, Each, supervised

QUICK = Limits(seconds=1, memory_mb=200)


def go_through(names: Sequence[str], do: Do[str], limits: Limits, each: Each) -> dict[str, Any]:
    return dict(each(names, do, limits))


def watched(names: Sequence[str], do: Do[str], limits: Limits) -> dict[str, Any]:
    """What becomes of some names in a worker process."""
    return supervised(partial(go_through, names, do, limits))


def misbehaving(name: str, uncounted: Uncounted) -> str:
    """Work of all kinds."""
    if name == "hangs":
        time.sleep(100)
    elif name == "never comes back from native code":
        lock = "import ctypes; ctypes.PyDLL(None).pause()"  # holds Python's lock while it waits
        exec(lock, {})
    elif name == "eats":
        blocks = []
        while True:
            blocks.append(np.ones(4_000_000, np.uint8))
            time.sleep(0.005)
    elif name == "crashes":
        faulthandler.disable()  # pytest's report of it is not wanted
        os.kill(os.getpid(), signal.SIGSEGV)
    elif name == "leaves":
        os._exit(3)
    elif name == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "full disk":
        raise StoreError("the disk is full")
    elif name == "loads":
        with uncounted():
            time.sleep(1.5)
            kept = np.ones(300_000_000, np.uint8)
        return f"{name}: {len(kept)}"
    return f"{name}: {os.getpid()}"


def raises_what_cannot_travel(name: str, uncounted: Uncounted) -> str:
    class Local(Exception):
        pass

    raise Local("of this test")


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("hangs", LimitExceeded, "took more than 1 s; raise limits.seconds"),
        ("never comes back from native code", LimitExceeded, "took more than 1 s"),
        ("eats", LimitExceeded, "took more than 200 MB of memory; raise limits.memory_mb"),
        ("crashes", Crashed, "by SIGSEGV"),
        ("leaves", Crashed, "with exit status 3"),
    ],
)
def test_one_that_misbehaves_costs_itself(name: str, error: type, text: str) -> None:
    started = time.monotonic()
    done = watched(["a", name, "b", "c"], misbehaving, QUICK)
    assert list(done) == ["a", name, "b", "c"]
    assert type(done[name]) is error and text in str(done[name])
    assert str(done["a"]).startswith("a: ")
    assert str(done["b"])[3:] == str(done["c"])[3:] != str(done["a"])[3:]  # a new child took over
    assert time.monotonic() - started < 30


def test_loading_networks_does_not_count() -> None:
    assert watched(["loads"], misbehaving, QUICK) == {"loads": "loads: 300000000"}


def test_what_is_wrong_with_the_machine_stops_the_job() -> None:
    with pytest.raises(StoreError, match="the disk is full"):
        watched(["a", "full disk", "b"], misbehaving, QUICK)
    with pytest.raises(UnrippleError, match="killed from outside by SIGKILL"):
        watched(["a", "is killed", "b"], misbehaving, QUICK)


def test_an_error_that_cannot_travel_arrives_as_text() -> None:
    with pytest.raises(UnrippleError, match="Local: of this test"):
        watched(["a"], raises_what_cannot_travel, QUICK)


def test_no_child_outlives_its_parent(tmp_path: Path) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
from unripple.pipeline.limits import DEFAULT
from unripple.runtime.pool import supervised
def do(name, uncounted):
    Path({str(tmp_path / "child")!r}).write_text(str(os.getpid()))
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(100)
def task(each):
    list(each(["a"], do, DEFAULT))
supervised(task)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child lived on")


def test_bombs_end_by_their_limit_and_the_others_finish(tmp_path: Path) -> None:
    folder = make_project(tmp_path, Limits(megapixels=30, seconds=1.5, memory_mb=150))
    photos = folder / "data" / "photos"
    for number in range(3):
        Image.fromarray(picture(number)).save(photos / f"good-{number}.png")
    (photos / "black.png").write_bytes(hostile.png(5400, 5400))
    (photos / "h-slow.jpg").write_bytes(hostile.scan_bomb(5000, 300))
    with (photos / "sparse.png").open("wb") as file:
        file.truncate(10**12)  # a terabyte by its length; hashing it would take an hour
    (manifest,) = align(folder).values()
    assert set(manifest.keys) == {"good-0", "good-1", "good-2"}
    said = {photo: str(why) for photo, why in manifest.failures.items()}
    assert said["h-slow"].startswith("LimitExceeded: data/photos/h-slow.jpg: took more than 1.5 s")
    assert "black.png: took more than 150 MB of memory" in said["black"]
    assert said["sparse"].startswith("BadPhoto") and "MB on the disk" in said["sparse"]
    assert Results(folder / "results").read_manifest("align", None, "00000") == manifest


def test_raised_limits_let_the_photo_through_and_keep_the_rest(tmp_path: Path) -> None:
    folder = make_project(tmp_path, Limits(megapixels=0.001))
    Image.fromarray(picture(1)).save(folder / "data/photos/a.png")
    (manifest,) = align(folder).values()
    assert "more than the limit of 0.001" in manifest.failures["a"].message
    assert "limits.megapixels" in manifest.failures["a"].message
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace('"megapixels": 0.001', '"megapixels": 1'))
    (first,) = align(folder).values()
    config.write_text(config.read_text().replace('"megapixels": 1,', '"megapixels": 2,'))
    (second,) = align(folder).values()
    assert first == second and set(first.keys) == {"a"}  # limits are part of no key


def test_the_defaults_are_those_of_the_config() -> None:
    assert Limits(**default_config()["limits"]) == DEFAULT


def test_the_old_name_of_a_limit_tells_the_new_one() -> None:
    with pytest.raises(BadConfig, match=r"align\.max_megapixels is called limits\.megapixels now"):
        complete({"align": {"max_megapixels": 3}})
    with pytest.raises(BadConfig, match="did you mean 'seconds'"):
        complete({"limits": {"second": 3}})
