"""Options that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from unripple.conventions import STAGES, BadConfig, UnknownName, UnrippleError
from unripple.io import plain_yaml
from unripple.io.config import (
    Config,
    Edit,
    check_degree,
    check_knob,
    edits,
    find_edit,
    knob,
    library,
    read_config,
)
from unripple.io.outputs import check_distinct, check_output
from unripple.io.photo import PHOTO_SUFFIXES
from unripple.io.places import ENDING, results_folder, sheet_of
from unripple.io.published_names import edit_of_moves
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet
from unripple.io.text_edits import WORDS, chain_edit, text_edit

DEVICE_VARIABLE = "UNRIPPLE_DEVICE"


class CommandParser(argparse.ArgumentParser):
    """argparse, but an option given twice is an error where the second would replace the first, and
    a command or option that there is not is answered with the nearest one that there is."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.register("action", None, Once)
        self.register("action", "store", Once)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but nothing is left over: each command answers for its own words."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options_of = self._option_string_actions
            hints = [_nearest(word.partition("=")[0], options_of) for word in unknown]
            hint = next(filter(None, hints), "")
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return options, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self.error(f"no command {value!r}" + self._command_instead(value, action.choices))
        super()._check_value(action, value)

    def _command_instead(self, word: str, commands: Mapping[str, Any]) -> str:
        if word in STAGES and "stage" in commands:
            return f"; stages are called by `{self.prog} stage {word}`"
        return _nearest(word, commands) or f"; `{self.prog} --help` lists them"


def _nearest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class Once(argparse._StoreAction):
    """Store a value that may be given once."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given = namespace.__dict__.setdefault("given", {})
        if option_string and self.dest in given:
            parser.error(
                f"{option_string} is given twice: {given[self.dest]} and {values}; keep one"
            )
        given[self.dest] = values
        super().__call__(parser, namespace, values, option_string)


def read_knob(name: str, where: str) -> Callable[[str], Any]:
    """What argparse calls to read an option that the schema describes.

    Args:
        name: the knob's, see `io.config.knob`.
        where: the option.
    """

    def read(text: str) -> Any:
        return check_knob(name, text, where=where)

    return read


def add_knob(
    parser: argparse.ArgumentParser, option: str, name: str, about: str, **more: Any
) -> None:
    """An option of which the schema says type, range and default.

    Args:
        parser: gets the option.
        option: like `--frames`.
        name: the knob's, see `io.config.knob`.
        about: what it does; the default is added.
        more: what argparse takes.
    """
    default = knob(name).get("default")
    says = about if default is None else f"{about} (default: {default:g})"
    parser.add_argument(option, type=read_knob(name, option), default=default, help=says, **more)


def add_edit(parser: argparse.ArgumentParser, what: str) -> None:
    """--edit, a list of words for `edit_of`."""
    parser.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="NAME|DIRECTION=DEGREE",
        help=f"{what}directions and degrees",
    )


def add_overwrite(
    parser: argparse.ArgumentParser, about: str = "let -o be the photo itself: the original is lost"
) -> None:
    """--overwrite."""
    parser.add_argument("--overwrite", action="store_true", help=about)


def check_outputs(
    options: argparse.Namespace,
    outs: Mapping[str, Path | None],
    photos: Iterable[Path],
    config: Config | None = None,
    *,
    others: Mapping[str, Path | None] | None = None,
) -> None:
    """Refuse outputs that are inputs, or that are one file.

    Args:
        options: of the command; its `config`, `log` and `overwrite` are looked at.
        outs: files to write, by what named them, like `-o`.
        photos: the photos that are read.
        config: names landmarks and directions.
        others: whatever else is read, by what it is.

    Raises:
        UnrippleError: there are such.
    """
    read = dict(others or {}) | {"config": getattr(options, "config", None)}
    if config is not None:
        listed = config["align"]["landmarks"]
        read["landmarks"] = Path(listed) if listed else None
        read["file of directions"] = Path(config["directions"])
    named = {**outs, "--log": getattr(options, "log", None)}
    overwrite = getattr(options, "overwrite", False)
    written = [(switch, path) for switch, path in named.items() if path is not None]
    check_distinct(written)
    for switch, path in written:
        check_output(path, read, switch=switch)
        for photo in (*photos, *_photos_called(path)):
            check_output(path, {"photo": photo}, overwrite=overwrite, switch=switch)


def _photos_called(out: Path) -> list[Path]:
    """Photos of the sheets that a file, which is there, might be."""
    if not out.exists():
        return []
    folder = out.absolute().parent
    called: list[Path] = []
    for sheet in (SHEET, sheet_of(folder.with_name(folder.name + ENDING))):
        with contextlib.suppress(UnrippleError):  # whoever needs the sheet will say what is wrong
            paths = [Path(row.path) for row in read_sheet(sheet)]
            called += [path for path in paths if path.name.casefold() == out.name.casefold()]
    return called


def add_config(parser: argparse.ArgumentParser) -> None:
    """--config and --set."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config.yaml"),
        metavar="FILE",
        help="the config (default: config.yaml; without one, the program's defaults)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one key of the config, like inpaint.grow_px=5; may be repeated",
    )


