"""A process that dies at any one of the moments at which it writes leaves nothing to be fooled by.

Random kills hardly ever hit a write, which takes microseconds. Here a forked copy of this process
does a job and dies just before its first, second, ... last word to the disk.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interruption.harness import differences, make_project, outcome
from tests.tiny import walk
from unripple import atomic
from unripple.io.config import Config, complete
from unripple.io.results import Results
from unripple.io.sheet import update_sheet

pytestmark = pytest.mark.slow

WORDS_TO_THE_DISK = ("fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir", "chmod")
TOO_MANY = 500


def config_here() -> Config:
    return complete(json.loads(Path("config.yaml").read_text()))


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("walked") / "project")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        walk(config_here())
    return folder


def other_ripples() -> None:
    """A job that stores artifacts, takes old names away, links new ones and writes a manifest."""
    walk(complete({**config_here(), "ripple": {"grow_px": 4}}), ("ripple",))


def new_photos() -> None:
    """Two rows more in the sheet."""
    shutil.copy("data/photos/anna.png", "data/photos/carla.png")
    shutil.copy("data/photos/anna.png", "data/photos/dora.png")
    update_sheet(Path("data/photos"))


def die_at(number: int) -> None:
    """From now on, die before that word to the disk; every second file is cut in half as well."""
    count = itertools.count()

    def die() -> None:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **options: Any) -> Any:
            die()
            return call(*arguments, **options)

        return instead

    def half(path: Path, data: bytes) -> None:
        path.write_bytes(data[: len(data) // 2])
        die()
        whole(path, data)

    whole = atomic.write_synced
    atomic.write_synced = half
    for name in WORDS_TO_THE_DISK:
        setattr(os, name, dying(getattr(os, name)))


def dies(work: Callable[[], None], number: int) -> bool:
    """Whether a copy of this process, doing that work, died at that word; else it was done."""
    child = os.fork()
    if child == 0:
        die_at(number)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def deaths(work: Callable[[], None], walked: Path, folder: Path) -> Iterator[Path]:
    """A copy of the project per word to the disk, after a death just before it."""
    for number in range(TOO_MANY):
        place = folder / str(number)
        shutil.copytree(walked, place)
        os.chdir(place)
        if not dies(work, number):
            return
        yield place
        shutil.rmtree(place)
    raise AssertionError("it never ended")


@pytest.mark.parametrize(("work", "at_least"), [(other_ripples, 40), (new_photos, 3)])
def test_a_death_at_every_word_to_the_disk(
    walked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[], None],
    at_least: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(walked, tmp_path / "undisturbed")
    os.chdir(tmp_path / "undisturbed")
    work()
    wanted, before = outcome(Path.cwd()), outcome(walked)
    count = 0
    for place in deaths(work, walked, tmp_path):
        count += 1
        for name, data in outcome(place).items():  # what has a name is whole: the old or the new
            known = {files[name] for files in (before, wanted) if name in files}
            half_written = atomic.is_temporary(Path(name).name) or "/unfinished/" in name
            assert half_written or data in known, f"{count}: {name}"
        Results().sweep()
        work()
        assert differences(outcome(place), wanted) == [], count
        assert not list(Path("data").glob(".*.tmp"))
    assert count >= at_least
