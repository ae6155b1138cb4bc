"""A finished project, and a copy of it to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import walk
from tests.workflow.project import config_here, go_to_a_copy, make


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        make(folder)
        walk(config_here())
    return folder


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    return go_to_a_copy(finished, tmp_path, monkeypatch)
