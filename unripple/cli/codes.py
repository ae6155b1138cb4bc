"""`unripple codes`: codes of many photos in one file, told apart by texts or numbers, drawn.

Such files are what mappers are trained on (`python -m unripple.training mapper --codes FILE`), what
the statistics of styles are taken of (`relevance --codes FILE`), and what directions are found in
(`unripple directions fit --latents FILE`).
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.conventions import BadConfig, UnrippleError
from unripple.io.outputs import check_absent
from unripple.io.photo import PHOTO_SUFFIXES, check_writable_name

log = logging.getLogger(__name__)


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "codes",
        help="codes of many photos in one file: extract, split, draw",
        description="Codes of many photos in one file: for mappers, statistics and directions.",
    )
    own = parser.add_subparsers(required=True, metavar="extract|split|draw")
    _add_extract(own)
    _add_split(own)
    _add_draw(own)


def _add_extract(commands: Any) -> None:
    parser = commands.add_parser(
        "extract",
        help="describe all photos of a folder by codes",
        description=(
            "Describe all photos of a folder by codes, with the encoder of the config "
            "(`--set project.method=...`, `--set models.encoder=...`), and write them into one "
            "file. What an earlier run, or the workflow, has in its results is not computed again."
        ),
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    _add_out(parser, "a .safetensors file")
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    parser.set_defaults(run=_extract)


def _add_split(commands: Any) -> None:
    parser = commands.add_parser(
        "split",
        help="tell codes apart by texts, or take some by number",
        description=(
            "Tell codes apart: each goes to the text that its picture fits best, as CLIP sees it. "
            "Or take some by their numbers, from 0."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="codes; also a published .pt file")
    how = parser.add_mutually_exclusive_group(required=True)
    about = "two texts or more, like 'a photo of a woman' 'a photo of a man'"
    how.add_argument("--by", nargs="+", metavar="TEXT", help=about)
    how.add_argument("--w", metavar="N", help="numbers, like 60, or 3,5,7, or 10-19")
    _add_out(parser, "--by: a folder (default: that of FILE); --w: a .safetensors file")
    shared.add_config(parser)
    shared.add_device(parser)
    parser.set_defaults(run=_split)


def _add_draw(commands: Any) -> None:
    parser = commands.add_parser(
        "draw",
        help="draw codes of a file, and what texts make of them, side by side",
        description=(
            "Draw codes of a file by their numbers, one row each, and beside them what each text "
            "makes of the picture before it."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="codes; also a published .pt file")
    parser.add_argument("--w", metavar="N", default="0", help="numbers, like 60, or 3,5,7 (0)")
    shared.add_text(parser)
    _add_out(parser, "a .png, .jpg or .webp file", required=True)
    shared.add_config(parser)
    shared.add_device(parser)
    parser.set_defaults(run=_draw)


def _add_out(parser: argparse.ArgumentParser, about: str, *, required: bool = False) -> None:
    parser.add_argument("-o", "--out", type=Path, required=required, metavar="PATH", help=about)
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def _extract(options: argparse.Namespace) -> int:
    from unripple.cli.main import BAD_FILE
    from unripple.cli.meter import LossMeter
    from unripple.io.latents import SUFFIX
    from unripple.runtime import codes as api
    from unripple.runtime.cache import StoreCache
    from unripple.runtime.editor import Editor

    out = options.out or options.folder.resolve().with_suffix(SUFFIX)
    _check(out, options)
    photos = _photos(options.folder)
    config = shared.config_of(options)
    results = shared.results_of(options, config)
    cache = StoreCache(results.store)  # so that one that was stopped goes on
    editor = Editor(device=options.device, settings=config, cache=cache, on_progress=LossMeter())
    failed: list[Path] = []

    def tell(photo: Path, error: UnrippleError) -> None:
        failed.append(photo)
        log.error("left out: %s", error if str(photo) in str(error) else f"{photo}: {error}")

    codes = api.extracted(editor, photos, tell)
    about = api.about_codes(editor.zoo, config["project"]["method"])
    api.write_codes(out, codes, about)
    log.info("%d of %d photos described by codes %s", len(codes.names), len(photos),
             list(codes.w_plus.shape[1:]))  # fmt: skip
    sys.stdout.write(f"{out}\n")
    return BAD_FILE if failed else 0


def _photos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadConfig(f"{folder}: no such folder of photos")
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    ]
    if not found:
        raise BadConfig(
            f"{folder}: no photos in this folder; put {', '.join(PHOTO_SUFFIXES)} there"
        )
    return found


def _check(out: Path, options: argparse.Namespace) -> None:
    from unripple.io.latents import SUFFIX

    if out.suffix != SUFFIX:
        raise UnrippleError(f"-o {out}: wanted a name that ends in {SUFFIX}")
    check_absent([out], overwrite=options.overwrite)


def _split(options: argparse.Namespace) -> None:
    from unripple.runtime import codes as api
    from unripple.zoo.zoo import Zoo

    if options.by is not None and len(options.by) < 2:
        raise BadConfig("--by: wanted two texts or more, to choose between")
    codes = api.read_codes(options.file)
    if options.w is not None:
        numbers = api.numbers_of(options.w, len(codes.names))
        name = options.w.replace(" ", "").replace(",", "+")
        out = options.out or options.file.with_name(f"{options.file.stem}-{name}.safetensors")
        _check(out, options)
        api.write_codes(out, codes.some(numbers), {"numbers": numbers})
        sys.stdout.write(f"{out}\n")
        return
    folder = options.out or options.file.parent
    outs = api.file_names(folder, options.file.stem, options.by)
    check_absent(outs, overwrite=options.overwrite)
    config = shared.config_of(options)
    fits = api.likest(codes, options.by, Zoo(config["models"], options.device))
    for number, (text, out) in enumerate(zip(options.by, outs, strict=True)):
        own = [i for i, which in enumerate(fits) if which == number]
        if not own:
            log.warning("%r: no picture fits it best, so it gets no file", text)
            continue
        out.parent.mkdir(parents=True, exist_ok=True)
        api.write_codes(out, codes.some(own), {"text": text})
        log.info("%r: %d of %d", text, len(own), len(fits))
        sys.stdout.write(f"{out}\n")


def _draw(options: argparse.Namespace) -> None:
    import numpy as np

    from unripple.io.config import Edit
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import write_photo
    from unripple.runtime import codes as api
    from unripple.runtime.asked import EDIT
    from unripple.runtime.editor import Editor

    check_writable_name(options.out)
    check_absent([options.out], overwrite=options.overwrite)
    edit = shared.text_edit_of(options) or Edit(EDIT, ())
    codes = api.read_codes(options.file)
    numbers = api.numbers_of(options.w, len(codes.names))
    config = shared.config_of(options)
    editor = Editor(device=options.device, settings=config)
    for warning in editor.warnings(edit):
        log.warning("%s", warning)
    rows = [api.draw_texts(editor, codes.w_plus[number], edit) for number in numbers]
    marked = NOTHING.of_result(marked=config["digital_source_type"])
    write_photo(options.out, np.concatenate(rows), marked)
    sys.stdout.write(f"{options.out}\n")
