"""`unripple sweep PHOTO... DIRECTION LOW HIGH`: an edit over its range, as an animation.

`unripple sweep PHOTO --to PHOTO` goes from one person to another.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.cli import options as shared
from unripple.cli.each import write_each
from unripple.conventions import UnrippleError
from unripple.io.text_edits import with_strength

if TYPE_CHECKING:
    from unripple.conventions import Photo
    from unripple.io.config import Config, Edit
    from unripple.io.results import Results
    from unripple.runtime.compute import Source
    from unripple.runtime.editor import Editor

log = logging.getLogger(__name__)

ENDS = ("low", "high")
_KEPT = 32  # artifacts of one photo that its frames share, and a frame's own, with room to spare


class _To(shared.Once):
    """`--to` says where an animation ends, so that no degrees have to."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        super().__call__(parser, namespace, values, option_string)
        for action in parser._actions:
            if action.dest in ENDS:
                action.required = False


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sweep",
        help="an edit over its range, as an animation (GIF, WebP, MP4)",
        description=(
            "Write one animation per photo, of an edit that goes from one degree to another, or of "
            "a text from one strength to another, and print the files' names. A photo that fails "
            "is told, and the others are finished. With --to the animation goes from the crop of "
            "one photo to that of another."
        ),
    )
    # One list: with --text no direction ends it, and with --to nothing does.
    parser.usage = (
        "unripple sweep PHOTO... (DIRECTION | --text WORDS) LOW HIGH [options]\n"
        "       unripple sweep PHOTO --to PHOTO [options]"
    )
    about = "photo ids, or files; then a direction, see `unripple directions`, or --text"
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help=about)
    for end in ENDS:
        parser.add_argument(end, type=shared.read_knob("degree", end.upper()), help="degree")
    about = "go to another photo, in codes and offsets of weights, instead of along an edit"
    parser.add_argument("--to", action=_To, metavar="PHOTO", help=about)
    shared.add_text(parser)
    shared.add_knob(parser, "--frames", "sweep.frames", "how many")
    shared.add_knob(parser, "--fps", "sweep.fps", "frames per second")
    parser.add_argument("--back", action="store_true", help="go there and back")
    parser.add_argument("--crop", action="store_true", help="the aligned crop alone")
    shared.add_knob(
        parser,
        "--height",
        "sweep.height_px",
        "shrink taller pictures to this height",
        metavar="PX",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        help="a .gif, .webp (lossless) or .mp4 file; for several photos, or without an ending, a "
        "folder (default: results/sweep)",
    )
    parser.add_argument(
        "--format", choices=("gif", "webp", "mp4"), help="for a folder (default: webp)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="let -o be the photo itself, or replace what an earlier sweep left in the folder",
    )
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_sweep)


def _sweep(options: argparse.Namespace) -> int:
    from unripple.io.places import sheet_to_read
    from unripple.runtime.cache import LayeredCache, MemoryCache
    from unripple.runtime.editor import Editor
    from unripple.runtime.subject import find_source

    config = shared.config_of(options)
    if options.to is not None:
        return _sweep_to(options, config)
    edit_at = _edit_at(options)
    results = shared.results_of(options, config)
    sheet = sheet_to_read(results.root)
    sources = _once_each([find_source(word, config, sheet) for word in options.photos])
    outs = _names(options, sources, results, sheet)
    for out in outs.values():
        shared.check_outputs(options, {"-o": out}, [s.path for s in sources.values()], config)
        _check_free(out, options)
    shared.start_log(options)
    cache = LayeredCache(results.store, MemoryCache(_KEPT))
    editor = Editor(device=options.device, settings=config, cache=cache)
    told: set[str] = set()
    for degree in sorted({options.low, options.high}):
        for warning in editor.warnings(edit_at(degree)):
            if warning not in told:  # that of a text is every strength's
                told.add(warning)
                log.warning("%s", warning)

    def write(source: Source, out: Path) -> None:
        _write(editor, source, edit_at, options, out)

    return write_each(sources, outs, write)


def _sweep_to(options: argparse.Namespace, config: Config) -> int:
    """From one photo to another.

    Raises:
        UnrippleError: more or less than one photo, or words that say how far an edit goes.
    """
    from unripple.io.places import sheet_to_read
    from unripple.runtime.between import between, shares_between
    from unripple.runtime.cache import LayeredCache, MemoryCache
    from unripple.runtime.editor import Editor
    from unripple.runtime.subject import file_stem, find_source

    if shared.text_edit_of(options) is not None:
        raise UnrippleError("--to: goes to another photo, and --text to what words say; drop one")
    if len(options.photos) != 1 or options.low is not None:
        said = [*options.photos, options.low, options.high]
        found = " ".join(str(word) for word in said if word is not None)
        raise UnrippleError(
            f"--to: goes from one photo, found {found}; name one photo before it, and neither "
            "direction nor degrees"
        )
    results = shared.results_of(options, config)
    sheet = sheet_to_read(results.root)
    one, other = (find_source(word, config, sheet) for word in (options.photos[0], options.to))
    options.direction = f"to.{file_stem(other, sheet)}"
    (out,) = _names(options, {one.path: one}, results, sheet).values()
    shared.check_outputs(options, {"-o": out}, [one.path, other.path], config)
    _check_free(out, options)
    shared.start_log(options)
    cache = LayeredCache(results.store, MemoryCache(_KEPT))
    editor = Editor(device=options.device, settings=config, cache=cache)
    shares = shares_between(options.frames)
    frames = between(editor, one, other, shares)
    words = f"{one.photo} to {other.photo}"
    _write_film(editor, frames, len(shares), words, options, out)
    sys.stdout.write(f"{out}\n")
    return 0


