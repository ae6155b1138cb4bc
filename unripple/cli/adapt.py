"""`unripple adapt PHOTO... --to DOMAIN`: a face as another generator's domain would have it."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.cli import options as shared
from unripple.cli.each import write_each
from unripple.conventions import UnrippleError
from unripple.io.photo import PHOTO_SUFFIXES

if TYPE_CHECKING:
    from unripple.io.results import Results
    from unripple.runtime.adapt import Adapted, Domain
    from unripple.runtime.compute import Source
    from unripple.runtime.editor import Editor

log = logging.getLogger(__name__)

FIRST_LAYER = 14
NOISES = ("random", "stored", "none")


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "adapt",
        help="a face drawn by a generator of another domain (ink, Toonify, Pixar, ...)",
        description=(
            "Find how HyperStyle tunes the generator to a photo, tune a generator of another "
            "domain in the same way, let it draw the photo's codes, and print the files' names. A "
            "photo that fails is told, and the others are finished."
        ),
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photo ids, or files")
    parser.add_argument(
        "--to",
        required=True,
        metavar="DOMAIN",
        help="ink, or the name of a published generator that was fetched (toonify, pixar, "
        "sketch, disney_princess), or a file",
    )
    parser.add_argument(
        "--codes",
        metavar="METHOD",
        help="the way to the codes that are drawn, as project.method (default: restyle where "
        "models has one, else the config's)",
    )
    parser.add_argument(
        "--first-layer",
        type=int,
        default=FIRST_LAYER,
        metavar="N",
        help="take the offsets from this layer on, in the order of styles; 0: all (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--noise", choices=NOISES, default=NOISES[0], help="of the generator (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random noise (%(default)s)")
    parser.add_argument(
        "--beside", action="store_true", help="photo, inversion and result side by side"
    )
    about = "a picture file; for several photos a folder (default: results/adapt)"
    parser.add_argument("-o", "--out", type=Path, help=about)
    shared.add_overwrite(
        parser,
        "let -o be the photo itself, or replace what an earlier call left in the folder",
    )
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_adapt)


def _adapt(options: argparse.Namespace) -> int:
    from unripple.io.places import sheet_to_read
    from unripple.runtime.adapt import Domain, generator_of, settings_of
    from unripple.runtime.cache import LayeredCache, MemoryCache
    from unripple.runtime.editor import Editor
    from unripple.runtime.subject import find_source

    domain = Domain(
        generator=options.to,
        codes=options.codes,
        first_layer=options.first_layer,
        noise=options.noise,
        seed=options.seed,
    )
    config = settings_of(shared.config_of(options))
    results = shared.results_of(options, config)
    sheet = sheet_to_read(results.root)
    found = [find_source(word, config, sheet) for word in options.photos]
    sources = {source.path.resolve(): source for source in found}
    outs = _names(options, sources, results, sheet)
    for out in outs.values():
        shared.check_outputs(options, {"-o": out}, [s.path for s in sources.values()], config)
    shared.start_log(options)
    cache = LayeredCache(results.store, MemoryCache())
    editor = Editor(device=options.device, settings=config, cache=cache)
    generator_of(editor.zoo, domain.generator)  # what is wrong with it is told before the work

    def write(source: Source, out: Path) -> None:
        _write(editor, source, domain, out, beside=options.beside)

    return write_each(sources, outs, write)


def _names(
    options: argparse.Namespace, sources: Mapping[Path, Source], results: Results, sheet: Path
) -> dict[Path, Path]:
    """The file for each photo, by the photo's file.

    Raises:
        UnrippleError: one file for several photos, an ending that cannot be written, or a file of
            the user's folder that is there already.
    """
    from unripple.io.outputs import check_absent, check_distinct
    from unripple.io.photo import check_writable_name
    from unripple.runtime.subject import file_stem

    out: Path = options.out or results.root / "adapt"
    if out.suffix.lower() in PHOTO_SUFFIXES and not out.is_dir():
        check_writable_name(out)
        if len(sources) > 1:
            raise UnrippleError(f"{out}: one file for {len(sources)} photos; name a folder")
        return dict.fromkeys(sources, out)
    ids = [source.photo.casefold() for source in sources.values()]
    names = {}
    for path, source in sources.items():
        is_own_id = options.out is not None and ids.count(source.photo.casefold()) == 1
        stem = source.photo if is_own_id else file_stem(source, sheet)
        names[path] = out / f"{stem}.{Path(options.to).stem}.png"
    check_distinct((str(sources[path].path), name) for path, name in names.items())
    if options.out is not None:
        check_absent(names.values(), overwrite=options.overwrite)
    return names


def _write(editor: Editor, source: Source, domain: Domain, out: Path, *, beside: bool) -> None:
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import write_photo
    from unripple.runtime.adapt import adapt

    adapted = adapt(editor, source, domain)
    picture = _side_by_side(adapted) if beside else adapted.picture
    marked = editor.config["digital_source_type"]
    write_photo(out, picture, NOTHING.of_result(marked=marked))


def _side_by_side(adapted: Adapted) -> Any:
    import numpy as np

    from unripple.runtime.view import thumbnail

    height = min(len(picture) for picture in adapted)
    return np.concatenate([thumbnail(picture, height) for picture in adapted], axis=1)
