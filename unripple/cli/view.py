"""`unripple view STAGE PHOTO [EDIT]`: one picture of one stage of one photo, by name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.io.artifact import decode_part
from unripple.io.metadata import NOTHING
from unripple.io.photo import write_photo
from unripple.io.results import PHOTO
from unripple.pipeline.graph import any_step
from unripple.runtime.view import as_picture


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "view",
        help="one picture of one stage of one photo, by name",
        description=(
            "Write one stage of one photo as a picture for people (labels coloured, depth "
            "stretched) and print the file's name."
        ),
    )
    parser.add_argument("stage")
    parser.add_argument("photo", help="photo id, as in data/sheet.tsv")
    parser.add_argument("edit", nargs="?", help="edit name; left out for the photo itself")
    parser.add_argument("--part", help="another part than the first to look at")
    parser.add_argument("-o", "--out", type=Path, help="default: results/view/...")
    shared.add_overwrite(parser)
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
    source = options.results.part(step.stage, of, options.photo, part)
    picture = as_picture(part, decode_part(source))
    out = options.out
    if out is None:
        place = Path(options.results.root, "view", step.stage, of or PHOTO)
        out = place / (
            f"{options.photo}.png" if part == step.shows else f"{options.photo}.{part}.png"
        )
    shared.check_outputs(options, {"-o": out}, (), others={"stored picture": source})
    write_photo(out, picture, NOTHING.of_result(marked=step.marked))
    sys.stdout.write(f"{out}\n")
