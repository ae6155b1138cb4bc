"""`unripple verify`: read every artifact again and compare it with its digests."""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.cli import options as shared
from unripple.conventions import StoreError
from unripple.io.lock import claimed
from unripple.io.results import Manifest, Results

log = logging.getLogger(__name__)
DAMAGED = 1


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="check every stored artifact against its digest",
        description=(
            "Read every stored artifact again, every manifest, and every name in the results "
            "folder. Exit status 1 if something is damaged or missing."
        ),
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="delete what is damaged, and the manifests that name it: snakemake makes it again",
    )
    parser.add_argument(
        "--prune", action="store_true", help="delete artifacts that no manifest names any more"
    )
    shared.add_config(parser)
    shared.add_results(parser)
    parser.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    results = options.results or shared.results_of(options, shared.config_of(options))
    if not results.root.is_dir():
        raise StoreError(f"{results.root}: no such folder; name one with --results")
    if not results.store.root.is_dir() and not results.manifest_paths():
        raise StoreError(f"{results.root}: no results in it; name their folder with --results")
    # What a run at work has stored but not yet named would look like waste.
    changes = options.repair or options.prune
    with claimed(results.root) if changes else contextlib.nullcontext():
        return _check(results, repair=options.repair, prune=options.prune)


def _check(results: Results, *, repair: bool, prune: bool) -> int:
    store = results.store
    damaged = {key: what for key in store.stored() if (what := store.damage(key)) is not None}
    for what in damaged.values():
        log.warning("%s", what)
    manifests, bad_manifests = {}, []
    for path, manifest in results.manifests():
        if isinstance(manifest, Manifest):
            manifests[path] = manifest
        else:
            log.warning("%s", manifest)
            bad_manifests.append(path)
    named: dict[str, list[Path]] = {}
    for path, manifest in manifests.items():
        for key in manifest.keys.values():
            named.setdefault(key, []).append(path)
    missing = {key for key in named if key not in damaged and not store.has(key)}
    for key in sorted(missing):
        log.warning("%s: missing, but named by %s", store.folder(key), named[key][0])
    hidden = _hidden(results, manifests, {*damaged, *missing})
    for name in sorted(hidden):
        log.warning("%s: gone or changed, but the store has it", name)
    log.info(
        "%d artifacts, %d damaged, %d missing; %d damaged manifests; %d names gone or changed",
        len(list(store.stored())),
        len(damaged),
        len(missing),
        len(bad_manifests),
        len(hidden),
    )
    if repair:
        for key in damaged:
            store.remove(key)
        for path in (
            *bad_manifests,
            *(p for key in {*damaged, *missing} for p in named.get(key, ())),
        ):
            path.unlink(missing_ok=True)
        for name, file in hidden.items():
            atomic.link(file, name)
        log.info("swept up %d half-written files and folders", results.sweep())
    if prune:
        loose = [key for key in store.stored() if key not in named]
        for key in loose:
            store.remove(key)
        log.info("deleted %d artifacts that no manifest names", len(loose))
    wrong = damaged or missing or bad_manifests or hidden
    return DAMAGED if wrong and not repair else 0


def _hidden(
    results: Results, manifests: Mapping[Path, Manifest], but: set[str]
) -> dict[Path, Path]:
    """Names of the readable tree that do not show what the store holds, and what they should."""
    return {
        name: file
        for path, manifest in manifests.items()
        for subject, key in manifest.keys.items()
        if key not in but
        for name, file in results.shown(path, subject, key).items()
        if not _same(name, file)
    }


def _same(name: Path, file: Path) -> bool:
    if not name.is_file():
        return False
    return name.samefile(file) or name.read_bytes() == file.read_bytes()
