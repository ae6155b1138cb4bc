"""`unripple compare` and `unripple edit-fid`: how good results are, by the field's own metrics."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.cli import options as shared
from unripple.cli.meter import CountMeter
from unripple.conventions import UnrippleError

if TYPE_CHECKING:
    from unripple.runtime.compare import Compared

METRICS = ("l2", "lpips", "id", "id_vit", "msssim", "fid", "kid", "psnr")
"""Their names, so that the command line needs no torch to list them; a test compares."""
DEFINITIONS = ("sfe", "hyperstyle")
_OVERWRITE = "--overwrite"


def register(commands: Any) -> None:
    """Add both commands."""
    _register_compare(commands)
    _register_edit_fid(commands)


def _register_compare(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare a folder of results with the originals: LPIPS, identity, FID, ...",
        description=(
            "Compare pictures of RESULTS with those of the same name (without suffix) in "
            "ORIGINALS, write <metric>.json with a value per picture, mean and standard deviation, "
            "and print the means. With --definition hyperstyle, a folder of the steps 0, 1, ... is "
            "compared step by step."
        ),
    )
    parser.add_argument("originals", type=Path, metavar="ORIGINALS", help="folder of pictures")
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="folder of what became of them"
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        choices=METRICS,
        default=["l2", "psnr", "msssim"],
        metavar="METRIC",
        help=f"{' | '.join(METRICS)} (default: l2 psnr msssim, which need no network)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the <metric>.json"
    )
    parser.add_argument(
        "--definition",
        choices=DEFINITIONS,
        default=DEFINITIONS[0],
        help="whose MS-SSIM: at 1024 px by piq (sfe), or at 256 px (default: sfe)",
    )
    _add_shared(parser, "results")
    parser.add_argument(
        _OVERWRITE, action="store_true", help="replace figures that are there already"
    )
    parser.set_defaults(run=_compare)


def _register_edit_fid(commands: Any) -> None:
    parser = commands.add_parser(
        "edit-fid",
        help="FID between real pictures with an attribute and pictures edited to have it",
        description=(
            "Print the FID between those pictures of REAL that have an attribute, and those of "
            "EDITED whose originals in REAL lack it."
        ),
    )
    parser.add_argument("real", type=Path, metavar="REAL", help="folder of the originals")
    parser.add_argument("edited", type=Path, metavar="EDITED", help="folder of the edited pictures")
    parser.add_argument(
        "--attribute", required=True, metavar="NAME", help="as the table calls it: Smiling"
    )
    parser.add_argument("--reversed", action="store_true", help="the edit takes the attribute away")
    parser.add_argument(
        "--table",
        type=Path,
        required=True,
        metavar="FILE",
        help="CelebAMask-HQ-attribute-anno.txt, or the folder `truth` of rendered photos",
    )
    _add_shared(parser, "edited pictures")
    parser.set_defaults(run=_edit_fid)


def _add_shared(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--part",
        metavar="PART",
        help=f"the {what} are called NAME.PART.SUFFIX, as in results/paste/EDIT: --part picture",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="ROLE=FILE",
        help="another network than the definition's: identity=embedded, lpips_trunk=vgg16; may be "
        "repeated",
    )
    shared.add_device(parser)


def _compare(options: argparse.Namespace) -> None:
    from unripple.io.pairs import steps_in
    from unripple.runtime.compare import compare
    from unripple.runtime.compare.folders import files_of, write

    steps: Mapping[str, Path] = {}
    if options.definition == "hyperstyle" and options.results.is_dir():
        steps = steps_in(options.results)
    places = {step: options.out / step for step in steps} or {"": options.out}
    for place in places.values():
        _check_free(files_of(options.metrics, place).values(), overwrite=options.overwrite)
    for step, place in places.items():
        figures = compare(
            options.originals,
            options.results / step,
            options.metrics,
            definition=options.definition,
            models=_models(options.model),
            device=options.device,
            part=options.part,
            on_progress=CountMeter(),
        )
        write(figures, place)
        sys.stdout.write(_table(figures, step))


def _check_free(files: Any, *, overwrite: bool) -> None:
    there = [path for path in files if path.exists()]
    if there and not overwrite:
        raise UnrippleError(
            f"{there[0]}: there is one already; choose another --out, or add {_OVERWRITE} to "
            "lose it"
        )


def _table(found: Mapping[str, Compared], step: str) -> str:
    """A line per metric: name, mean, deviation, number of pictures."""
    lines = []
    for name, one in found.items():
        spread = "" if math.isnan(one.std) else f" +- {one.std:.6g}"
        undefined = one.count - len(one.defined) if one.values else 0
        left_out = f", {undefined} undefined" if undefined else ""
        words = [step, name] if step else [name]
        lines.append(f"{' '.join(words)} {one.mean:.6g}{spread} ({one.count} pictures{left_out})\n")
    return "".join(lines)


def _edit_fid(options: argparse.Namespace) -> None:
    from unripple.runtime.compare import edit_fid

    fid = edit_fid(
        options.real,
        options.edited,
        options.attribute,
        options.table,
        reverse=options.reversed,
        models=_models(options.model),
        device=options.device,
        part=options.part,
        on_progress=CountMeter(),
    )
    sys.stdout.write(f"{fid.attribute} {fid.value:.6g} ({fid.real} real, {fid.edited} edited)\n")


def _models(words: list[str]) -> dict[str, str]:
    models: dict[str, str] = {}
    for word in words:
        role, equals, choice = word.partition("=")
        if not (role and equals and choice):
            raise UnrippleError(f"--model {word!r}: wanted ROLE=FILE, like identity=embedded")
        if role in models:
            raise UnrippleError(f"--model: {role} is given twice; keep one")
        models[role] = choice
    return models
