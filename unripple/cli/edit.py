"""`unripple edit PHOTO ... --edit pose=-3`: edit photos, without Snakemake.

The names of the pictures that were made go to stdout, one a line; all else goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unripple.cli import options as shared
from unripple.conventions import UnrippleError
from unripple.io.config import Config, Edit
from unripple.io.outputs import check_absent, check_distinct
from unripple.io.photo import PHOTO_SUFFIXES, check_writable_name, write_photo
from unripple.processes import own_cores
from unripple.runtime.shard import costs_one_photo

if TYPE_CHECKING:
    from unripple.cli.meter import StepMeter
    from unripple.zoo.zoo import Zoo

log = logging.getLogger(__name__)

ABOUT = """\
Edit photos, or all photos of a folder, without Snakemake. The results are PNG files beside the
photos (photo.jpg with pose=-3 becomes photo-pose-3.png); those of a folder go into a folder beside
it. Their names are printed on stdout. A photo that fails does not stop the others.

examples:
    unripple edit photo.jpg --edit yaw=-20 --edit pitch=5
    unripple edit photo.jpg --edit yaw_to=0 -o into-the-camera.png
    unripple edit photo.jpg --text 'a face with a beard'
    unripple edit photo.jpg --edit smile=2 --edit glasses=3
    unripple edit photo.jpg --edit pose=-3 -o out.png
    unripple edit one.jpg two.jpg --edit smile=2 -o made/
    unripple edit my_photos --edit pose=3 --json"""


class Task(NamedTuple):
    """A photo, and the file that its edit goes to."""

    photo: Path
    out: Path


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "edit",
        help="edit photos: `unripple edit photo.jpg --edit pose=-3`",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO|FOLDER")
    shared.add_edit(parser, "what to change; may be repeated: an edit or translation by name, or ")
    shared.add_text(parser)
    parser.add_argument(
        "--pose-of",
        type=Path,
        metavar="PHOTO",
        help="turn the head until it looks where the one in this other photo does",
    )
    parser.add_argument(
        "-o", "--out", type=Path, help="a file for one photo, a folder for several; made if needed"
    )
    shared.add_overwrite(
        parser, "replace results that are there; with -o naming the photo itself, the original"
    )
    parser.add_argument("--strip", type=Path, help="of one photo: write a strip of all stages, too")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("-q", "--quiet", action="store_true", help="no progress, only what is wrong")
    told.add_argument(
        "-v", "--verbose", action="store_true", help="say how long each stage of each photo took"
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON per photo instead of its name"
    )
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_log(parser)
    parser.add_argument(
        "--cores",
        type=_cores,
        default=own_cores(),
        help="how many stages are computed at a time, where they do not wait for each other; the "
        "bytes stay the same; 1 takes least memory (default: all, %(default)s)",
    )
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    parser.set_defaults(run=_edit)


def _cores(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cores; give 1 or more")
    return int(text)


def _edit(options: argparse.Namespace) -> int:
    if options.shard is not None:
        raise UnrippleError(
            "edit: shards are the workflow's; say `unripple stage edit --shard ...`"
        )
    if not options.photos:
        raise UnrippleError("edit: name a photo or a folder of photos")
    said = shared.text_edit_of(options)
    if said is None and not options.edit and options.pose_of is None:
        raise UnrippleError(
            "edit: say with --edit what to change, like --edit yaw=-20, or with --text"
        )
    config = shared.config_of(options)
    words = [*options.edit, *_turned_like(options, config)]
    tasks = tasks_of(options.photos, _words_of(options) if said else words, options.out)
    edit = said or shared.edit_of(words, config)
    _check(tasks, options, config)
    shared.start_log(options)
    if options.quiet:
        logging.getLogger().setLevel(logging.WARNING)
    return _Session(options, config, edit, len(tasks)).run(tasks)


def _words_of(options: argparse.Namespace) -> list[str]:
    """What stands in the names of a text's results."""
    return [options.text, *options.then]


def _turned_like(options: argparse.Namespace, config: Config) -> list[str]:
    """The words of --edit that --pose-of stands for."""
    if options.pose_of is None:
        return []
    from unripple.runtime.editor import Editor

    editor = Editor(device=options.device, settings=config)
    return [f"{word}={degree}" for word, degree in editor.pose_of(options.pose_of).items()]


