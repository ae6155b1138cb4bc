"""The package as people install it: a wheel, an empty environment, an empty folder, no clone."""

from __future__ import annotations

import http.cookiejar
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

NEEDED = (
    "unripple/data/models/generator.safetensors",
    "unripple/data/models/mtcnn.safetensors",
    "unripple/data/models/mtcnn.md",
    "unripple/data/models.lock.yaml",
    "unripple/data/directions/embedded.safetensors",
    "unripple/data/domains/embedded/Gl.png",
    "unripple/data/translations/embedded/unconditional/Gl_max.npy",
    "unripple/workflow/schemas/config.schema.yaml",
    "unripple/webui/static/page.html",
    "unripple/stages/report.html.j2",
)


def build(source: Path, kind: str, out: Path) -> Path:
    """A wheel or sdist, by the build backend that pip and uv call."""
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    subprocess.run(words, cwd=source, check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repo, "wheel", tmp_path_factory.mktemp("wheel"))


def members(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            info.filename: info.CRC for info in archive.infolist() if "RECORD" not in info.filename
        }


def test_the_wheel_has_all_that_the_program_reads(wheel: Path) -> None:
    found = members(wheel)
    assert set(NEEDED) <= set(found)
    plugins = {f"snakemake_{kind}_plugin_unripple" for kind in ("executor", "logger")}
    packages = {"unripple", *plugins}
    assert {name.split("/")[0] for name in found} == packages | {"unripple-0.1.0.dist-info"}
    data = [name.split("/")[2] for name in found if name.startswith("unripple/data/")]
    assert set(data) == {"directions", "domains", "models", "models.lock.yaml", "translations"}
    assert not [name for name in found if "/user/" in name or "__pycache__" in name]


def test_the_sdist_gives_the_same_wheel(repo: Path, wheel: Path, tmp_path: Path) -> None:
    sdist = build(repo, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert members(build(source, "wheel", tmp_path / "again")) == members(wheel)


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it needs, and a folder with one photo."""

    bin: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UNRIPPLE", "PYTHON"))}
        own = {"PATH": f"{self.bin}:/usr/bin:/bin", "XDG_DATA_HOME": str(self.folder / "own")}
        return kept | own | {"HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, *words: str | Path, status: int = 0) -> str:
        """What a command of the environment says on stdout; it must end with that status."""
        done = subprocess.run(
            [self.bin / words[0], *words[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + (done.stderr if status else "")


@pytest.fixture(scope="module")
def uv(repo: Path) -> str:
    own = repo / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    assert found is not None, "no .uv/bin/uv; `make test` fetches it"
    return found


def sync(uv: str, repo: Path, venv: Path, *more: str) -> None:
    """Have the lock's versions of what users get in an environment, but not the package."""
    words = [uv, "sync", "--quiet", "--frozen", "--no-dev", "--inexact", "--no-install-project"]
    # Links: torch is gigabytes, and the cache may lie on another disk.
    words += ["--link-mode", "symlink", "--python", sys.executable, *more]
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv)}
    subprocess.run(words, cwd=repo, env=variables, check=True)


@pytest.fixture(scope="module")
def environment(
    repo: Path, uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The lock's versions of what users get, then the wheel, and from then on read-only."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    sync(uv, repo, venv)
    pip = [uv, "pip", "install", "--quiet", "--no-deps", "--offline", "--python", venv, wheel]
    subprocess.run(pip, cwd=venv.parent, check=True)
    (package,) = venv.glob("lib/python*/site-packages/unripple")
    folders = [package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield venv
    for folder in folders:
        folder.chmod(0o755)


@pytest.fixture(scope="module")
def installed(repo: Path, environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("empty")
    shutil.copy(repo / "data/photos/portrait-01.png", folder / "photo.png")
    return Installed(environment / "bin", folder)


def test_what_it_requires_fits_together(uv: str, environment: Path) -> None:
    """By its own metadata: the overrides of pyproject.toml are not those of a user."""
    done = subprocess.run(
        [uv, "pip", "check", "--python", environment],
        cwd=environment.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_it_edits_a_photo_by_command_and_from_python(installed: Installed, repo: Path) -> None:
    installed.run("unripple", "edit", "photo.png", "--edit", "pose=-3", "-o", "out.png")
    code = """
import unripple
print(unripple.__file__)
editor = unripple.Editor()
editor.edit("photo.png", pose=-3).save("python.png")
"""
    place = installed.run("python", "-c", code)
    assert not place.startswith(str(repo))
    before, after = pixels(installed.folder / "photo.png"), pixels(installed.folder / "out.png")
    assert before.shape == after.shape
    assert 1 < np.abs(before - after).mean() < 40
    np.testing.assert_array_equal(after, pixels(installed.folder / "python.png"))


def test_what_comes_with_it_is_found(installed: Installed) -> None:
    assert "pose" in installed.run("unripple", "directions", "list")
    lines = installed.run("unripple", "models", "list").splitlines()
    missing = [line.split()[0] for line in lines if line.endswith("missing")]
    untrained = ("restorer",)
    assert missing == [f"embedded/{role}" for role in untrained]
    assert any(line.startswith("mtcnn ") and line.endswith("there") for line in lines)
    assert "WIDER FACE" in installed.run("unripple", "models", "card", "mtcnn")
    installed.run("unripple", "domains", "show", "photo.png", "-o", "domains.png")
    installed.run("unripple", "edit", "photo.png", "--edit", "Gl_max", "-o", "glasses.png")


def test_fetched_models_are_kept_beside_the_package(
    installed: Installed, environment: Path
) -> None:
    folder = Path(installed.run("unripple", "models", "where").strip())
    assert folder == installed.folder / "own" / "unripple" / "published"
    said = installed.run(
        "unripple", "edit", "photo.png", "--edit", "pose=-3", "-o", "o.png",
        "--set", "models=published", status=1,
    )  # fmt: skip
    assert str(folder) in said and "unripple models fetch" in said


def test_the_page_is_served(installed: Installed, environment: Path, uv: str, repo: Path) -> None:
    said = installed.run("unripple", "editor", "--port", "0", status=2)
    assert "pip install" in said and "starlette" in said
    sync(uv, repo, environment, "--extra", "editor")
    with subprocess.Popen(
        [installed.bin / "unripple", "editor", "--port", "0"],
        cwd=installed.folder,
        env=installed.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
            with urllib.request.build_opener(cookies).open(address, timeout=60) as answer:
                assert answer.status == 200
                assert "unripple" in answer.read().decode().lower()
        finally:
            server.terminate()


def test_training_says_that_it_wants_a_clone(installed: Installed) -> None:
    said = installed.run("python", "-m", "unripple.training", "translations", status=2)
    assert "data/models/generator.safetensors" in said and "a clone of the repository" in said


def test_nothing_was_written_into_the_package(wheel: Path, environment: Path) -> None:
    """The tests above used it; root may write where the folders forbid it."""
    (package,) = environment.glob("lib/python*/site-packages/unripple")
    there = {path.relative_to(package.parent).as_posix() for path in package.rglob("*")}
    folders = {path for path in there if (package.parent / path).is_dir()}
    assert there - folders == {name for name in members(wheel) if name.startswith("unripple/")}