def config_of(options: argparse.Namespace) -> Config:
    """The config that the options ask for."""
    if options.config == Path("config.yaml") and not options.config.exists():
        return read_config(Path(os.devnull), options.set)
    return read_config(options.config, options.set)


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device."""
    parser.add_argument(
        "--device",
        default=os.environ.get(DEVICE_VARIABLE, "cpu"),
        help=(
            "where networks run: cpu, cuda, auto, or gpu:0,1 for a free one of these GPUs "
            f"(default: ${DEVICE_VARIABLE} or cpu)"
        ),
    )


def add_results(parser: argparse.ArgumentParser) -> None:
    """--results."""
    parser.add_argument(
        "--results",
        type=lambda text: Results(Path(text)),
        metavar="FOLDER",
        help=(
            "the results folder (default: that of the config's photos, `results` of data/photos, "
            "anna_results of a folder anna)"
        ),
    )


def results_of(options: argparse.Namespace, config: Config) -> Results:
    """The results folder that the options or else the config ask for."""
    given: Results | None = options.results
    return Results(results_folder(config)) if given is None else given


def add_log(parser: argparse.ArgumentParser) -> None:
    """--log."""
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="write the messages to this file, too"
    )


def start_log(options: argparse.Namespace) -> None:
    """Open the file of --log; a rule's job then says on stderr only what is wrong.

    Raises:
        UnrippleError: it is a picture, or the config.
    """
    if options.log is not None:
        if options.log.suffix.lower() in PHOTO_SUFFIXES:
            raise UnrippleError(f"--log {options.log}: that is a picture's name; take another one")
        photo = getattr(options, "photo", None)
        photos = [*([] if photo is None else [photo]), *_photos_called(options.log)]
        read = [("config", getattr(options, "config", None)), *(("photo", p) for p in photos)]
        for what, path in read:
            if path is not None:
                check_output(options.log, {what: Path(path)}, switch="--log")
        options.log.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(options.log, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        if getattr(options, "job", None) is not None:
            for shown in logging.getLogger().handlers:
                shown.setLevel(logging.WARNING)
        logging.getLogger().addHandler(handler)


def add_text(parser: argparse.ArgumentParser) -> None:
    """--text and what goes with it."""
    add = parser.add_argument
    add("--text", metavar="WORDS", help="what the picture shall show: 'a face with glasses'")
    add(
        "--then",
        action="append",
        default=[],
        metavar="WORDS|{...}",
        help="with --text: another text after it; may be repeated. As in the config it may be "
        "'{text: WORDS, method: mapper, ...}'",
    )
    for word in WORDS[1:]:
        add(f"--{word}", metavar=word.upper(), help=f"with --text: {ABOUT_TEXT[word]}")


ABOUT_TEXT = {
    "neutral": "the same without it (default: a face)",
    "method": "how it is followed: direction (default), global, optimise, mapper, deltaedit",
    "strength": "how far; direction counts deviations of the codes",
    "templates": "sentences that it is put into: plain (default), imagenet",
    "levels": "codes that move, like coarse,medium (default: all)",
    "disentangle": "global, deltaedit: channels that follow by less stay",
    "channels": "global: instead, how many channels move",
    "variant": "global: styleclip (default), hyperstyle, sfe",
    "steps": "optimise: how many",
    "space": "optimise: w+ (default) or s",
    "near": "optimise: weight of how far the codes go",
    "identity": "optimise: weight of the identity that is lost",
    "views": "optimise: views of each picture",
    "start": "optimise: photo (default) or mean",
    "every": "optimise: keep a picture of every so many steps",
    "mapper": "mapper: a file, or a published one by name",
}


_LONGEST_ENDING = 80  # characters of a result's name that say what was edited


def in_names(said: str) -> str:
    """What was said, as part of a file's name: a text may hold what no name can."""
    return re.sub(r"[^\w.+-]+", "-", said)[:_LONGEST_ENDING]


