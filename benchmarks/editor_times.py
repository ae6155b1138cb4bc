"""What somebody at the page waits for, in Chromium, on the embedded models.

    python benchmarks/editor_times.py [--moves 20] [--only start previews large]

start: from asking for the page until its first photo is shown, the server running already.
previews: from a slider's event to the decoded picture on the page, while sliding goes on: a turn, a
shape, which change the photo's own pixels, and hair's length, which the generator draws.
large: a photo of 12 megapixels is dropped, edited in full, cancelled and finished.

A table, and exit status 1 where a bound is missed. The machine should do nothing else meanwhile:
its load is told below the table.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from tests.webui.browsing import SIZES, Watched, chromium, server  # noqa: E402
from tests.webui.steps import CANCEL, SHOWN, give  # noqa: E402

BOUNDS_S = {"first picture": 3.0, "preview": 0.4, "cancel": 0.3}
"""By the first words of a row."""
SLIDERS = {"yaw": (-20.0, 20.0), "nose_width": (-1.5, 1.5), "hair_length": (-3.0, 3.0)}
LARGE_PX = (4000, 3000)
OPEN = "unripple.photo && document.querySelector('#u-under').naturalWidth > 0"
_AGAIN = 3

Row = tuple[str, float, float]
"""What is waited for, median and 95% within, seconds."""


def start(browser: Any, address: str) -> Iterator[Row]:
    """A first visit: nothing of the page is in the browser, and no photo of last time."""
    waits = []
    for _ in range(_AGAIN):
        began = time.perf_counter()
        visitor = Watched(browser, address, *SIZES["wide"])
        visitor.wait(OPEN)
        waits.append(time.perf_counter() - began)
        visitor.context.close()
    yield _row("first picture", waits)


def previews(browser: Any, address: str, moves: int) -> Iterator[Row]:
    """Slide without pause, so that no edit at full quality comes between."""
    visitor = Watched(browser, address, *SIZES["wide"])
    visitor.wait(OPEN)  # a slider that moves before asks for nothing
    page = visitor.page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for name, (low, high) in SLIDERS.items():
        page.evaluate("unripple.timings.length = 0")
        for number in range(moves + 1):
            degree = low + (high - low) * ((number * 7) % moves) / moves
            if round(degree, 1) == 0:  # nothing is edited there, and no preview asked for
                degree = (high - low) / moves / 2
            page.locator(f"#u-slider-{name}").fill(str(round(degree, 1)))
            while page.evaluate("unripple.timings.length") <= number:
                page.wait_for_timeout(5)
            page.evaluate("clearTimeout(unripple.rest)")
        waits = [ms / 1000 for ms in page.evaluate("unripple.timings")]
        yield _row(f"preview, {name}", waits[1:])  # the first one loads what it needs
        page.locator("#u-reset-all").click()
    page.context.close()


def large(browser: Any, address: str, folder: Path) -> Iterator[Row]:
    """12 megapixels: dropped, edited, cancelled, finished."""
    photo = folder / "large.jpg"
    with Image.open(REPO / "data" / "photos" / "scene-02.jpg") as small:
        small.resize(LARGE_PX, Image.Resampling.BICUBIC).save(photo, quality=92)
    visitor = Watched(browser, address, *SIZES["wide"])
    page = visitor.page
    began = time.perf_counter()
    give(visitor, photo)
    yield _row("12 megapixels open", [time.perf_counter() - began])
    cancels = []
    for degree in range(10, 10 + _AGAIN):
        page.locator("#u-slider-yaw").fill(str(degree))
        page.locator("#u-progress").wait_for()
        cancels.append(page.evaluate(CANCEL) / 1000)
    yield _row("cancel", cancels)
    page.get_by_role("button", name="Finish it").click()
    visitor.wait(SHOWN)
    wholes = []
    for degree in (-10, -12):
        version = page.evaluate("unripple.version")
        began = time.perf_counter()
        page.locator("#u-slider-yaw").fill(str(degree))
        visitor.wait(f"unripple.version > {version} && {SHOWN}")
        wholes.append(time.perf_counter() - began)
    yield _row("12 megapixels in full", wholes)
    visitor.context.close()


def _row(what: str, waits: list[float]) -> Row:
    return what, statistics.median(waits), sorted(waits)[math.ceil(0.95 * len(waits)) - 1]


def is_over(what: str, median: float) -> bool:
    """Whether a row misses its bound."""
    return any(what.startswith(word) and median > most for word, most in BOUNDS_S.items())


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--moves", type=int, default=20)
    parts = ("start", "previews", "large")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    missed = False
    print("| waited for | median, s | 95% within, s |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, server(REPO) as address:
        Watched(browser, address, *SIZES["wide"]).context.close()  # loads the networks
        of = {
            "start": lambda: start(browser, address),
            "previews": lambda: previews(browser, address, options.moves),
            "large": lambda: large(browser, address, Path(folder)),
        }
        for part in options.only:
            for what, median, most in of[part]():
                missed |= is_over(what, median)
                print(f"| {what} | {median:.2f} | {most:.2f} |", flush=True)
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
