"""YAML as people mean it: nothing in it is lost, guessed, or larger than it looks.

Values are those of YAML 1.2's core schema: `true` and `false` alone are booleans, so that an edit
may be called `no`; a date is a text. A key given twice is an error, and so is a number that readers
of YAML 1.1 (Snakemake's own among them) take for another one than it seems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import yaml

from unripple.conventions import BadConfig
from unripple.io.schema import MOST_DIGITS, misread

LONGEST_BYTES = 4_000_000
DEEPEST = 32
MOST_VALUES = 200_000  # after every alias is written out

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
_CORE = "tag:yaml.org,2002:"
_MISREAD = "!misread"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"


class _Refused(Exception):
    """What is wrong with a document, and in which line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line + 1}: {why}")


class _Misread:
    """Stands where PyYAML wants a pattern: fits the numbers that are read in two ways."""

    def match(self, text: str) -> bool:
        """Whether a plain word is such a number."""
        return misread(text) is not None


class _Loader(_FAST):  # type: ignore[misc]  # either of PyYAML's two loaders
    """PyYAML's safe loader with the scalars of YAML 1.2 and closed mappings."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def mapping(self, node: yaml.Node) -> dict[str, Any]:
        """Keys are texts, each given once; those of `<<` give way to a mapping's own."""
        if not isinstance(node, yaml.MappingNode):
            raise _Refused(node.start_mark.line, "wanted `key: value` lines")
        first_line: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line
            if key.tag == f"{_CORE}merge":
                continue
            if key.tag != f"{_CORE}str":
                shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or section"
                raise _Refused(line, f"the key {shown} is no text; put it in quotes")
            if key.value in first_line:
                before = first_line[key.value] + 1
                raise _Refused(line, f"{key.value!r} is given already in line {before}; keep one")
            first_line[key.value] = line
        self.flatten_mapping(node)
        # Keys of `<<` come first, so that a mapping's own replace them.
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def sequence(self, node: yaml.Node) -> list[Any]:
        """A list."""
        if not isinstance(node, yaml.SequenceNode):
            raise _Refused(node.start_mark.line, "wanted a list")
        return [self.construct_object(item, deep=True) for item in node.value]

    def scalar(self, node: yaml.Node) -> Any:
        """A text, number, boolean or null, as its tag says."""
        line = node.start_mark.line
        if not isinstance(node, yaml.ScalarNode):
            raise _Refused(line, "wanted a single value")
        kind, text = node.tag.removeprefix(_CORE), node.value
        if kind == _MISREAD:
            raise _Refused(line, misread(text) or text)
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        if kind in ("int", "float"):
            return _number(kind, text, line)
        if "\0" in text:
            raise _Refused(line, "a text with a NUL character in it")
        return text

    def foreign(self, node: yaml.Node) -> Any:
        """A tag that is none of the core's."""
        raise _Refused(node.start_mark.line, f"the tag {node.tag!r} has no meaning here")


def _number(kind: str, text: str, line: int) -> int | float:
    try:
        return int(text) if kind == "int" else float(re.sub(r"\.(?=[in])", "", text.lower()))
    except ValueError:
        raise _Refused(line, f"{text[:40]!r} is no number") from None


def _prepare() -> None:
    rules: tuple[tuple[str, str, Iterable[str]], ...] = (
        (_MISREAD, r"[-+]?[0-9].*", "-+0123456789"),
        ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", rf"[-+]?[0-9]{{1,{MOST_DIGITS}}}", "-+0123456789"),
        ("float", _FLOAT, "-+0123456789."),
        ("null", "~|null|Null|NULL|", ("~", "n", "N", "")),
        ("merge", "<<", "<"),
    )
    for kind, pattern, first in rules:
        tag = kind if kind == _MISREAD else _CORE + kind
        compiled: Any = _Misread() if kind == _MISREAD else re.compile(rf"(?:{pattern})\Z")
        _Loader.add_implicit_resolver(tag, compiled, list(first))
    for kind in ("bool", "int", "float", "null", "str"):
        _Loader.add_constructor(_CORE + kind, _Loader.scalar)
    _Loader.add_constructor(_MISREAD, _Loader.scalar)
    _Loader.add_constructor(f"{_CORE}map", _Loader.mapping)
    _Loader.add_constructor(f"{_CORE}seq", _Loader.sequence)
    _Loader.add_constructor(None, _Loader.foreign)