def _edit_at(options: argparse.Namespace) -> Callable[[float], Edit]:
    """The edit at a degree, or of a text at a strength. It takes the direction off the photos.

    Raises:
        UnrippleError: a direction and a text are named, or neither.
        BadText, BadConfig: see `io.text_edits`.
    """
    from unripple.io.published_names import edit_of_moves

    if options.strength is not None:
        raise UnrippleError("--strength: LOW and HIGH say it")
    said = shared.text_edit_of(options)
    if said is not None:
        options.direction = shared.in_names(options.text)
        return partial(with_strength, said)
    if len(options.photos) < 2:
        raise UnrippleError("sweep: name a photo and a direction, or say a --text")
    *options.photos, options.direction = options.photos
    return lambda degree: edit_of_moves("edit", {options.direction: degree})


def _once_each(sources: list[Source]) -> dict[Path, Source]:
    """The photos by their files, however often each was named."""
    by_file: dict[Path, Source] = {}
    for source in sources:
        by_file.setdefault(source.path.resolve(), source)
    return by_file


def _names(
    options: argparse.Namespace, sources: Mapping[Path, Source], results: Results, sheet: Path
) -> dict[Path, Path]:
    """The file for each photo, by the photo's file.

    Raises:
        UnrippleError: one file for several photos, an ending that cannot be written, or --format
            beside a file.
    """
    from unripple.io.animation import check_animation_name
    from unripple.io.outputs import check_distinct
    from unripple.runtime.subject import file_stem

    out: Path = options.out or results.root / "sweep"
    if out.suffix and not out.is_dir():
        check_animation_name(out)
        if len(sources) > 1:
            raise UnrippleError(f"{out}: one file for {len(sources)} photos; name a folder")
        if options.format is not None:
            raise UnrippleError(f"--format {options.format}: the ending of {out} says it already")
        return dict.fromkeys(sources, out)
    ending = options.format or "webp"
    ids = [source.photo.casefold() for source in sources.values()]
    names = {}
    for path, source in sources.items():
        is_own_id = options.out is not None and ids.count(source.photo.casefold()) == 1
        stem = source.photo if is_own_id else file_stem(source, sheet)
        names[path] = out / f"{stem}.{options.direction}.{ending}"
    check_distinct((str(sources[path].path), name) for path, name in names.items())
    return names


def _check_free(film: Path, options: argparse.Namespace) -> None:
    """Refuse to write over a film of the user's folder: it may be of another photo of that name.

    A file that -o names itself is replaced, and so is what lies in the results.

    Raises:
        UnrippleError: the file is there, and nobody said --overwrite.
    """
    named_by_stem = options.out is not None and film != options.out
    if named_by_stem and not options.overwrite and film.exists():
        raise UnrippleError(
            f"-o {options.out}: {film} is there already, maybe of another photo of that name; "
            "choose another folder, or add --overwrite to lose it"
        )


def _write(
    editor: Editor,
    source: Source,
    edit_at: Callable[[float], Edit],
    options: argparse.Namespace,
    out: Path,
) -> None:
    from unripple.runtime.sweep import degrees_between, sweep

    degrees = degrees_between(options.low, options.high, options.frames)
    frames = sweep(editor, source, edit_at, degrees, crop=options.crop)
    _write_film(editor, frames, len(degrees), source.photo, options, out)


def _write_film(
    editor: Editor,
    frames: Iterable[Photo],
    count: int,
    words: str,
    options: argparse.Namespace,
    out: Path,
) -> None:
    from unripple import atomic
    from unripple.io.animation import encode_animation
    from unripple.runtime.sweep import there_and_back
    from unripple.runtime.view import thumbnail

    shown = []
    for number, frame in enumerate(frames, start=1):
        shown.append(thumbnail(frame, options.height))
        log.info("%s: frame %d/%d", words, number, count)
    if options.back:
        shown = there_and_back(shown)
    marked = editor.config["digital_source_type"]
    atomic.write_bytes(out, encode_animation(shown, out.suffix, fps=options.fps, marked=marked))
