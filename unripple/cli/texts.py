"""`unripple texts`: what can be said: words that the CLIP knows, mappers and their texts."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import textwrap
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.conventions import BadConfig
from unripple.io.outputs import check_absent
from unripple.io.photo import check_writable_name

log = logging.getLogger(__name__)

_DRAWS = ("steps", "space", "views", "templates", "every")
"""Words of a text edit that a face out of nothing takes."""


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "texts",
        help="words that the chosen CLIP knows, mappers and their texts; draw a face from a text",
        description=(
            "List what can be said: the words that the chosen CLIP was trained on, and the mappers "
            "that are here, with their texts."
        ),
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    shared.add_config(parser)
    parser.set_defaults(run=_list)
    own = parser.add_subparsers(title="commands", metavar="COMMAND")
    draw = own.add_parser(
        "draw",
        help="a face out of nothing: from the mean face on, until CLIP sees the text",
        description=(
            "Draw a face out of nothing: the mean face's codes are optimised until CLIP sees the "
            "text in their picture."
        ),
    )
    draw.add_argument("text", metavar="TEXT", help="like 'a woman with curly black hair'")
    for word in _DRAWS:
        draw.add_argument(f"--{word}", metavar=word.upper(), help=shared.ABOUT_TEXT[word])
    draw.add_argument("-o", "--out", type=Path, required=True, help="a .png, .jpg or .webp file")
    draw.add_argument("--overwrite", action="store_true", help="replace what is there")
    shared.add_config(draw)
    shared.add_device(draw)
    draw.set_defaults(run=_draw)
    convert = own.add_parser(
        "convert",
        help="a mapper of the published projects' trainings, as one of ours",
        description=(
            "Write a mapper that one of the published projects trained as one of ours: its own "
            "weights without the generator, with its texts and, for texts by number, their vectors "
            "made again. Nothing in the file is executed. Published ones are fetched instead: "
            "`unripple models fetch mappers`."
        ),
    )
    convert.add_argument("file", type=Path, metavar="FILE", help="a .pt file of a training")
    convert.add_argument(
        "--texts", type=Path, metavar="FILE", help="its texts in the order of training, name: text"
    )
    convert.add_argument(
        "--vectors",
        choices=("embedding", "clip"),
        default="embedding",
        help="of a mapper that is told a text: one for each number, or CLIP's",
    )
    convert.add_argument("--size", type=int, default=1024, help="the generator's side, px (1024)")
    convert.add_argument("-o", "--out", type=Path, required=True, help="a .safetensors file")
    convert.add_argument("--overwrite", action="store_true", help="replace what is there")
    convert.set_defaults(run=_convert)


def _list(options: argparse.Namespace) -> None:
    from unripple.runtime.texts import known_texts
    from unripple.zoo.zoo import Zoo

    config = shared.config_of(options)
    known = known_texts(Zoo(config["models"]))
    if options.json:
        sys.stdout.write(
            json.dumps(known._asdict(), indent=1, default=lambda x: x._asdict()) + "\n"
        )
        return
    sys.stdout.write(f"CLIP: {known.clip}\n")
    words = ", ".join(known.words) if known.words else "nothing is known of its words"
    sys.stdout.write(textwrap.fill(words, 96, initial_indent="  ", subsequent_indent="  ") + "\n")
    for mapper in known.mappers:
        sys.stdout.write(f"mapper {mapper.name}: {mapper.what}\n")
        for name, text in mapper.texts.items():
            sys.stdout.write(f"  {name}\t{text}\n")
    if not known.mappers:
        sys.stdout.write("mappers: none; train one, or `unripple models fetch` a published one\n")


def _draw(options: argparse.Namespace) -> None:
    from unripple.cli.meter import LossMeter
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import write_photo
    from unripple.io.text_edits import text_edit
    from unripple.runtime.editor import Editor
    from unripple.runtime.texts import draw_face

    check_writable_name(options.out)
    check_absent([options.out], overwrite=options.overwrite)
    said = {word: getattr(options, word) for word in _DRAWS}
    edit = text_edit(
        "edit", {**said, "text": options.text, "method": "optimise", "start": "mean"}, where="--"
    )
    config = shared.config_of(options)
    editor = Editor(device=options.device, settings=config)
    for warning in editor.warnings(edit):
        log.warning("%s", warning)
    picture = draw_face(editor, edit, LossMeter())
    write_photo(options.out, picture, NOTHING.of_result(marked=config["digital_source_type"]))
    sys.stdout.write(f"{options.out}\n")


def _convert(options: argparse.Namespace) -> None:
    from unripple.runtime.texts import convert_mapper, read_texts

    if options.out.suffix != ".safetensors":
        raise BadConfig(f"-o {options.out}: wanted a name that ends in .safetensors")
    check_absent([options.out], overwrite=options.overwrite)
    texts = None if options.texts is None else read_texts(options.texts)
    convert_mapper(
        options.file, options.out, texts=texts, vectors=options.vectors, size_px=options.size
    )
    sys.stdout.write(f"{options.out}\n")
