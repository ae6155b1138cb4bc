"""`unripple <command> ...`: every command is a module that registers itself.

Starting up imports no torch. Errors that users can mend are one line on stderr: exit status 2 for a
wrong command or config, 1 where a file, the network or the disk is at fault. A job that
a rule started is handed to the workflow's warm worker before anything is imported.
"""

from __future__ import annotations

import sys

from unripple.cli import warm

TYPE_CHECKING = False  # as in typing, which takes a job's command longer to import than all it does
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

COMMANDS = (
    "unripple.cli.stages",
    "unripple.cli.view",
    "unripple.cli.strip",
    "unripple.cli.sweep",
    "unripple.cli.verify",
    "unripple.cli.sheet",
    "unripple.cli.models",
    "unripple.cli.directions",
    "unripple.cli.domains",
    "unripple.cli.faceworld",
    "unripple.cli.editor",
)
"""Modules with a function `register(commands)`, in the order of `unripple --help`."""

BAD_INPUT = 2
BAD_FILE = 1


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    import importlib

    from unripple import __version__
    from unripple.cli.options import Parser

    parser = Parser(
        prog="unripple",
        description="Edit faces in photographs and leave no trace of the edit.",
    )
    parser.add_argument("--version", action="version", version=f"unripple {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        importlib.import_module(module).register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, here or in the workflow's warm worker; its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    status = warm.hand_over(words)
    return run(words) if status is None else status


def run(arguments: Sequence[str]) -> int:
    """Run one command in this process; its exit status."""
    return _told(lambda: _run(build_parser().parse_args(arguments)))


def run_parsed(options: argparse.Namespace) -> int:
    """Run one command, its words being read already; its exit status."""
    return _told(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    status: int | None = options.run(options)
    return status or 0


def _told(work: Callable[[], int]) -> int:
    """Work's exit status; what users can mend is one line."""
    import logging

    from unripple.conventions import BadCheckpoint, DownloadFailed, StoreError, UnrippleError

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s", force=True)
    try:
        return work()
    except UnrippleError as error:
        files_fault = (BadCheckpoint, DownloadFailed, StoreError)
        logging.getLogger("unripple").error("unripple: %s", error)
        return BAD_FILE if isinstance(error, files_fault) else BAD_INPUT
    except KeyboardInterrupt:
        return 130
