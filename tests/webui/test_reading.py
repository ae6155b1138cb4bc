"""Files made to hurt, decoded beside the server."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.conventions import BadPhoto, Crashed, LimitExceeded
from unripple.io.photo import read_photo
from unripple.pipeline.limits import Limits
from unripple.webui.job_queue import Superseded
from unripple.webui.reading import Patience, Reader, _Turns, mapped

PHOTO = Path("data/photos/portrait-01.png")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small JPEG with very many scans, which takes minutes."""
    buffer = io.BytesIO()
    Image.new("L", (4000, 3000)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    scan = data[data.rfind(b"\xff\xda") : -2]
    path = tmp_path_factory.mktemp("slow") / "slow.jpg"
    path.write_bytes(data[:-2] + scan * 5000 + b"\xff\xd9")
    return path


def test_what_is_read_is_what_the_batch_reads(reader: Reader, repo: Path) -> None:
    read, wanted = reader.read(repo / PHOTO, Limits()), read_photo(repo / PHOTO)
    assert np.array_equal(read.photo.pixels, wanted.pixels)
    assert read.photo.metadata == wanted.metadata
    read.pixels.leave_memory()
    assert np.array_equal(read.photo.pixels, wanted.pixels)


def test_refusals_are_the_batchs(reader: Reader, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(BadPhoto, match="not a picture"):
        reader.read(tmp_path / "words.png", Limits())
    with pytest.raises(BadPhoto, match=r"limits\.megapixels"):
        reader.read(repo / PHOTO, Limits(megapixels=0.01))


def test_who_takes_too_long_is_ended(reader: Reader, slow: Path) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded, match=r"limits\.seconds"):
        reader.read(slow, Limits(seconds=0.5))
    assert time.monotonic() - began < 10


def test_who_takes_too_much_memory_is_ended(reader: Reader, slow: Path) -> None:
    with pytest.raises(LimitExceeded, match=r"limits\.memory_mb"):
        reader.read(slow, Limits(memory_mb=45))


def test_a_newer_file_ends_the_one_before(reader: Reader, slow: Path) -> None:
    until = time.monotonic() + 0.3

    def check() -> None:
        if time.monotonic() > until:
            raise Superseded("a newer setting came")

    with pytest.raises(Superseded):
        reader.read(slow, Limits(), Patience(check))


def test_others_that_wait_end_what_takes_long(
    reader: Reader, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unripple.webui.reading.GRACE_S", 0.3)
    with pytest.raises(LimitExceeded, match="while others waited"):
        reader.read(slow, Limits(), Patience(crowded=lambda: True))


def test_a_large_photo_that_takes_long_ends_where_another_large_one_waits(
    reader: Reader, slow: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unripple.webui.reading.GRACE_S", 0.3)
    monkeypatch.setattr("unripple.webui.reading.LARGE_MEGAPIXELS", 0.0)
    monkeypatch.setattr(reader, "_large", _Turns(1))
    with ThreadPoolExecutor(1) as one:
        first = one.submit(reader.read, slow, Limits())
        until = time.monotonic() + 20
        while reader._large._free._value and time.monotonic() < until:
            time.sleep(0.01)  # until it has the turn
        assert reader.read(repo / PHOTO, Limits()).photo.pixels.shape[2] == 3
        with pytest.raises(LimitExceeded, match="while others waited"):
            first.result(10)
    assert not reader._large.crowded


def test_who_takes_long_computes_when_nobody_else_does(
    reader: Reader, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unripple.webui.reading._SWIFT_S", 0.1)
    niceness: list[int] = []

    def look(self: object, process: int) -> LimitExceeded | None:
        if not process:
            return None
        niceness.append(os.getpriority(os.PRIO_PROCESS, process))
        return LimitExceeded("enough") if len(niceness) == 10 else None

    monkeypatch.setattr("unripple.webui.reading.PhotoBudget.excess", look)
    with pytest.raises(LimitExceeded, match="enough"):
        reader.read(slow, Limits())
    assert niceness[0] < niceness[-1] == 19


def test_a_child_that_nobody_looks_at_ends_by_its_processor_time(slow: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from unripple.webui import decoding\n"
        "from unripple.io.photo import read_photo\n"
        "decoding._bound_processor(1)\n"
        "while True: read_photo(Path(sys.argv[1]), max_megapixels=100)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(slow)], check=False, timeout=120)
    assert done.returncode == -signal.SIGXCPU


def test_a_process_that_was_killed_is_started_again(repo: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    reader = Reader(root)
    reader.start()
    assert reader._process is not None
    os.kill(reader._process.pid, signal.SIGKILL)
    reader._process.wait()
    assert reader.read(repo / PHOTO, Limits()).photo.pixels.shape[2] == 3
    reader.close()
    assert not root.exists()  # as if the server had been killed


def test_a_crash_is_an_error_of_that_file(
    reader: Reader, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unripple.webui import reading

    def crash(self: object, process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if process:
                os.kill(process, signal.SIGSEGV)

    monkeypatch.setattr(reading.PhotoBudget, "excess", crash)
    with pytest.raises(Crashed, match="choose another"):
        reader.read(slow, Limits())


def test_mapped_arrays_are_their_own(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    one = mapped(array, tmp_path)
    assert np.array_equal(one.array, array) and list(tmp_path.iterdir()) == []
