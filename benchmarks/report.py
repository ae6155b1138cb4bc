"""Build the report of many photos, open it in Chromium, and check that it stays usable.

    python benchmarks/report.py                 1,000 photos with three edits each
    python benchmarks/report.py --photos 200
    python benchmarks/report.py --no-browser

Results are made up: small pictures of the sample photos under keys of their own, so that every
strip is drawn. Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unripple.io.artifact import Artifact
from unripple.io.config import Config, default_config, edits
from unripple.io.digest import value_sha256
from unripple.io.results import PHOTO, Manifest, Results
from unripple.io.sheet import SHEET, Row, write_sheet
from unripple.metrics.figures import FIGURES
from unripple.pipeline.graph import STEPS
from unripple.report.assemble import assemble
from unripple.report.strips import FOLDER

REPO = Path(__file__).resolve().parents[1]
SIZE = 128
PAGE_BYTES_PER_EDIT = 400
PAGE_BYTES = 200_000
BOUNDS = {"first paint, s": 2.0, "list drawn, s": 2.0, "filter, s": 0.5, "elements": 3000}
_SHARD = "00000"


def many_results(folder: Path, photos: int, config: Config) -> None:
    """A results folder of that many photos with the config's edits, and its sheet."""
    results = Results(folder / "results")
    names = [f"photo-{number:05d}" for number in range(photos)]
    templates = _templates(results, config)
    for (stage, of), keys in templates.items():
        given = {}
        for number, name in enumerate(names):
            given[name] = value_sha256([stage, of, name])
            _alias(results, keys[number % len(keys)], given[name])
        results.write_manifest(stage, of, _SHARD, Manifest(given, {}))
    rows = [Row(name, f"data/photos/{name}.png", _SHARD) for name in names]
    (folder / SHEET).parent.mkdir(parents=True, exist_ok=True)
    write_sheet(folder / SHEET, rows)


def _templates(results: Results, config: Config) -> dict[tuple[str, str | None], list[str]]:
    """Keys of a few made-up artifacts for every place of the table of steps."""
    samples = sorted((REPO / "data" / "photos").glob("portrait-*.png"))
    rng = np.random.default_rng(0)
    found: dict[tuple[str, str | None], list[str]] = {}
    for step in STEPS.values():
        for of in step.places(tuple(edit.name for edit in edits(config))):
            for path in samples:
                with Image.open(path) as opened:
                    crop = np.asarray(opened.convert("RGB").resize((SIZE, SIZE)))
                made_from = {"stage": step.stage, "of": of, "photo": path.name}
                key = value_sha256(made_from)
                results.store.put(key, _artifact(step.shows, crop, rng), made_from)
                found.setdefault((step.stage, of), []).append(key)
    return found


def _artifact(shows: str, crop: np.ndarray, rng: np.random.Generator) -> Artifact:
    grey = crop.mean(axis=2)
    parts: dict[str, Any] = {
        "labels": (grey / 14).astype(np.uint8) % 19,
        "ripple": grey > 128,
        "after": grey > 90,
        "inverse_depth": grey.astype(np.float32),
        "w_plus": np.zeros((12, 256), np.float32),
        "figures": {name: float(rng.normal()) for name in FIGURES},
    }
    found = {shows: parts.get(shows, crop)}
    return {**found, "transform": np.eye(2, 3)} if shows == "picture" else found


def _alias(results: Results, key: str, name: str) -> None:
    """The same artifact under another key, by links."""
    source, target = results.store.folder(key), results.store.folder(name)
    target.mkdir(parents=True)
    for path in source.iterdir():
        (target / path.name).hardlink_to(path)


def build(folder: Path, config: Config) -> dict[str, float]:
    """Write the report in a process of its own: seconds, CPU seconds, peak memory, sizes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_build, (str(folder), config))


def _build(folder: str, config: Config) -> dict[str, float]:
    os.chdir(folder)
    results = Results()
    started = time.monotonic()
    html, _ = assemble(config, [_SHARD], results)
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    (results.root / "report.html").write_text(html)
    strips = list((results.root / FOLDER).glob("*.webp"))
    return {
        "seconds": seconds,
        "CPU seconds": used.ru_utime + used.ru_stime,
        "peak MB": used.ru_maxrss / 1024,
        "page MB": len(html.encode()) / 1e6,
        "strips": len(strips),
        "strips MB": sum(path.stat().st_size for path in strips) / 1e6,
    }


def look(page_file: Path) -> dict[str, float]:
    """Open the page in headless Chromium: times to paint, to the list, to a filter; elements."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector(".contact")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        paint, drawn = page.evaluate(
            "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            " performance.timing.domInteractive - performance.timing.navigationStart]"
        )
        timed = (
            "([id, value, event]) => { const started = performance.now(), at ="
            " document.getElementById(id); at.value = value; at.dispatchEvent(new Event(event));"
            " document.body.getBoundingClientRect(); return performance.now() - started; }"
        )
        sort = page.evaluate(timed, ["sort", "seam", "change"])
        search = page.evaluate(timed, ["search", "7", "input"])
        elements = "document.querySelectorAll('*').length"
        counts = {"contacts": page.evaluate(elements)}
        for view in ("strips", "table"):
            page.click(f"[data-view={view}]")
            counts[view] = page.evaluate(elements)
        heap = page.evaluate("performance.memory.usedJSHeapSize")
        browser.close()
    return {
        "first paint, s": paint / 1000,
        "list drawn, s": drawn / 1000,
        "sort, s": sort / 1000,
        "filter, s": search / 1000,
        "elements": max(counts.values()),
        "script heap, MB": heap / 1e6,
    }


def main() -> int:
    """Measure, print, compare with the bounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave the results in this new folder")
    options = parser.parse_args()
    config = default_config()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="report-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        many_results(folder, options.photos, config)
        rows = options.photos * len(edits(config))
        print(
            f"{options.photos:,} photos, {rows:,} edits, {len(places())} pictures each", flush=True
        )
        first, again = build(folder, config), build(folder, config)
        figures = {**first, "seconds again": again["seconds"]}
        if not options.no_browser:
            figures |= look(folder / "results" / "report.html")
        bounds = {**BOUNDS, "page MB": (PAGE_BYTES + PAGE_BYTES_PER_EDIT * rows) / 1e6}
        missed = [name for name, most in bounds.items() if figures.get(name, 0) > most]
        for name, value in figures.items():
            bound = f"  bound {bounds[name]:g}" if name in bounds else ""
            print(f"{name:18s} {value:10.2f}{bound}{'  MISSED' if name in missed else ''}")
        print(json.dumps(figures))
        return 1 if missed else 0
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def places() -> list[Any]:
    """The places that a strip shows."""
    from unripple.report import strip

    return strip.places(PHOTO)


if __name__ == "__main__":
    raise SystemExit(main())
