"""A real Chromium, and axe-core where npm can bring it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
AXE = "axe-core@4"
_PATIENCE_S = 60


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}, from Debian's package chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, fetched once from the npm registry into a cache."""
    cache = Path(tempfile.gettempdir()) / "unripple-axe-core"
    script = cache / "package" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm to fetch axe-core")
        with tempfile.TemporaryDirectory() as folder:
            try:
                subprocess.run(
                    [npm, "pack", AXE, "--silent"],
                    cwd=folder,
                    check=True,
                    capture_output=True,
                    timeout=_PATIENCE_S,
                )
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"the npm registry does not answer: {error}")
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            cache.mkdir(exist_ok=True)
            shutil.copytree(Path(folder, "package"), cache / "package", dirs_exist_ok=True)
    return script.read_text("utf-8")
