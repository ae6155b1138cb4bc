"""Photographs as somebody would drop them on the page: which are taken, and what comes of a turn.

    python -m benchmarks.editor_photos OUT [--photos FOLDER] [--open-only]

They are those of `benchmarks.real`, or the pictures of a folder. Each goes through the page's own
road: decoded in a process of its own, opened in a session, all its faces turned by ten degrees and
put back into the photo. A sheet of all, OUT/sheet.jpg, is to be looked at. A run that broke off
goes on where it stopped. Exit status 1 if a photo that shows a clear face was refused, or one was
found where there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.real import collect
from unripple.conventions import UnrippleError
from unripple.io.config import default_config
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import EditRequest
from unripple.webui.session import Session

TURN_DEG = 10.0
TILE_PX, COLUMNS = 240, 4
INVERTER = "hfgi"
NO_CLEAR_FACE = ("BWPictureHuman.png", "mask_blue.png", "mask_white.png")
"""A man seen from the side and behind, and two masks that nobody wears: rightly refused."""


def tried(session: Session, path: Path, out: Path, *, turns: bool) -> dict[str, Any]:
    """Open a photo and turn every face of it; what was seen, or why it was refused."""
    began = time.perf_counter()
    try:
        opened = session.open(path, path.name, session.state.models[0], INVERTER)
    except UnrippleError as error:
        return {"refused": str(error)}
    opened_s = time.perf_counter() - began
    faces = len(opened.faces)
    if not turns:
        return {"faces": faces, "open_s": round(opened_s, 1)}
    others = {str(face): {"moves": {"yaw": TURN_DEG}} for face in range(1, faces)}
    asked = {"moves": {"yaw": TURN_DEG}, **({"others": others} if others else {})}
    request = EditRequest.from_json(asked)
    began = time.perf_counter()
    try:
        outcome = session.full(request)
    except UnrippleError as error:
        return {"faces": faces, "open_s": round(opened_s, 1), "failed": str(error)}
    assert outcome is not None
    pair = [opened.pixels, outcome.picture]
    tiles = [Image.fromarray(np.ascontiguousarray(one)) for one in pair]
    for tile in tiles:
        tile.thumbnail((TILE_PX, TILE_PX))
    both = Image.new("RGB", (sum(tile.width for tile in tiles), tiles[0].height))
    both.paste(tiles[0], (0, 0))
    both.paste(tiles[1], (tiles[0].width, 0))
    both.save(out / f"{path.stem}.jpg", quality=90)
    return {
        "faces": faces,
        "open_s": round(opened_s, 1),
        "edit_s": round(time.perf_counter() - began, 1),
        "changed": round(outcome.changed, 3),
        "figures": {k: v for k, v in outcome.figures.items() if isinstance(v, float)},
        "warnings": outcome.warnings,
    }


def given(out: Path, folder: Path | None) -> list[Path]:
    """The photographs as files."""
    if folder is not None:
        return sorted(path for path in folder.iterdir() if path.is_file())
    place = out / "photos"
    if not place.is_dir():
        photos = collect(out)
        place.mkdir(parents=True)
        for name, photo in photos.items():
            Image.fromarray(photo).save(place / f"{name}.png")
    return sorted(place.iterdir())


def sheet(out: Path) -> None:
    """All pairs in one picture."""
    pairs = [Image.open(path) for path in sorted(out.glob("*.jpg")) if path.stem != "sheet"]
    if not pairs:
        return
    wide = 2 * TILE_PX
    rows = -(-len(pairs) // COLUMNS)
    whole = Image.new("RGB", (wide * COLUMNS, TILE_PX * rows), "white")
    for number, pair in enumerate(pairs):
        whole.paste(pair, (wide * (number % COLUMNS), TILE_PX * (number // COLUMNS)))
    whole.save(out / "sheet.jpg", quality=88)


def main() -> int:
    """Try all, and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--open-only", action="store_true")
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    seen_file = out / "seen.json"
    seen: dict[str, Any] = json.loads(seen_file.read_text()) if seen_file.exists() else {}
    state = AppState(default_config())
    with tempfile.TemporaryDirectory() as folder:
        session = Session(state, Path(folder))
        for path in given(out, options.photos):
            known = seen.get(path.name, {})
            if not known or not (options.open_only or {"refused", "failed", "changed"} & {*known}):
                turns = not options.open_only
                seen[path.name] = tried(session, path, out, turns=turns)
                seen_file.write_text(json.dumps(seen, indent=1))
                print(path.name, seen[path.name], flush=True)
    state.close()
    sheet(out)
    clear = {name: one for name, one in seen.items() if name not in NO_CLEAR_FACE}
    refused = [name for name, one in clear.items() if "refused" in one]
    failed = [name for name, one in seen.items() if "failed" in one]
    wrong = [name for name in seen if name not in clear and "refused" not in seen[name]]
    print(f"{len(clear) - len(refused)} of {len(clear)} taken, {len(failed)} not edited: {failed}")
    print(f"{len(seen) - len(clear)} without a clear face, of which were taken: {wrong}")
    return int(bool(refused or wrong))


if __name__ == "__main__":
    sys.exit(main())
