"""A folder to edit in with tiny networks, and what the editor makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny import write_project
from unripple.editor.sessions import Sessions
from unripple.editor.studio import Limits, Studio
from unripple.io.config import read_config

PHOTOS = {"anna.png": (64, 64), "bob.png": (90, 120)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), PHOTOS)


@pytest.fixture
def studio(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.chdir(project)
    one = Studio(
        read_config(Path("config.yaml")),
        batch=tmp_path / "batch.yaml",
        translations=tmp_path / "translations",
        limits=Limits(upload_mb=1.0, sessions=3),
    )
    yield one
    one.close()


@pytest.fixture
def sessions(studio: Studio) -> Iterator[Sessions]:
    guests = Sessions(studio)
    yield guests
    guests.close()
