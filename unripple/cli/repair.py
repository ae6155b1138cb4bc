"""`unripple repair PHOTO EDITED` and `unripple score PHOTO EDITED`: another program's edit."""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.io.config import Config

log = logging.getLogger(__name__)
_OVERRIDES = ("recipe=external", "edits=[]", "compose.method=kept")
_OF_EDIT = "_of_edit"


def register(commands: Any) -> None:
    """Add both commands."""
    parser = commands.add_parser(
        "repair",
        help="take what another program edited back into the photo, without its drift",
        description=(
            "Bring a picture that another program made of a photo back into the photo: the shift, "
            "zoom and cast of the whole picture are undone, what was meant stays, everything else "
            "is the photo's own bytes.\n\nExample: unripple repair photo.jpg edited.png -o out.png"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_pair(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, help="where the result goes")
    parser.add_argument("--strip", type=Path, help="write a strip of all stages")
    shared.add_overwrite(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_repair)
    parser = commands.add_parser(
        "score",
        help="what another program did to a photo beside the edit, in figures",
        description=(
            "Measure an edit that another program made: drift of the whole picture, colours, bytes "
            "kept, ghost, seam, identity, sharpness, as it came and as `unripple repair` gives it."
        ),
    )
    _add_pair(parser)
    parser.add_argument("--json", action="store_true", help="figures as JSON, null is undefined")
    shared.add_log(parser)
    parser.set_defaults(run=_score)


def _add_pair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, help="the photo")
    parser.add_argument("edited", type=Path, help="what the program made of it, of any size")
    parser.add_argument(
        "--mask", type=Path, help="with compose.kept.keep=mask: white where the edit may stay"
    )
    shared.add_config(parser)
    shared.add_device(parser)


def config_of_pair(options: argparse.Namespace) -> Config:
    """The config that the words of either command mean."""
    said = {word.partition("=")[0].strip() for word in options.set}
    own = [word for word in _OVERRIDES if word.partition("=")[0] not in said]
    if options.mask is not None and "compose.kept.keep" not in said:
        own.append("compose.kept.keep=mask")
    options.set = [*options.set, *own]
    return shared.config_of(options)


def _read(options: argparse.Namespace) -> dict[str, Path | None]:
    return {"edited picture": options.edited, "mask": options.mask}


def _repair(options: argparse.Namespace) -> None:
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import check_writable_name, write_photo
    from unripple.runtime.editor import Editor

    shared.start_log(options)
    outs = {"-o": options.out, "--strip": options.strip}
    for out in outs.values():
        if out is not None:
            check_writable_name(out)
    config = config_of_pair(options)
    shared.check_outputs(options, outs, [options.photo], config, others=_read(options))
    editor = Editor(device=options.device, settings=config)
    result = editor.repair(options.photo, options.edited, mask=options.mask)
    for warning in result.warnings:
        log.warning("%s", warning)
    result.save(options.out, overwrite=options.overwrite)
    if options.strip is not None:
        write_photo(options.strip, result.strip, NOTHING.of_result(marked=result.marked))
    drift: Any = result.artifacts["register"]["drift"]
    log.info(
        "%s: undone: zoom %.2f%%, shift %.1f px, turn %.2f degrees",
        options.out,
        drift["zoom_percent"],
        drift["shift_px"],
        drift["turn_deg"],
    )


def _score(options: argparse.Namespace) -> None:
    from unripple.runtime.editor import Editor

    shared.start_log(options)
    config = config_of_pair(options)
    editor = Editor(device=options.device, settings=config)
    figures = editor.score(options.photo, options.edited, mask=options.mask)
    text = json.dumps(dict(figures), indent=1) if options.json else _table(figures)
    sys.stdout.write(f"{text}\n")


def _table(figures: Mapping[str, float | None]) -> str:
    """Every figure in a line: as it came, as repaired, and what it tells."""
    from unripple.metrics.tables import describe

    names = list(dict.fromkeys(name.removesuffix(_OF_EDIT) for name in figures))
    rows = [("", "as it came", "repaired", "perfect", "")]
    for name in names:
        how = describe(name)
        rows.append(
            (
                name,
                _shown(figures.get(name + _OF_EDIT)),
                _shown(figures.get(name)),
                _shown(how.perfect),
                f"{how.meaning}{f', {how.unit}' if how.unit else ''}",
            )
        )
    wide = [max(len(row[k]) for row in rows) for k in range(4)]
    return "\n".join(
        "  ".join((row[0].ljust(wide[0]), *(row[k].rjust(wide[k]) for k in (1, 2, 3)), row[4]))
        for row in rows
    ).rstrip()


def _shown(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.3f}"
