"""`unripple report`: one page of what a run made; the workflow's rule calls it, and people do."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.cli import options as shared
from unripple.conventions import StoreError
from unripple.io.config import Config, complete
from unripple.io.lock import at_work
from unripple.io.places import sheet_to_read
from unripple.io.results import Results
from unripple.io.sheet import read_sheet, rows_in
from unripple.pipeline.graph import DECLARATIONS
from unripple.report.outcome import outcome_of

log = logging.getLogger(__name__)


def register(commands: Any) -> None:
    """Add the command."""
    about = DECLARATIONS["report"].help
    parser = commands.add_parser("report", help=about, description=about)
    parser.add_argument(
        "--against",
        type=Path,
        metavar="OTHER/results",
        help="compare with the run of another results folder, photo by photo and edit by edit",
    )
    shared.add_config(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.add_argument("--job", metavar="JSON", help=argparse.SUPPRESS)
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    from unripple.report.assemble import assemble

    config = complete(json.loads(options.job)) if options.job else shared.config_of(options)
    # A photo that came after the run had begun is the next run's matter.
    results = shared.results_of(options, config)
    sheet = sheet_to_read(results.root)
    rows = rows_in(read_sheet(sheet), Path(config["photos"]))
    shards = sorted({row.shard for row in rows})
    _check_there(results, sheet, shards, config)
    other = None if options.against is None else _figures_of(options.against)
    shared.start_log(options)
    page = results.root / "report.html"
    with at_work(results.root):
        html, figures = assemble(config, shards, results, other=other)
        atomic.write_text(results.root / "measure.json", figures)
        atomic.write_text(page, html)
    for line in outcome_of(json.loads(figures)).lines(page):
        log.info("%s", line)
    if options.job is None:
        sys.stdout.write(f"{page}\n")


def _check_there(results: Results, sheet: Path, shards: list[str], config: Config) -> None:
    """Refuse to make a folder for a report of nothing.

    Raises:
        StoreError: no photo was worked on here.
    """
    if not shards:
        raise StoreError(
            f"{sheet}: it names no photo of {config['photos']}; run snakemake first, or name the "
            "folder of the photos by --set photos=FOLDER"
        )
    if not results.root.is_dir():
        raise StoreError(
            f"{results.root}: no such folder, so there is nothing to report; run snakemake first, "
            "or name it with --results"
        )


def _figures_of(folder: Path) -> dict[str, Any]:
    """What another run measured.

    Raises:
        StoreError: it has no table of figures.
    """
    path = folder / "measure.json"
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        outcome_of(told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"--against {folder}: no table of figures there ({path.name}: {error}); name the "
            "results folder of a run with a report"
        ) from error
    return {"name": str(folder), **told}
