"""`unripple sweep PHOTO... DIRECTION LOW HIGH`: an edit over its range, as an animation."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.cli import options as shared
from unripple.conventions import UnrippleError

if TYPE_CHECKING:
    from unripple.api.advance import Source
    from unripple.api.editor import Editor

log = logging.getLogger(__name__)

_KEPT = 32  # artifacts of one photo that its frames share, and a frame's own, with room to spare
FASTEST_FPS = 50.0  # GIF knows no faster one
MOST_FRAMES = 1000


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sweep",
        help="an edit over its range, as an animation (GIF, WebP, MP4)",
        description=(
            "Write one animation per photo, of an edit that goes from one degree to another, and "
            "print the files' names. A photo that fails is told, and the others are finished."
        ),
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photo ids, or files")
    parser.add_argument("direction", help="see `unripple directions`")
    parser.add_argument("low", type=float)
    parser.add_argument("high", type=float)
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--fps", type=float, default=12.5, help="frames per second (default: 12.5)")
    parser.add_argument("--back", action="store_true", help="go there and back")
    parser.add_argument("--crop", action="store_true", help="the aligned crop alone")
    parser.add_argument(
        "--height",
        type=int,
        default=720,
        metavar="PX",
        help="shrink taller pictures to this height (default: 720)",
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
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.set_defaults(run=_sweep)


def _sweep(options: argparse.Namespace) -> int:
    from unripple.api.editor import Editor
    from unripple.api.shard import costs_one_photo
    from unripple.api.shelf import LayeredShelf, MemoryShelf
    from unripple.api.subject import find_source
    from unripple.cli.main import BAD_INPUT
    from unripple.io.config import Edit

    shared.start_log(options)
    _check(options)
    config = shared.config_of(options)
    sources = {source.photo: source for source in (find_source(w, config) for w in options.photos)}
    outs = _names(options, list(sources))
    shelf = LayeredShelf(options.results.store, MemoryShelf(_KEPT))
    editor = Editor(device=options.device, settings=config, shelf=shelf)
    for degree in sorted({options.low, options.high}):
        for warning in editor.warnings(Edit("edit", ((options.direction, degree),))):
            log.warning("%s", warning)
    failed = 0
    for photo, source in sources.items():
        try:
            _write(editor, source, options, outs[photo])
        except Exception as error:
            if not costs_one_photo(error):
                raise
            failed += 1
            log.error("unripple: %s", error)
            if not isinstance(error, UnrippleError):
                log.error("%s: unforeseen error", photo, exc_info=error)
            continue
        sys.stdout.write(f"{outs[photo]}\n")
        sys.stdout.flush()
    if failed and len(sources) > 1:
        log.error("unripple: %d of %d photos failed, see above", failed, len(sources))
    return BAD_INPUT if failed else 0


def _check(options: argparse.Namespace) -> None:
    if not 2 <= options.frames <= MOST_FRAMES:
        raise UnrippleError(f"--frames {options.frames}: wanted 2 to {MOST_FRAMES}")
    if not 0 < options.fps <= FASTEST_FPS:
        raise UnrippleError(f"--fps {options.fps:g}: wanted more than 0, at most {FASTEST_FPS:g}")
    if options.height < 16:
        raise UnrippleError(f"--height {options.height}: wanted 16 px or more")


def _names(options: argparse.Namespace, photos: list[str]) -> dict[str, Path]:
    """The file for each photo.

    Raises:
        UnrippleError: one file for several photos, an ending that cannot be written, or --format
            beside a file.
    """
    from unripple.io.animation import check_animation_name

    out: Path = options.out or options.results.root / "sweep"
    if out.suffix and not out.is_dir():
        check_animation_name(out)
        if len(photos) > 1:
            raise UnrippleError(f"{out}: one file for {len(photos)} photos; name a folder")
        if options.format is not None:
            raise UnrippleError(f"--format {options.format}: the ending of {out} says it already")
        return {photos[0]: out}
    ending = options.format or "webp"
    return {photo: out / f"{photo}.{options.direction}.{ending}" for photo in photos}


def _write(editor: Editor, source: Source, options: argparse.Namespace, out: Path) -> None:
    from unripple.api.sweep import degrees_between, sweep, there_and_back
    from unripple.api.view import thumbnail
    from unripple.io import atomic
    from unripple.io.animation import encode_animation

    degrees = degrees_between(options.low, options.high, options.frames)
    frames = []
    for number, frame in enumerate(
        sweep(editor, source, options.direction, degrees, crop=options.crop), start=1
    ):
        frames.append(thumbnail(frame, options.height))
        log.info("%s: frame %d/%d", source.photo, number, len(degrees))
    if options.back:
        frames = there_and_back(frames)
    marked = editor.config["digital_source_type"]
    atomic.write_bytes(out, encode_animation(frames, out.suffix, fps=options.fps, marked=marked))
