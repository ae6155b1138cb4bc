"""`unripple directions`: what edits there are and how far they go; find new ones; measure them."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple import atomic
from unripple.cli import options as shared
from unripple.cli.meter import LossMeter
from unripple.conventions import Floats, UnrippleError
from unripple.extras import need
from unripple.io.published_names import NAMED, Named
from unripple.pipeline.turns import CONVINCES_DEG, TOWARDS
from unripple.zoo.directions import read_directions, write_directions
from unripple.zoo.pixel_directions import pixel_directions
from unripple.zoo.zoo import SFE, Zoo, chosen_directions, directions_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unripple.io.config import Config
    from unripple.training.latent_directions import Fit, Moved
    from unripple.zoo.directions import Direction

log = logging.getLogger(__name__)

SUPERVISED, UNSUPERVISED = ("svm", "logistic"), ("ganspace", "sefa")
PHOTO_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "directions",
        help="list, find and measure latent directions",
        description="List the latent directions: name, usable degrees, what one degree does.",
    )
    shared.add_config(parser)
    parser.set_defaults(run=_list)
    own = parser.add_subparsers(title="commands", metavar="COMMAND")
    listing = own.add_parser("list", help="the same", description=parser.description)
    shared.add_config(listing)
    listing.set_defaults(run=_list)
    _add_fit(own)
    _add_measure(own)


def _add_fit(commands: Any) -> None:
    parser = commands.add_parser(
        "fit",
        help="find directions from labelled latents or photos, or without labels",
        description=(
            "Find directions and write them, with a report (.md, .json) beside. Name the file "
            "under `directions` in the config to use it. Without --latents and --photos the "
            "generator draws faces, and the attribute network labels them."
        ),
    )
    add = parser.add_argument
    add("--latents", type=Path, metavar="PATH", help="a folder of .npy files, or an .npz")
    add("--photos", type=Path, metavar="FOLDER", help="photos, which are projected first")
    add("--labels", type=Path, metavar="TABLE", help=".csv or .tsv: name, then one per attribute")
    add("--attributes", metavar="A,B,...", help="only these columns of the labels")
    add(
        "--method",
        choices=(*SUPERVISED, *UNSUPERVISED),
        default="svm",
        help="svm or logistic: boundaries of labels; ganspace: principal components of the "
        "codes; sefa: factorisation of the generator's modulations",
    )
    add("--space", choices=("w", "w+"), default="w", help="move all codes alike, or each by itself")
    add("--unconditioned", action="store_true", help="let a direction move other attributes")
    shared.add_knob(parser, "--modes", "directions.modes", "ganspace and sefa: how many")
    shared.add_knob(parser, "--samples", "directions.samples", "faces to draw")
    add("-o", "--out", type=Path, required=True, metavar="FILE", help="a .safetensors file")
    _add_measuring(parser)
    parser.set_defaults(run=_fit)


def _add_measure(commands: Any) -> None:
    parser = commands.add_parser(
        "measure",
        help="how far each direction moves its own attribute, and how little others",
        description="Measure directions by the attribute network; write FILE.md and FILE.json.",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the report")
    _add_measuring(parser)
    parser.set_defaults(run=_measure)


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    about = "faces to move; fit: 0 measures nothing"
    shared.add_knob(parser, "--faces", "directions.faces", about)
    shared.add_knob(parser, "--seed", "directions.seed", "another one draws other faces")
    shared.add_config(parser)
    shared.add_device(parser)


def _list(options: argparse.Namespace) -> None:
    config = shared.config_of(options)
    chosen = chosen_directions(config["directions"], Zoo(config["models"]))
    path = directions_path(chosen)
    _head("drawn by the generator (name, usable degrees, what one degree is, what it does):")
    for direction in read_directions(path).values():
        _write_line(direction, " (weak in this generator)" if direction.weak else "")
    for named in NAMED if chosen == SFE else ():
        _write_line(named, " (follows a text)")
    # A word may stand in both: who makes the edit, `edit.attributes` and the photo say.
    _head("the photo's own pixels; on photographs these are taken where a name stands twice:")
    for direction in pixel_directions().values():
        _write_line(direction, f" (the photo's own pixels: {direction.family})")
    _head("turns of the head:")
    for axis, most in CONVINCES_DEG.items():
        words = f"{axis}\t{-most:g} to {most:g}\tone degree\thead {TOWARDS[axis]} (a turn)"
        sys.stdout.write(words + "\n")


def _head(title: str) -> None:
    """Head the lines that follow, for people: it goes to stderr, at its place among them."""
    sys.stdout.flush()
    log.info("%s", title)


def _write_line(direction: Direction | Named, remark: str) -> None:
    usable = "unmeasured"
    if direction.usable is not None:
        usable = "{:g} to {:g}".format(*direction.usable)
    words = direction.attribute + remark
    sys.stdout.write(f"{direction.name}\t{usable}\t{direction.unit}\t{words}\n")


def _fit(options: argparse.Namespace) -> None:
    if options.out.suffix != ".safetensors":
        raise UnrippleError(f"-o {options.out}: wanted a name that ends in .safetensors")
    if options.method in SUPERVISED:
        need("sklearn", "train", f"--method {options.method}")
    config = shared.config_of(options)
    _check_outputs(options, latents=options.latents, labels=options.labels)
    zoo = Zoo(config["models"], options.device)
    fits = _found(options, config, zoo)
    _write(options, zoo, fits)


def _found(options: argparse.Namespace, config: Config, zoo: Zoo) -> list[Fit]:
    from unripple.training import latent_directions as api

    names, codes = _codes(options, config, zoo)
    log.info("%d latents of shape %s", len(codes), list(codes.shape[1:]))
    if options.method == "ganspace":
        return api.fit_modes(codes, count=options.modes, space=options.space)
    if options.method == "sefa":
        return api.fit_closed_form(zoo, codes, count=options.modes)
    return api.fit_labelled(
        codes,
        _labels(options, zoo, names, codes),
        machine=options.method,
        space=options.space,
        condition=not options.unconditioned,
    )


def _codes(options: argparse.Namespace, config: Config, zoo: Zoo) -> tuple[list[str], Floats]:
    """Names and codes [N, ...] of what the options point at."""
    import numpy as np

    from unripple.io.latents import read_latents
    from unripple.training import latent_directions as api

    if options.latents is not None and options.photos is not None:
        raise UnrippleError("--latents and --photos: give one of the two")
    if options.latents is not None:
        latents = read_latents(options.latents)
    elif options.photos is not None:
        latents = _projected(options, config)
    else:
        codes = api.sampled(zoo, options.samples, options.seed)
        return [f"sample-{i}" for i in range(len(codes))], codes
    return list(latents), np.stack(list(latents.values()))


def _projected(options: argparse.Namespace, config: Config) -> dict[str, Any]:
    """w+ of every photo of a folder; those that cannot be done are told and left out."""
    from unripple.runtime.editor import Editor

    editor = Editor(device=options.device, settings=config, on_progress=LossMeter())
    codes: dict[str, Any] = {}
    for path in sorted(options.photos.glob("*")):
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            continue
        try:
            codes[path.name] = editor.run(path, "project")["project"]["w_plus"]
        except UnrippleError as error:
            log.warning("left out: %s", error)
    if not codes:
        raise UnrippleError(f"--photos {options.photos}: no photo there that could be projected")
    return codes


def _labels(
    options: argparse.Namespace, zoo: Zoo, names: list[str], codes: Floats
) -> dict[str, Any]:
    """Attribute -> values in the order of the latents."""
    from unripple.io.latents import read_labels, values_of
    from unripple.training import latent_directions as api

    if options.labels is not None:
        table = read_labels(options.labels)
        labels_of = {attribute: values_of(labels, names) for attribute, labels in table.items()}
    elif options.latents is None and options.photos is None:
        factors = api.seen_in(zoo, codes)
        labels_of = {n: factors[:, i].astype("f8") for i, n in enumerate(api.factor_names(zoo))}
    else:
        raise UnrippleError(f"--method {options.method} needs --labels; ganspace does without")
    if options.attributes is None:
        return labels_of
    chosen = options.attributes.split(",")
    for name in chosen:
        if name not in labels_of:
            raise UnrippleError(f"--attributes: no {name!r} in the labels: {', '.join(labels_of)}")
    return {name: labels_of[name] for name in chosen}


def _write(options: argparse.Namespace, zoo: Zoo, fits: list[Fit]) -> None:
    from unripple.training import latent_directions as api

    directions = [fit.direction for fit in fits]
    moved = {}
    if options.faces:
        moved = api.measure(zoo, directions, faces=options.faces, seed=options.seed + 1)
        directions = [api.with_turn(zoo, one, moved[one.name]) for one in directions]
    write_directions(options.out, directions)
    _write_report(options.out, directions, moved, fits)


def _measure(options: argparse.Namespace) -> None:
    from unripple.training import latent_directions as api

    config = shared.config_of(options)
    zoo = Zoo(config["models"], options.device)
    path = directions_path(chosen_directions(config["directions"], zoo))
    _check_outputs(options, directions=path)
    directions = list(read_directions(path).values())
    moved = api.measure(zoo, directions, faces=max(options.faces, 1), seed=options.seed + 1)
    _write_report(options.out, directions, moved)


def _write_report(
    out: Path, directions: list[Direction], moved: dict[str, Moved], fits: Sequence[Fit] = ()
) -> None:
    from unripple.training.direction_report import report

    command = shlex.join(["unripple", *sys.argv[1:]])
    text, figures = report(directions, moved, fits, command=command)
    atomic.write_text(out.with_suffix(".md"), text)
    atomic.write_text(out.with_suffix(".json"), figures)
    sys.stdout.write(text)


def _check_outputs(options: argparse.Namespace, **read: Path | None) -> None:
    """Refuse a name with which the file or its reports would replace what is read."""
    out: Path = options.out
    for path in dict.fromkeys((out, out.with_suffix(".md"), out.with_suffix(".json"))):
        shared.check_outputs(options, {"-o": path}, (), others=read)
