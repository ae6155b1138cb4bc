"""A folder to edit in with tiny networks, and what the editor makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import write_project
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
