"""What the default install leaves out is asked for by name, before anything is computed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from unripple.cli.main import main
from unripple.extras import NotInstalled
from unripple.training.__main__ import main as train
from unripple.zoo import networks


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a package look as if it were not installed."""
    find = importlib.util.find_spec

    def leave_out(package: str) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name == package else find(name)
        )

    return leave_out


def test_clip_names_the_extra_for_texts(without: Callable[[str], None]) -> None:
    without("open_clip")
    with pytest.raises(NotInstalled, match=r"CLIP needs the package open_clip.*unripple\[text\]"):
        networks.fitted("clip", "clip", {}, "clip.safetensors", "name another file")


def test_directions_by_labels_name_the_extra(
    without: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    without("sklearn")
    assert main(["directions", "fit", "--method", "svm", "-o", "found.safetensors"]) == 2
    said = capsys.readouterr().err
    assert "--method svm needs the package sklearn" in said and "unripple[train]" in said


@pytest.mark.parametrize(("net", "package"), [("clip", "open_clip"), ("directions", "sklearn")])
def test_trainings_name_the_extra(
    net: str, package: str, without: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    without(package)
    assert train([net]) == 2
    said = capsys.readouterr().err
    assert f"training {net} needs the package {package}" in said and "unripple[train]" in said
