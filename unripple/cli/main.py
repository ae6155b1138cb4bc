"""`unripple <command> ...`: every command is a module that registers itself.

Starting up imports no torch. Errors that users can mend are one line on stderr, with an exit status
of `EXIT_STATUS`.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unripple import __version__
from unripple.conventions import (
    STAGES,
    BadCheckpoint,
    DownloadFailed,
    StoreError,
    UnrippleError,
)

if TYPE_CHECKING:
    from unripple.runtime.pool import Each

COMMANDS = {
    "commands": (
        "unripple.cli.edit",
        "unripple.cli.repair",
        "unripple.cli.strip",
        "unripple.cli.sweep",
        "unripple.cli.adapt",
        "unripple.cli.view",
        "unripple.cli.report",
        "unripple.cli.editor",
        "unripple.cli.compare",
        "unripple.cli.models",
        "unripple.cli.directions",
        "unripple.cli.texts",
        "unripple.cli.codes",
        "unripple.cli.domains",
    ),
    "around the workflow": (
        "unripple.cli.stages",
        "unripple.cli.sheet",
        "unripple.cli.verify",
        "unripple.cli.faceworld",
        "unripple.cli.completion",
    ),
}
"""Modules with a function `register(commands)`, in the order of `unripple --help`."""

EXIT_STATUS = """\
exit status:
    0    all was done
    1    a file, the network or the disk is at fault, or some of several photos failed
    2    the command line or the config is at fault, or the only photo
    130  interrupted"""

BAD_INPUT = 2
BAD_FILE = 1


def build_parser(only: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The whole command line.

    Args:
        only: the one command that it shall know, since all others take as long as a small edit, and
            after `stage` the one stage: a worker of the workflow reads dozens of such commands.
    """
    from unripple.cli.options import CommandParser

    parser = CommandParser(
        prog="unripple",
        description="Edit faces in photographs and leave no trace of the edit.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="unripple [-h] [--version] COMMAND ...",
    )
    parser.add_argument("--version", action="version", version=f"unripple {__version__}")
    # argparse knows no groups of commands: they are listed below, and not as it would.
    commands: Any = parser.add_subparsers(
        prog="unripple", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    parts = []
    for title, modules in COMMANDS.items():
        before = len(commands._choices_actions)
        for module in set(modules) & {_module_of(only[0])} if only else modules:
            importlib.import_module(module).register(commands, *only[1:])
        listed = commands._choices_actions[before:]
        lines = [f"    {command.dest:<12}{command.help}" for command in listed]
        parts.append("\n".join([f"{title}:", *lines]))
    parser.epilog = "\n\n".join([*parts, EXIT_STATUS])
    return parser


def _module_of(command: str) -> str:
    """The module of a command; of a stage's, too."""
    return "unripple.cli.stages" if command == "stage" else f"unripple.cli.{command}"


def _command_of(words: Sequence[str]) -> Sequence[str]:
    """The command that some words call, with its stage if it has one, or nothing: the whole command
    line has to answer them."""
    command = words[0] if words else ""
    if _module_of(command) not in itertools.chain.from_iterable(COMMANDS.values()):
        return ()
    return words[:2] if command == "stage" and words[1:2] and words[1] in STAGES else words[:1]


def main(arguments: Sequence[str] | None = None, each: Each | None = None) -> int:
    """Run one command; its exit status.

    Args:
        arguments: its words, by default those of this process.
        each: how to go through a shard's photos, in a worker process that is watched; without one,
            the command starts such a worker itself.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s", force=True)
    try:
        words = sys.argv[1:] if arguments is None else arguments
        options = build_parser(_command_of(words)).parse_args(words)
        options.each = each
        status: int | None = options.run(options)
        return status or 0
    except UnrippleError as error:
        files_fault = (BadCheckpoint, DownloadFailed, StoreError)
        logging.getLogger("unripple").error("unripple: %s", error)
        return BAD_FILE if isinstance(error, files_fault) else BAD_INPUT
    except KeyboardInterrupt:
        return 130


def run_in_worker(folder: str, arguments: Sequence[str], each: Each) -> int:
    """Run one of the many commands of a worker process, and leave nothing of it behind.

    Args:
        folder: where.
        arguments, each: see `main`.

    Returns:
        Its exit status.
    """
    os.chdir(folder)
    try:
        return main(arguments, each)
    except SystemExit as end:  # a wrong command line
        return end.code if isinstance(end.code, int) else 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        for handler in logging.getLogger().handlers[:]:
            logging.getLogger().removeHandler(handler)
            handler.close()
