"""Where the program's own files lie, and where it keeps what it fetches."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple import paths


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (paths.HOME_VARIABLE, paths.MODELS_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_a_clone_has_its_files_around_the_package(repo: Path) -> None:
    assert paths.is_clone()
    assert paths.home() == repo
    assert paths.config_schema().is_file()
    assert paths.published_folder() == repo / "data" / "published"


def test_the_variables_name_other_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    assert paths.data_folder() == tmp_path / "data"
    assert paths.published_folder() == tmp_path / "data" / "published"
    monkeypatch.setenv(paths.MODELS_VARIABLE, "/large")
    assert paths.published_folder() == Path("/large")


def test_an_installed_package_keeps_fetched_models_with_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site-packages" / "unripple"
    (package / "data").mkdir(parents=True)
    monkeypatch.setattr(paths, "_package", lambda: package)
    monkeypatch.setattr(paths, "is_clone", lambda: False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    assert paths.data_folder() == package / "data"
    assert paths.published_folder() == tmp_path / "own" / "unripple" / "published"
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "clone"))
    assert paths.published_folder() == tmp_path / "clone" / "data" / "published"
