"""Downloads that a full disk, a person or another download cut short."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.zoo.downloads import CONTENT, SHA256, entry_of, get, good, in_turn, left_behind
from tests.zoo.site import Request, Site
from unripple.conventions import DownloadFailed, StoreError


def test_a_disk_that_is_too_small_is_told_before(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.routes["/f"] = good
    usage = SimpleNamespace(total=10**9, used=10**9, free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadFailed, match=r"3\.1 MB are to come for net\.pth, and 1\.0 MB"):
        get(entry_of(site.root + "/f"), tmp_path)
    assert left_behind(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_came(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.routes["/f"] = good
    opened = Path.open

    class Full:
        """Takes one megabyte and a half, the last of it in half a write."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, piece: bytes) -> int:
            room = 1_500_000 - self.file.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self.file.write(piece[:room]))

    def small(path: Path, mode: str = "r", **words: Any) -> Any:
        file = opened(path, mode, **words)
        return Full(file) if path.suffix == ".part" and "b" in mode and mode != "rb" else file

    monkeypatch.setattr(Path, "open", small)
    with pytest.raises(DownloadFailed, match="No space left on device; free some space and fetch"):
        get(entry_of(site.root + "/f", sha256=SHA256), tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "net.pth.part").stat().st_size == 1_500_000
    assert get(entry_of(site.root + "/f", sha256=SHA256), tmp_path).path.read_bytes() == CONTENT
    assert site.asked[1][1]["Range"] == "bytes=1500000-"


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        get(entry_of(site.root + "/f"), tmp_path / "file" / "folder")


SCRIPT = """
import sys
from pathlib import Path
from tests.zoo.downloads import entry_of
from unripple.zoo.fetch import download
download(entry_of(sys.argv[1]), Path(sys.argv[2]), progress=lambda *said: print(said, flush=True))
"""


def test_ctrl_c_keeps_the_part_and_the_next_run_goes_on(
    site: Site, tmp_path: Path, repo: Path
) -> None:
    def stalling(request: Request) -> None:
        request.hang_up(len(CONTENT), CONTENT[:1_200_000], ETag='"v1"')
        request.close_connection = False
        time.sleep(3)

    site.routes["/f"] = in_turn(stalling, good)
    words = [sys.executable, "-c", SCRIPT, site.root + "/f", str(tmp_path)]
    process = subprocess.Popen(
        words,
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background may have been told to ignore Ctrl-C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    while process.stdout.readline().startswith("(0,"):
        pass  # nothing has come yet
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    kept = (tmp_path / "net.pth.part").read_bytes()
    assert 0 < len(kept) < len(CONTENT) and CONTENT.startswith(kept)
    assert not (tmp_path / "net.pth").exists()
    assert get(entry_of(site.root + "/f"), tmp_path).path.read_bytes() == CONTENT
    assert site.asked[1][1] == {"Range": f"bytes={len(kept)}-", "If-Range": '"v1"'}


def _fetch_into(url: str, folder: Path, done: Any) -> None:
    done.put(get(entry_of(url), folder).sha256)


def test_two_at_once_do_not_spoil_each_other(site: Site, tmp_path: Path) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.3)
        good(request)

    site.routes["/f"] = slow
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    both = [
        context.Process(target=_fetch_into, args=(site.root + "/f", tmp_path, done), daemon=True)
        for _ in range(2)
    ]
    for process in both:
        process.start()
    assert [done.get(timeout=20), done.get(timeout=20)] == [SHA256, SHA256]
    for process in both:
        process.join(timeout=20)
        assert process.exitcode == 0
    assert len(site.asked) == 1
    assert left_behind(tmp_path) == ["net.pth"]


def test_what_happens_is_logged_not_printed(
    site: Site,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.routes["/gone"] = lambda request: request.reply(410)
    site.routes["/f"] = good
    with caplog.at_level(logging.INFO):
        get(entry_of(site.root + "/gone", site.root + "/f"), tmp_path)
    assert "net: 127.0.0.1 answers 410 Gone" in caplog.text
    assert capsys.readouterr().out == ""
