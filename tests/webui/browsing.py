"""A server of its own process, and Chromium in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.tiny import LANDMARKS, write_project
from tests.tiny_clip import save_clip

CHROMIUM = Path("/usr/bin/chromium")
FACES = ("portrait-02.png", "portrait-05.png", "portrait-06.png", "scene-01.jpg")
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
WAIT_MS = 120_000
POLL_MS = 50
SKIN = (200, 150, 125)


def write_folder(folder: Path) -> Path:
    """A folder to edit in with tiny networks; mouths are wide and one is skin, for `smile`."""
    photos = {"anna.png": (64, 64), "bob.png": (90, 120)}
    wide = [*LANDMARKS[:3], [24.0, 45.0], [40.0, 45.0]]
    written = _tiny(folder, photos)
    (written / "data" / "landmarks.json").write_text(json.dumps(dict.fromkeys(photos, wide)))
    path = written / "data" / "photos" / "anna.png"  # of noise, which passes for a covered face
    with Image.open(path) as photo:
        Image.blend(photo, Image.new("RGB", photo.size, SKIN), 0.85).save(path)
    return written


def _tiny(folder: Path, photos: dict[str, tuple[int, int]], **sections: Any) -> Path:
    """A project whose CLIP is tiny, too: the server sees all faces by it once."""
    written = write_project(folder, photos)
    clip = written / "data" / "models" / "clip.safetensors"
    save_clip(clip)
    config = json.loads((written / "config.yaml").read_text()) | sections
    config["models"]["clip"] = str(clip)
    (written / "config.yaml").write_text(json.dumps(config))
    return written


def write_faces(folder: Path, photos: Path) -> Path:
    """A folder to edit in with tiny networks, and photos with faces that MTCNN finds."""
    written = _tiny(folder, {}, align={"mode": "mtcnn"})
    for name in FACES:
        shutil.copy(photos / name, written / "data" / "photos" / name)
    return written


@contextlib.contextmanager
def server(folder: Path, *arguments: str) -> Iterator[str]:
    """`unripple editor` in a folder; its address, with the token."""
    port = () if "--port" in arguments else ("--port", "0")
    command = [sys.executable, "-m", "unripple", "editor", *port, *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), address
        yield address
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test with the reason."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    pytest.importorskip("uvicorn", reason="needs the extra `editor`: uv sync --extra editor")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Debian's Chromium, {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that remembers complaints and requests that leave the machine."""

    def __init__(self, browser: Any, address: str, width: int, height: int, **context: Any) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, accept_downloads=True, **context
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url, address))
        self.page.goto(address)
        self.wait("window.unripple && window.unripple.photo")

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((address.partition("?")[0], "data:", "blob:")):
            self.strangers.append(url)

    def wait(self, condition: str, ms: int = WAIT_MS) -> None:
        """Until a JavaScript expression is true, so long at most.

        Playwright's own way evaluates text within the page, which the page's policy forbids.
        """
        until = time.monotonic() + ms / 1000
        while not self.page.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < until, condition
            self.page.wait_for_timeout(POLL_MS)

    def slide(self, name: str, degree: float) -> None:
        """Move a slider, until its edit is shown at full quality."""
        before = self.page.evaluate("unripple.timings.length")
        self.page.locator(f"#u-slider-{name}").fill(str(degree))
        self.wait(f"unripple.timings.length > {before}")
        self.settled()

    def settled(self) -> None:
        """Until an edit is shown at full quality."""
        self.wait("unripple.made.includes('result') && !unripple.previewing && !unripple.preview")
        self.wait("document.querySelector('#u-over').complete")
