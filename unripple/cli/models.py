"""`unripple models`: which weights there are, on which terms, and how to get them."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import logging
import math
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from unripple.cli.model_check import register as add_check
from unripple.cli.model_table import (
    EMBEDDED_LICENCE,
    embedded_rows,
    published_card,
    published_rows,
    sets_of,
    size_text,
    table,
)
from unripple.conventions import BadCheckpoint, DownloadFailed, UnknownName
from unripple.paths import published_folder
from unripple.zoo.acquire import add, fetch
from unripple.zoo.fetch import Progress
from unripple.zoo.zoo import (
    MTCNN,
    ROLES,
    embedded_folder,
    embedded_variants,
    published_index,
)

log = logging.getLogger(__name__)

FAILED = 1
_LINES_S = 10.0


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "models",
        help="list, fetch, add and check networks, with their licences",
        description=__doc__,
    )
    actions = parser.add_subparsers(required=True, metavar="list|fetch|add|card|check|where")
    listing = _action(actions, "list", _list, "all weights: roles, size, licence, what is there")
    listing.add_argument("--json", action="store_true", help="everything that is known, as JSON")
    fetch = _action(actions, "fetch", _fetch, "download published weights, check and convert them")
    fetch.add_argument(
        "names", nargs="+", metavar="SET-OR-NAME", help="as `models list` shows them"
    )
    _accept_new(fetch, "take a file that differs from the one fetched before")
    add = _action(actions, "add", _add, "take a published file that is on this machine already")
    add.add_argument(
        "file", type=Path, help="stays where it is; only the converted weights are kept"
    )
    add.add_argument("--as", dest="name", metavar="NAME", help="which published file it is")
    _accept_new(add, "take it even if it is not the file that the list, or an earlier use, knows")
    card = _action(actions, "card", _card, "what is known about one of them")
    card.add_argument("name")
    add_check(actions)
    _action(actions, "where", _where, "the folder of published weights")


def _action(
    actions: Any, name: str, run: Callable[[argparse.Namespace], int | None], what: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=what, description=what)
    parser.set_defaults(run=run)
    return parser


def _accept_new(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--accept-new", action="store_true", help=what)


def _where(options: argparse.Namespace) -> None:  # noqa: ARG001 (every command takes them)
    sys.stdout.write(f"{published_folder()}\n")


def _list(options: argparse.Namespace) -> None:
    lock = published_index()
    rows = [*embedded_rows(), *published_rows(lock, published_folder())]
    if options.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
        return
    sets = ""
    for name in sets_of(lock):
        held = f"set {name}: {', '.join(entry.name for entry in lock.chosen(name))}"
        sets += textwrap.fill(held, 100, subsequent_indent="  ", break_on_hyphens=False) + "\n"
    sys.stdout.write(f"{table(rows)}\n{sets}")


def _fetch(options: argparse.Namespace) -> int:
    """One file that cannot be had keeps nobody from the others."""
    lock, folder = published_index(), published_folder()
    entries = {entry.name: entry for name in options.names for entry in lock.chosen(name)}
    failed, lost = 0, set[str]()
    for entry in entries.values():
        log.info("%s: licence: %s", entry.name, entry.licence)
        try:
            with bar(entry.name) as progress:
                fetch(entry, folder, progress=progress, accept_new=options.accept_new, lost=lost)
        except (DownloadFailed, BadCheckpoint) as error:
            log.error("unripple: %s", error)
            failed += 1
    return FAILED if failed else 0


@contextlib.contextmanager
def bar(name: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """How far a download is: a bar on a terminal, else a line now and then, and the last one."""
    with (
        logging_redirect_tqdm(),
        tqdm(desc=name, unit="B", unit_scale=True, disable=None, leave=False) as drawn,
    ):
        said_at = -math.inf

        def show(done: int, total: int | None) -> None:
            nonlocal said_at
            drawn.total = total
            drawn.update(done - drawn.n)
            if drawn.disable and (done == total or clock() - said_at >= _LINES_S):
                drawn.n, said_at = done, clock()
                share = f" of {size_text(total)}, {100 * done // max(total, 1)}%" if total else ""
                log.info("%s: %s%s", name, size_text(done), share)

        yield show


def _add(options: argparse.Namespace) -> None:
    entry = add(
        options.file,
        published_index(),
        published_folder(),
        name=options.name,
        accept_new=options.accept_new,
    )
    log.info("%s: added from %s; licence: %s", entry.name, options.file, entry.licence)


def _card(options: argparse.Namespace) -> None:
    lock = published_index()
    name = options.name
    cards = []
    if name in lock.entries:
        rows = {row.name: row for row in published_rows(lock, published_folder())}
        cards.append(published_card(lock.entries[name], rows[name]))
    embedded = [*ROLES, *embedded_variants()]
    if name.removeprefix("embedded/") in embedded:
        terms = f"Licence: {EMBEDDED_LICENCE}. Commercial use: yes."
        cards.append(f"{_text_of(name.removeprefix('embedded/'))}\n{terms}\n")
    if name == MTCNN:
        cards.append(_text_of(MTCNN))
    if not cards:
        names = [*lock.entries, MTCNN, *(f"embedded/{one}" for one in embedded)]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
        raise UnknownName(f"no model {name!r}; {hint}")
    sys.stdout.write("\n".join(cards))


def _text_of(name: str) -> str:
    """The card of weights that come with the program."""
    path = embedded_folder() / "models" / f"{name}.md"
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadCheckpoint(f"{path}: this card cannot be read ({error.strerror})") from error
