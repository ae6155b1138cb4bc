"""One undisturbed run that all tests here compare with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.interruption.harness import Undisturbed, make_project, undisturbed, with_known_faces
from tests.tiny import walk
from unripple.io.config import complete


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    project = make_project(folder / "project")
    walked = folder / "walked"
    shutil.copytree(project, walked)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(walked)
        walk(complete(json.loads(Path("config.yaml").read_text())))
    return undisturbed(with_known_faces(project, walked, folder / "known"), folder / "run")
