"""`unripple verify`: read every artifact again and compare it with its digests."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from unripple.cli import options as shared
from unripple.io.results import Results

log = logging.getLogger(__name__)
DAMAGED = 1


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="check every stored artifact against its digest",
        description="Read every stored artifact again. Exit status 1 if one is damaged or missing.",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="delete what is damaged, and the manifests that name it: snakemake makes it again",
    )
    parser.add_argument(
        "--prune", action="store_true", help="delete artifacts that no manifest names any more"
    )
    shared.add_results(parser)
    parser.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    results: Results = options.results
    store = results.store
    damaged = {key: what for key in store.stored() if (what := store.damage(key)) is not None}
    for what in damaged.values():
        log.warning("%s", what)
    named = results.named_keys()
    missing = {key for key in named if key not in damaged and not store.has(key)}
    for key in sorted(missing):
        log.warning("%s: missing, but named by %s", store.folder(key), named[key][0])
    count = len(list(store.stored()))
    log.info("%d artifacts, %d damaged, %d missing", count, len(damaged), len(missing))
    if options.repair:
        for key in damaged:
            store.remove(key)
        for key in {*damaged, *missing} & set(named):
            for manifest in named[key]:
                manifest.unlink(missing_ok=True)
        log.info("swept up %d unfinished folders", store.sweep())
    if options.prune:
        loose = [key for key in store.stored() if key not in named]
        for key in loose:
            store.remove(key)
        log.info("deleted %d artifacts that no manifest names", len(loose))
    return DAMAGED if (damaged or missing) and not options.repair else 0
