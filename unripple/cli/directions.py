"""`unripple directions`: what edits there are, and how far they go."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from unripple.cli import options as shared
from unripple.zoo.directions import read_directions
from unripple.zoo.zoo import Zoo, chosen_directions, directions_path


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "directions",
        help="list the directions with their usable degrees",
        description="List the latent directions: name, usable degrees, what one degree does.",
    )
    shared.add_config(parser)
    parser.set_defaults(run=_directions)


def _directions(options: argparse.Namespace) -> None:
    config = shared.config_of(options)
    path = directions_path(chosen_directions(config["directions"], Zoo(config["models"])))
    for direction in read_directions(path).values():
        usable = "unmeasured"
        if direction.usable is not None:
            usable = "{:g} to {:g}".format(*direction.usable)
        words = direction.attribute + (" (weak in this generator)" if direction.weak else "")
        sys.stdout.write(f"{direction.name}\t{usable}\t{direction.unit}\t{words}\n")
