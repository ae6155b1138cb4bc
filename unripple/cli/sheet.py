"""`unripple sheet`: give every photo of the folder an id and a shard."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.io.places import results_folder, sheet_of
from unripple.io.sheet import read_sheet, update_sheet

log = logging.getLogger(__name__)


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sheet",
        help="append new photos to the sheet of their folder",
        description=(
            "Append the photos of the config's folder that its sheet does not know: data/sheet.tsv "
            "of data/photos, anna_sheet.tsv of a folder anna. Snakemake does the same by itself."
        ),
    )
    parser.add_argument(
        "--shard-size",
        type=shared.read_knob("sheet.shard_size", "--shard-size"),
        metavar="N",
        help=(
            "how many photos one job takes (default: 32, and more where there are thousands of "
            "them); results do not depend on it"
        ),
    )
    shared.add_config(parser)
    parser.set_defaults(run=_sheet)


def _sheet(options: argparse.Namespace) -> None:
    config = shared.config_of(options)
    sheet = sheet_of(results_folder(config))
    count_before = len(read_sheet(sheet))
    rows = update_sheet(Path(config["photos"]), sheet, shard_size=options.shard_size)
    shards = len({row.shard for row in rows})
    new = len(read_sheet(sheet)) - count_before
    log.info("%s: %d photos in %d shards, %d of them new", sheet, len(rows), shards, new)
