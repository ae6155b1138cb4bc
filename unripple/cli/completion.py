"""`unripple completion bash`: what a shell needs to complete commands, options and files by TAB."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")

ABOUT = """\
Print a script that lets your shell complete commands, options and file names by TAB.

    unripple completion bash > ~/.local/share/bash-completion/completions/unripple
    unripple completion zsh > ~/.zfunc/_unripple      # a folder of your fpath"""


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "completion",
        help="print a script for completion by TAB: bash, zsh or tcsh",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(run=_print)


def _print(options: argparse.Namespace) -> None:
    import shtab

    from unripple.cli.main import build_parser

    parser = build_parser()
    for action in _actions(parser):
        if action.help is argparse.SUPPRESS and action.choices:
            action.help = ""  # the list of commands, which `--help` shows in its own way
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    sys.stdout.write(shtab.complete(parser, options.shell) + "\n")


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of all commands below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
