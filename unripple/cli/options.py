"""Options that several commands share."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from unripple.conventions import UnrippleError
from unripple.io.config import Config, Edit, edits, find_edit, library, read_config
from unripple.io.results import Results

DEVICE_VARIABLE = "UNRIPPLE_DEVICE"


def add_config(parser: argparse.ArgumentParser) -> None:
    """--config and --set."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config.yaml"),
        metavar="FILE",
        help="the config (default: config.yaml; without one, the program's defaults)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one key of the config, like inpaint.grow_px=5; may be repeated",
    )


def config_of(options: argparse.Namespace) -> Config:
    """The config that the options ask for."""
    if options.config == Path("config.yaml") and not options.config.exists():
        return read_config(Path(os.devnull), options.set)
    return read_config(options.config, options.set)


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device."""
    parser.add_argument(
        "--device",
        default=os.environ.get(DEVICE_VARIABLE, "cpu"),
        help=(
            "where networks run: cpu, cuda, auto, or gpu:0,1 for a free one of these GPUs "
            f"(default: ${DEVICE_VARIABLE} or cpu)"
        ),
    )


def add_results(parser: argparse.ArgumentParser) -> None:
    """--results."""
    parser.add_argument(
        "--results",
        type=lambda text: Results(Path(text)),
        default=Results(),
        metavar="FOLDER",
        help="the results folder (default: results)",
    )


def add_log(parser: argparse.ArgumentParser) -> None:
    """--log."""
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write the messages to this file, too"
    )


def start_log(options: argparse.Namespace) -> None:
    """Open the file of --log."""
    if options.log is not None:
        options.log.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(options.log, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logging.getLogger().addHandler(handler)


def edit_of(words: list[str], config: Config) -> Edit:
    """An edit from the command line: the name of one in the config or of a translation, or
    `direction=degree` words.

    Raises:
        UnrippleError: a word is neither.
    """
    if len(words) == 1 and "=" not in words[0]:
        if words[0] in library(config).edits() and all(e.name != words[0] for e in edits(config)):
            return Edit(words[0], (), words[0])
        return find_edit(config, words[0])
    moves: dict[str, float] = {}
    for word in words:
        name, _, degree = word.partition("=")
        try:
            moves[name] = float(degree)
        except ValueError as error:
            raise UnrippleError(
                f"--edit {word!r}: wanted direction=degree, like pose=-3"
            ) from error
    return Edit("edit", tuple(sorted(moves.items())))