def text_edit_of(options: argparse.Namespace) -> Edit | None:
    """The edit of --text, or None.

    Raises:
        UnrippleError: it comes with --edit, or one that goes with it comes alone.
    """
    said = {word: getattr(options, word, None) for word in WORDS}
    given = [f"--{word}" for word, value in said.items() if value is not None]
    then = getattr(options, "then", [])
    given += ["--then"] if then else []
    if said["text"] is None:
        if given:
            raise UnrippleError(f"{given[0]} is about a --text; say one")
        return None
    if getattr(options, "edit", None):
        raise UnrippleError("--text and --edit: give one of the two")
    if said["levels"] is not None:
        said["levels"] = said["levels"].split(",")
    first = text_edit("edit", said, where="--")
    if not then:
        return first
    links = [_link(text) for text in then]
    return chain_edit("edit", [first.texts[0], *links], where="--then: ")


def _link(text: str) -> Any:
    """A text of --then, or its words as YAML has them."""
    if text.lstrip().startswith("{"):
        return plain_yaml.parse_value(text, f"--then {text!r}")
    return text


def edit_of(words: list[str], config: Config) -> Edit:
    """An edit from the command line: the name of one in the config or of a translation, or
    `direction=degree` words.

    Raises:
        UnrippleError: a word is neither.
    """
    if len(words) == 1 and "=" not in words[0]:
        if words[0] in library(config).edits() and all(e.name != words[0] for e in edits(config)):
            return Edit(words[0], (), words[0])
        return find_edit(config, words[0])
    moves: dict[str, float] = {}
    said: dict[str, str] = {}
    for word in words:
        name, equals, degree = word.partition("=")
        if not equals or not name or not degree:
            raise UnrippleError(f"--edit {word!r}: wanted direction=degree, like pose=-3")
        if name in said:
            raise UnrippleError(f"--edit: {name} is given twice, {said[name]} and {word}; keep one")
        said[name] = word
        try:
            moves[name] = check_degree(name, degree, where=f"--edit {word}: degree")
        except BadConfig as error:
            raise BadConfig(f"{error} (wanted direction=degree, like pose=-3)") from error
    return edit_of_moves("edit", moves, where="--edit ")


def edit_of_run(words: list[str], config: Config, results: Results) -> Edit:
    """`edit_of`, for a command that looks at a results folder.

    Raises:
        UnrippleError: a word is unknown; where the folder has an edit of that name from a run with
            another config, the text says how to name it.
    """
    try:
        return edit_of(words, config)
    except UnknownName as error:
        if len(words) > 1 or not results.folder("edit", words[0]).is_dir():
            raise
        other = f"{results.root} has it from a run with another config: name that with --config"
        raise UnknownName(f"{error}; {other}") from error
