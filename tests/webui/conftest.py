"""A folder to edit in with tiny networks, and what the editor makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import write_project
from tests.webui.browsing import SIZES, Watched, chromium, server, write_folder
from unripple.io.config import read_config
from unripple.webui.app_state import AppState, UserLimits
from unripple.webui.reading import Reader
from unripple.webui.sessions import Sessions

PHOTOS = {"anna.png": (64, 64), "bob.png": (90, 120)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), PHOTOS)


class Kept(Reader):
    """One process that decodes, for all tests."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    one = Kept(tmp_path_factory.mktemp("reader"))
    yield one
    Reader.close(one)


@pytest.fixture
def app_state(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> Iterator[AppState]:
    monkeypatch.chdir(project)
    monkeypatch.setattr("unripple.webui.app_state.Reader", lambda _: reader)
    yield from _app_state(tmp_path)


def _app_state(tmp_path: Path) -> Iterator[AppState]:
    one = AppState(
        read_config(Path("config.yaml")),
        batch=tmp_path / "batch.yaml",
        translations=tmp_path / "translations",
        limits=UserLimits(upload_mb=1.0, sessions=3),
    )
    yield one
    one.close()


@pytest.fixture
def sessions(app_state: AppState) -> Iterator[Sessions]:
    all_sessions = Sessions(app_state)
    yield all_sessions
    all_sessions.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def address(browser: Any, folder: Path) -> Iterator[str]:
    with server(folder) as one:
        yield one


@pytest.fixture(params=SIZES)
def watched(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Watched]:
    one = Watched(browser, address, *SIZES[request.param])
    yield one
    one.context.close()
    assert one.complaints == [] and one.strangers == []


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's source, fetched by npm once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "unripple-tests")
    script = cache / "package" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm, which fetches axe-core")
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", "axe-core@4", "--silent"]
        done = subprocess.run(
            command, cwd=cache, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            pytest.skip("the npm registry, which has axe-core, does not answer")
        with tarfile.open(cache / done.stdout.split()[-1]) as archive:
            archive.extractall(cache, filter="data")
    return script.read_text()
