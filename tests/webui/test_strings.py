"""What the page says: every text is there, in both languages, and what the server says as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from unripple import stages, webui
from unripple.webui.controls import grouped
from unripple.zoo.directions import read_directions
from unripple.zoo.zoo import directions_path

STATIC = Path(webui.__file__).parent / "static"
SAID_BY = [
    *sorted(Path(webui.__file__).parent.glob("*.py")),
    *(Path(stages.__file__).parent / "pixels" / f"{name}.py" for name in ("gates", "coloured",
        "worn", "shaded", "masks")),
    Path(stages.__file__).parent / "align.py",
    Path(stages.__file__).parents[1] / "io" / "photo.py",
]  # fmt: skip
NOT_ON_THE_PAGE = {
    *("serve.py", "listening.py", "page.py"),  # said before there is a page
    *("edit_request.py", "messages.py", "job_queue.py"),  # to programs that ask what no page asks
}
TO_PROGRAMS = (
    "x is x px wide in this photo",  # of an eye and of the mouth: the table has both
    *(
        "no picture",
        "no pixels of",
        "a region of",
        "there is nothing of the photo in that",
        "sheet",
    ),
    *("five landmarks", "format x", "asked by another page", "malformed", "there is nothing here"),
    *("this server does not answer", "x: cannot write", "x: neither png", "align says"),
)
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def strings(text: str) -> list[str]:
    """The quoted texts of a line of JavaScript."""
    found = (one or other for one, other in _STRING.findall(text))
    return [one.replace("\\'", "'") for one in found]


def texts() -> dict[str, tuple[str, str]]:
    """key -> English, German: of the tables, and of what panels bring along."""
    table = {}
    for script in STATIC.glob("*.js"):
        for line in script.read_text().splitlines():
            if re.match(r"\s+['\w.]+.*: \[.*\],$", line):
                key, *said = strings(line)
                if len(said) == 2:
                    table[key] = (said[0], said[1])
    return table


def sentences() -> list[tuple[str, str]]:
    """English, German: what the server says."""
    lines = (STATIC / "errors.js").read_text().splitlines()
    return [(pair[0], pair[1]) for pair in map(strings, lines) if len(pair) == 2]


def test_every_text_of_the_page_is_there_in_both_languages() -> None:
    known = texts()
    page = (STATIC / "page.html").read_text()
    asked = set(re.findall(r"data-t(?:-\w+)?=\"([^\"]+)\"", page))
    for script in STATIC.glob("*.js"):
        code = re.sub(r"(?m)^\s*//.*$", "", script.read_text())
        asked |= set(re.findall(r"\bt\('([a-z][\w.]*)'[,)]", code))
    assert sorted(asked - set(known)) == []
    assert [key for key, (english, german) in known.items() if not (english and german)] == []


def test_languages_put_the_same_values_into_their_texts() -> None:
    for english, german in texts().values():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", german)), english
    for english, german in sentences():
        assert set(re.findall(r"\{\w+\}", german)) <= set(re.findall(r"\{\w+\}", english)), english


def test_every_embedded_slider_has_its_words() -> None:
    known = texts()
    for group in grouped(read_directions(directions_path())):
        assert f"group.{group.title}" in known
        for slider in group.sliders:
            wanted = [f"slider.{slider.title}", f"about.{slider.about}"]
            wanted += [f"unit.{slider.unit}"] if slider.unit else []
            assert [key for key in wanted if key not in known] == []


def _template(node: ast.AST) -> str | None:
    """A text of the code, with an x for what it puts in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) or "x" for part in node.values)
    return None


def said_by(module: Path) -> Iterator[str]:
    """What a module raises, refuses or gives as a reason."""
    for node in ast.walk(ast.parse(module.read_text())):
        given: list[ast.expr] = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            given = node.exc.args
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("refusal", "_ended", "_nothing", "LimitExceeded")
        ):
            given = node.args[1:] if len(node.args) > 1 else node.args
        elif isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            given = list(value.elts) if isinstance(value, ast.Tuple) else [value]
        for text in map(_template, given):
            if text and len(re.findall(r"[a-z]{2,}", text)) > 3:
                yield text


@pytest.mark.parametrize("module", SAID_BY, ids=lambda path: path.name)
def test_what_the_server_says_is_said_in_german(module: Path) -> None:
    if module.name in NOT_ON_THE_PAGE:
        return
    patterns = [
        re.compile(re.sub(r"\\\{\w+\\\}", ".+?", re.escape(english))) for english, _ in sentences()
    ]
    missing = [
        text
        for text in said_by(module)
        if not any(word in text for word in TO_PROGRAMS)
        and not any(
            pattern.fullmatch(one)
            for pattern in patterns
            for one in (text, text.partition(": ")[2])
        )
    ]
    assert missing == []
