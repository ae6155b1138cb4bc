"""`unripple strip PHOTO EDIT`: the stages of one photo and edit side by side, as one picture."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from unripple.cli import options as shared

log = logging.getLogger(__name__)


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "strip",
        help="the stages of one photo and edit side by side, as a picture",
        description=(
            "Write what every stage made of one photo and edit as one picture, in running order, "
            "and print the file's name. What a run has finished is taken from the results folder, "
            "the rest is computed in memory."
        ),
    )
    parser.add_argument("photo", help="photo id, as in the sheet, or a file")
    parser.add_argument(
        "edit", nargs="+", help="edit name of the config, or directions and degrees like pose=-3"
    )
    parser.add_argument("-o", "--out", type=Path, help="default: results/strip/...")
    shared.add_knob(parser, "--side", "strip.side_px", "largest side of a tile", metavar="PX")
    parser.add_argument("--no-captions", action="store_true", help="pictures alone")
    shared.add_overwrite(parser)
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_strip)


def _strip(options: argparse.Namespace) -> None:
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import check_writable_name, write_photo
    from unripple.io.places import sheet_to_read
    from unripple.io.truth import TruthFolder
    from unripple.report import strip
    from unripple.runtime.cache import LayeredCache, MemoryCache
    from unripple.runtime.editor import Editor
    from unripple.runtime.result import LAST_STEP
    from unripple.runtime.subject import file_stem, find_source

    config = shared.config_of(options)
    results = shared.results_of(options, config)
    edit = shared.edit_of_run(options.edit, config, results)
    sheet = sheet_to_read(results.root)
    source = find_source(options.photo, config, sheet)
    out = options.out or _default_name(results.root, file_stem(source, sheet), options.edit)
    check_writable_name(out)
    shared.check_outputs(options, {"-o": out}, [source.path], config)
    shared.start_log(options)
    cache = LayeredCache(results.store, MemoryCache())
    editor = Editor(device=options.device, settings=config, cache=cache)
    for warning in editor.warnings(edit):
        log.warning("%s", warning)
    artifacts = editor.run(source, LAST_STEP, edit)
    truth = TruthFolder(source.path, source.photo, edit.name, dict(edit.moves)).read()
    tiles = strip.tiles_of(artifacts, edit.name, truth)
    side_px = min(options.side, tiles[0].picture.shape[0])
    picture = strip.draw(tiles, side_px=side_px, captions=not options.no_captions)
    write_photo(out, picture, NOTHING.of_result(marked=config["digital_source_type"]))
    sys.stdout.write(f"{out}\n")


def _default_name(results: Path, photo: str, words: list[str]) -> Path:
    return results / "strip" / "_".join(words) / f"{photo}.png"
