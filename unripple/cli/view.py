"""`unripple view STAGE PHOTO [EDIT]`: one picture of one stage of one photo, by name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.conventions import Photo, UnknownName
from unripple.io.artifact import decode_part
from unripple.io.config import Config
from unripple.io.metadata import NOTHING
from unripple.io.photo import write_photo
from unripple.io.places import sheet_to_read
from unripple.io.results import PHOTO, Results
from unripple.pipeline.graph import Step, any_step
from unripple.runtime.cache import LayeredCache, MemoryCache
from unripple.runtime.editor import Editor
from unripple.runtime.subject import file_stem, find_source
from unripple.runtime.view import as_picture


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "view",
        help="one picture of one stage of one photo, by name",
        description=(
            "Write one stage of one photo as a picture for people (labels coloured, depth "
            "stretched) and print the file's name. What a run has finished is taken from the "
            "results folder; the rest is computed in memory."
        ),
    )
    parser.add_argument("stage")
    parser.add_argument("photo", help="photo id, as in the sheet, or a file")
    parser.add_argument("edit", nargs="?", help="edit name; left out for the photo itself")
    parser.add_argument("--part", help="another part than the first to look at")
    parser.add_argument("-o", "--out", type=Path, help="default: results/view/...")
    shared.add_overwrite(parser)
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_view)


def _view(options: argparse.Namespace) -> None:
    shared.start_log(options)
    step = any_step(options.stage)
    edit = None if options.edit == PHOTO else options.edit
    of = PHOTO if edit is None and step.looks_at_both else edit
    step.inputs(of)  # says whether the stage asks for an edit
    part = options.part or step.shows
    config = shared.config_of(options)
    results = shared.results_of(options, config)
    name, picture, stored = _picture(options, config, results, step, of, part)
    out = options.out
    if out is None:
        place = Path(results.root, "view", step.stage, of or PHOTO)
        out = place / (f"{name}.png" if part == step.shows else f"{name}.{part}.png")
    shared.check_outputs(options, {"-o": out}, (), others={"stored picture": stored})
    write_photo(out, picture, NOTHING.of_result(marked=step.marked))
    sys.stdout.write(f"{out}\n")


def _picture(
    options: argparse.Namespace,
    config: Config,
    results: Results,
    step: Step,
    of: str | None,
    part: str,
) -> tuple[str, Photo, Path | None]:
    """How the photo's files are called, the part as a picture, and its file in the results folder.

    Of a photo that the last run was not about, the folder shows nothing; it is made anew from what
    the store still has of it.

    Raises:
        UnknownName: the folder has no such picture, and it cannot be made.
    """
    try:
        stored = results.part(step.stage, of, options.photo, part)
    except UnknownName as error:
        lacking = error
    else:
        return options.photo, as_picture(part, decode_part(stored)), stored
    sheet = sheet_to_read(results.root)
    try:
        source = find_source(options.photo, config, sheet)
    except UnknownName:
        raise lacking from None
    edit = None if of in (None, PHOTO) else shared.edit_of_run([str(of)], config, results)
    cache = LayeredCache(results.store, MemoryCache())
    editor = Editor(device=options.device, settings=config, cache=cache)
    made = editor.run(source, step.stage, edit)
    artifact = made[step.stage if step.stage in made else f"{step.stage}@{PHOTO}"]
    if part not in artifact:
        raise lacking
    return file_stem(source, sheet), as_picture(part, artifact[part]), None
