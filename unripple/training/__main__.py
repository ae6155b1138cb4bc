"""`python -m unripple.training <net>`: train one net, or render data to train on."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys

import torch

from unripple.conventions import UnrippleError
from unripple.extras import need
from unripple.io.lock import claimed
from unripple.paths import is_clone
from unripple.training import cards, checkpoint, loop, options
from unripple.training.schedule import Budget

NETS = (
    "generator",
    "e4e",
    "flow",
    "hfgi",
    "hyperstyle",
    "domain",
    "sfe",
    "parser",
    "depth",
    "inpainter",
    "landmarks",
    "pose",
    "attributes",
    "identity",
    "clip",
    "clip_synonyms",
    "relevance",
    "mapper",
    "mean_head",
    "shapes",
    "colours",
    "details",
    "directions",
    "translations",
)
"""Modules of this package. Each has `add_arguments(parser)` and `build(options) -> Task`,
or, where there is no loop, `add_arguments(parser)` and `main(options) -> int`."""

ALIASES = {"motion": "flow"}
"""Earlier names of trainings, which go on working."""

_PACKAGES = {
    "open_clip": ("clip", "clip_synonyms", "relevance", "mapper"),
    "sklearn": ("directions",),
}
"""Packages that the default install leaves out, and the trainings that need them."""

_NEEDS_CLONE = (
    "training is meant for a clone of the repository, whose folders data/models and runs it takes "
    "by default; this is an installed package\n"
)


def parser_for(name: str) -> argparse.ArgumentParser:
    """The command line of one training."""
    for package, trainings in _PACKAGES.items():
        if name in trainings:
            need(package, "train", f"training {name}")
    module = importlib.import_module(f"unripple.training.{ALIASES.get(name, name)}")
    parser = argparse.ArgumentParser(
        prog=f"python -m unripple.training {name}",
        description=(module.__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    if hasattr(module, "build"):
        options.add_common(parser, name)
    module.add_arguments(parser)
    parser.set_defaults(module=module)
    return parser


def train(chosen: argparse.Namespace) -> int:
    """Build the task, run it, export it. Exit status 143 when a signal ended it early.

    Raises:
        StoreError: another process trains in that folder.
    """
    task: loop.Task = chosen.module.build(chosen)
    if chosen.init is not None:
        task.start_from(chosen.init)
    if chosen.export == "now":
        clock = checkpoint.restore(chosen.out / checkpoint.NAME, task, torch.Generator())
        task.progress = 1.0
    else:
        with claimed(chosen.out):
            clock, finished = loop.fit(
                task,
                chosen.out,
                budget=Budget(chosen.steps, chosen.minutes),
                seed=chosen.seed,
                resume=chosen.resume == "automatic",
                save_minutes=chosen.save_minutes,
                validate_minutes=chosen.validate_minutes,
                compute=chosen.precision,
            )
        if not finished:
            return 143
    if chosen.export != "never":
        chosen.models.mkdir(parents=True, exist_ok=True)
        weights, *_ = task.export(chosen.models)
        cards.write(weights, task, clock, chosen)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Entry point; exit status 2 for wrong use or a fault that the user can mend."""
    words = sys.argv[1:] if arguments is None else arguments
    nets = ("data", *NETS)
    if not words or words[0] not in (*nets, *ALIASES):
        sys.stderr.write(f"usage: python -m unripple.training {{{','.join(nets)}}} [--help]\n")
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        chosen = parser_for(words[0]).parse_args(words[1:])
        if hasattr(chosen.module, "build"):
            return train(chosen)
        return int(chosen.module.main(chosen))
    except UnrippleError as error:
        sys.stderr.write(f"{error}\n{'' if is_clone() else _NEEDS_CLONE}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
