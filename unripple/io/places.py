"""Which results folder and which sheet are a folder of photos' own.

    photos                  results                         sheet
    data/photos             results                         data/sheet.tsv
    pictures/anna           pictures/anna_results           pictures/anna_sheet.tsv

The samples of a clone are the first line; git tracks their sheet, and nothing else is written into
it. A folder that their sheet lists nevertheless, since earlier versions had one for all photos,
stays there. The config's `results` names another folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from unripple.conventions import BadConfig
from unripple.io.digest import value_sha256
from unripple.io.photo import printable
from unripple.io.results import RESULTS
from unripple.io.sheet import SHEET, photo_id, read_sheet, spelled

SAMPLES = Path("data/photos")
ENDING = "_results"
_SHEET_ENDING = "_sheet.tsv"
_WORDS_OF_SNAKEMAKE = re.compile(r"[{}<>\x00-\x1f\x7f]")
"""What Snakemake reads as a wildcard or as a variable, and what no line of a log can show."""


def results_folder(config: dict[str, Any]) -> Path:
    """The results folder of a config's photos.

    Args:
        config: complete.

    Raises:
        BadConfig: `results` cannot be a results folder.
        StoreError: the samples' sheet is damaged.
    """
    photos = spelled(Path(config["photos"]))
    if config["results"] is not None:
        return _checked(spelled(Path(config["results"])), photos)
    if photos == SAMPLES or any(Path(row.path).parent == photos for row in read_sheet(SHEET)):
        return RESULTS
    beside = photos.with_name(photos.name + ENDING) if photos.name not in ("", "..") else None
    return beside if beside is not None and _is_plain(beside) else _here(photos)


def sheet_of(results: Path) -> Path:
    """The sheet that belongs to a results folder; it outlives the folder, for people write in it.

    Example:
        >>> sheet_of(Path("pictures/anna_results"))
        PosixPath('pictures/anna_sheet.tsv')
        >>> sheet_of(Path("results"))
        PosixPath('data/sheet.tsv')
    """
    samples = results.with_name(SHEET.parent.name) / SHEET.name
    if results == RESULTS or (results.name == RESULTS.name and samples.exists()):
        return samples
    return results.with_name(results.name.removesuffix(ENDING) + _SHEET_ENDING)


def sheet_to_read(results: Path) -> Path:
    """The sheet that lists a results folder's photos: until it has its own, that of the samples."""
    own = sheet_of(results)
    return own if own.exists() else SHEET


def _checked(results: Path, photos: Path) -> Path:
    if results.name in ("", "..") or results == photos:
        raise BadConfig(
            f"config: results: {printable(str(results))}: wanted a folder of its own, that of the "
            f"photos or the current one is none; name another, like {photos.name}{ENDING}"
        )
    if not _is_plain(results):
        raise BadConfig(
            f"config: results: {printable(str(results))}: a results folder's name has no {{ }} < > "
            "and no line breaks, which Snakemake reads in its own way; choose another name"
        )
    return results


def _is_plain(place: Path) -> bool:
    """Whether Snakemake takes a path for what it says; it warns of spaces at either end."""
    text = str(place)
    return not _WORDS_OF_SNAKEMAKE.search(text) and text == text.strip()


def _here(photos: Path) -> Path:
    """In the current folder, for photos whose own place has a name that Snakemake misreads."""
    place = photos.resolve()
    digest = value_sha256(str(place))[:8]
    return Path(f"{photo_id(place.name + '.', taken=())}-{digest}{ENDING}")
