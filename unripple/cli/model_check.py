"""`unripple models check`: whether networks see and draw what nobody doubts, and what is amiss."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.cli import options as shared
from unripple.conventions import BadCheckpoint, UnknownName
from unripple.zoo.zoo import BASE, EMBEDDED, Zoo, published_index

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

FAILED = 1


def register(actions: Any) -> None:
    """Add the command to those of `unripple models`."""
    what = "ask networks what can be judged without truth, and say what would explain a bad answer"
    parser = actions.add_parser(
        "check",
        help=what,
        description=(
            f"{what[0].upper()}{what[1:]}: another order of colours, range or size. Prints a line "
            "per network and, with -o, keeps what each drew or looked at. Exit status 1 if one of "
            "them is wrong."
        ),
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="SET|NAME|ROLE",
        help=(
            "as `models list` shows them, or a role (default: all sets of which something was "
            "fetched, or else the embedded one)"
        ),
    )
    parser.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="for the pictures")
    shared.add_device(parser)
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import write_photo
    from unripple.runtime.model_check import check_zoo

    wrong = asked = 0
    seen: set[tuple[str, Path]] = set()
    for name, zoo, roles in _sets(options.names, options.device):
        log.info("%s:", name)
        for outcome in check_zoo(zoo, roles, but=seen):
            asked += 1
            wrong += not outcome.passed
            sys.stdout.write(f"{outcome.line()}\n")
            sys.stdout.flush()
            if options.out is not None:
                path = options.out / name / f"{outcome.role.replace(' ', '-')}.png"
                write_photo(path, outcome.picture, NOTHING.of_result(marked=True))
    if not asked:
        raise BadCheckpoint(
            f"{', '.join(options.names)}: nothing of it is here that could be asked; run `unripple "
            "models fetch` first, or `unripple models check embedded`"
        )
    log.info("%d asked, %d wrong", asked, wrong)
    return FAILED if wrong else 0


def _sets(names: Sequence[str], device: str) -> Iterator[tuple[str, Zoo, tuple[str, ...]]]:
    """The sets that are meant, each with the roles to ask about; none are all.

    Raises:
        UnknownName: no set and no published file is called so.
    """
    from unripple.runtime.model_check import QUESTIONS

    lock = published_index()
    for name in names or _fetched() or (EMBEDDED,):
        if name in QUESTIONS:
            for home in _fetched() or (EMBEDDED,):
                yield home, Zoo(home, device), (name,)
            continue
        if name == EMBEDDED or name in lock.sets:
            yield name, Zoo(name, device), ()
            continue
        if name not in lock.entries:
            lock.chosen(name)  # says the nearest name
            raise UnknownName(f"{name!r} is a group; name a set or one of its files")
        roles = tuple(lock.entries[name].networks)
        home = next((one for one, held in lock.sets.items() if name in held.values()), EMBEDDED)
        yield name, Zoo({BASE: home, **dict.fromkeys(roles, name)}, device), roles


def _fetched() -> list[str]:
    """The sets of which a network is on this machine."""
    from unripple.runtime.model_check import QUESTIONS, is_here

    sets = published_index().sets
    zoos = {name: Zoo(name) for name in sets}
    return [
        name
        for name, held in sets.items()
        if any(role in QUESTIONS and is_here(zoos[name], role) for role in held)
    ]