def tasks_of(photos: Sequence[Path], words: Sequence[str], out: Path | None) -> list[Task]:
    """Which photos go where.

    Args:
        photos: files, and folders of them.
        words: of --edit; they stand in the names of the results.
        out: of -o: a file for one photo, a folder for several.

    Raises:
        UnrippleError: a folder has no photos; several photos are to be one file.
    """
    said = "-".join(word.replace("=-", "-").replace("=", "+") for word in words)
    ending = "-" + shared.in_names(said)
    tasks = []
    for photo in photos:
        if photo.is_dir():
            folder = out or photo.with_name(photo.resolve().name + ending)
            tasks += [Task(one, folder / f"{one.stem}{ending}.png") for one in _photos_in(photo)]
        else:
            tasks.append(Task(photo, (out or photo.parent) / f"{photo.stem}{ending}.png"))
    if out is None or any(photo.is_dir() for photo in photos):
        return tasks
    if len(tasks) == 1 and not out.is_dir() and not str(out).endswith("/") and out.suffix:
        return [Task(tasks[0].photo, out)]
    if len(tasks) > 1 and out.suffix.lower() in PHOTO_SUFFIXES and not out.is_dir():
        raise UnrippleError(f"-o {out}: a file cannot hold {len(tasks)} pictures; name a folder")
    return tasks


def _photos_in(folder: Path) -> list[Path]:
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    ]
    if not found:
        raise UnrippleError(
            f"{folder}: no photos in this folder; put {', '.join(PHOTO_SUFFIXES)} files there"
        )
    return found


def _check(tasks: Sequence[Task], options: argparse.Namespace, config: Config) -> None:
    """Refuse, before anything is computed, outputs that cannot be or must not be written."""
    photos = [task.photo for task in tasks]
    if options.strip is not None:
        if len(tasks) > 1:
            raise UnrippleError("--strip shows one photo; use `unripple strip` for each of several")
        check_writable_name(options.strip)
    check_distinct((str(task.photo), task.out) for task in tasks)
    for task in tasks:
        check_writable_name(task.out)
        outs = {"-o": task.out, "--strip": options.strip}
        shared.check_outputs(options, outs, photos, config)
    check_absent((task.out for task in tasks), overwrite=options.overwrite)


class _Session:
    """Photo after photo with one set of networks; nothing else is kept between them."""

    def __init__(
        self, options: argparse.Namespace, config: Config, edit: Edit, photos: int
    ) -> None:
        from unripple.cli.meter import StepMeter
        from unripple.pipeline.graph import RECIPES
        from unripple.zoo.zoo import Zoo

        self._options, self._config, self._edit = options, config, edit
        self._zoo: Zoo = Zoo(config["models"], options.device)
        steps = RECIPES[config["recipe"]].values()
        each = sum(len(step.places((edit.name,))) for step in steps)
        self._meter: StepMeter = StepMeter(
            each * photos, quiet=options.quiet, verbose=options.verbose
        )
        self._alone = photos == 1
        self._warned: set[str] = set()

    def run(self, tasks: Sequence[Task]) -> int:
        """Edit every photo; the exit status."""
        failed = []
        with self._meter:
            for task in tasks:
                started = time.monotonic()
                told: dict[str, Any] = {"photo": str(task.photo), "edit": self._options.edit}
                if self._edit.said:
                    told["texts"] = [text["text"] for text in self._edit.texts]
                try:
                    with self._meter.photo(task.photo.name):
                        told |= self._one(task)
                except UnrippleError as error:
                    if len(tasks) == 1 or not costs_one_photo(error):
                        self._tell(told | {"failed": type(error).__name__, "reason": str(error)})
                        raise
                    failed.append(task.photo)
                    told |= {"failed": type(error).__name__, "reason": str(error)}
                    log.error("unripple: %s", _named(task.photo, str(error)))
                self._tell(told | {"seconds": round(time.monotonic() - started, 2)})
        if len(tasks) > 1:
            log.info("%d of %d photos edited", len(tasks) - len(failed), len(tasks))
        if failed:
            log.error("failed: %s", ", ".join(map(str, failed)))
        return 1 if failed else 0

    def _one(self, task: Task) -> dict[str, Any]:
        from unripple.io.metadata import NOTHING
        from unripple.runtime.editor import Editor

        editor = Editor(
            settings=self._config,
            zoo=self._zoo,
            on_progress=self._meter.loss,
            before_stage=self._meter.stage,
            cores=self._options.cores,
        )
        result = editor.edit(task.photo, self._edit)
        of_every_photo = editor.warnings(self._edit)
        for warning in result.warnings:
            alone = self._alone or warning in of_every_photo
            said = warning if alone else _named(task.photo, warning)
            if said not in self._warned:
                self._warned.add(said)
                log.warning("%s", said)
        result.save(task.out, overwrite=self._options.overwrite)
        if self._options.strip is not None:
            strip = NOTHING.of_result(marked=result.marked)
            write_photo(self._options.strip, result.strip, strip)
        return {"out": str(task.out), "warnings": list(result.warnings)}

    def _tell(self, told: dict[str, Any]) -> None:
        line = json.dumps(told, ensure_ascii=False) if self._options.json else told.get("out")
        if line is not None:
            with self._meter.aside():
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


def _named(photo: Path, reason: str) -> str:
    return reason if str(photo) in reason else f"{photo}: {reason}"