_prepare()


def parse_value(text: str, where: str) -> Any:
    """The plain values of a word on the command line, like those of `--set`; see `parse`."""
    try:
        return parse(text, where)
    except BadConfig as error:
        reason = str(error).removeprefix(f"{where}: ")
        reason = re.sub(r"\Aline [0-9]+: ", "", reason).replace(
            "no YAML", "the value is no YAML", 1
        )
        raise BadConfig(f"{where}: {reason}") from error


def parse(text: str, where: str) -> Any:
    """The plain values of a document.

    Args:
        text: one document.
        where: what it is, for messages.

    Raises:
        BadConfig: it is no YAML, or something in it would be lost or guessed.
    """
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except _Refused as error:
        raise BadConfig(f"{where}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        problem = " ".join(str(error.problem or error).split())
        raise BadConfig(f"{where}: {line}no YAML: {problem}{_hint(problem, text, mark)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise BadConfig(f"{where}: no YAML: {' '.join(str(error).split())}") from error


def _hint(problem: str, text: str, mark: Any) -> str:
    if mark and "\t" in "".join(text.splitlines()[mark.line : mark.line + 1])[: mark.column + 1]:
        return "; indent by blanks, not by tabs"
    if "single document" in problem or "another document" in problem:
        return "; keep one, without `---` between"
    return ""


def _check_depth(text: str) -> None:
    """Refuse what goes too deep, before anything walks down into it."""
    depth = 0
    for event in yaml.parse(text, _FAST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _Refused(_line(event), f"more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _line(event: yaml.Event) -> int:
    return event.start_mark.line if event.start_mark else 0


def _check_size(root: yaml.Node) -> None:
    """Refuse what aliases make endless, or larger than any config."""
    sizes: dict[int, tuple[int, int] | None] = {}

    def size_of(node: yaml.Node) -> tuple[int, int]:
        """How many values, and how many levels deep."""
        if isinstance(node, yaml.ScalarNode):
            return 1, 0
        if id(node) in sizes:
            measured = sizes[id(node)]
            if measured is None:
                raise _Refused(node.start_mark.line, "what is here holds itself, by an alias")
            return measured
        sizes[id(node)] = None
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        parts = [size_of(part) for part in inner]
        size = 1 + sum(count for count, _ in parts), 1 + max((d for _, d in parts), default=0)
        if size[0] > MOST_VALUES or size[1] > DEEPEST:
            raise _Refused(
                node.start_mark.line,
                f"with all aliases written out, more than {MOST_VALUES} values or {DEEPEST} levels",
            )
        sizes[id(node)] = size
        return size

    size_of(root)


def read(path: Path) -> Any:
    """The plain values of a file, which may begin with a byte order mark.

    Raises:
        BadConfig: see `parse`; or the file is missing, or longer than any config.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_BYTES + 1)
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise BadConfig(f"{str(path)!r}: cannot be read: {error}") from error
    if len(data) > LONGEST_BYTES:
        raise BadConfig(f"{path}: longer than {LONGEST_BYTES / 1e6:g} MB, so no config")
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        raise BadConfig(
            f"{path}: no YAML: not {coding.removesuffix('-sig').upper()} ({error.reason})"
        ) from error
    return parse(text, str(path))


def check_for_snakemake(path: Path) -> None:
    """Refuse what `read` refuses, and what Snakemake's own reader could not read either.

    Raises:
        BadConfig: it is no such file; a date that does not exist, for example, ends in a traceback
            there.
    """
    read(path)
    try:
        yaml.load(path.read_text(encoding="utf-8-sig"), _FAST)
    except Exception as error:  # PyYAML lets through what the makers of values complain of
        raise BadConfig(
            f"{path}: Snakemake cannot read it ({error}); put texts that look like dates in quotes"
        ) from error
