"""YAML: what is lost or guessed elsewhere is refused, with its line and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import BadConfig
from unripple.io import plain_yaml

MANY = "".join(f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: no", {"a": "no"}),
        ("on: yes", {"on": "yes"}),
        ("a: true", {"a": True}),
        ("a: 2020-02-31", {"a": "2020-02-31"}),
        ("a: [1, -3, 2.5, 1e3, .5, ~, null, 'null', '010']", {"a": [1, -3, 2.5, 1e3, 0.5, None,
                                                                   None, "null", "010"]}),
        ("a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("\u00e4: \u4e2d\r\nb: |\n  c\n", {"\u00e4": "\u4e2d", "b": "c\n"}),
        ("a: !!str 3", {"a": "3"}),
    ],
)  # fmt: skip
def test_values_are_what_was_written(text: str, value: object) -> None:
    assert plain_yaml.parse(text, "it") == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3", "it: line 3: 'a' is given already in line 1; keep one"),
        ("a: {b: 1, b: 1}", "'b' is given already"),
        ("<<: {a: 1}\n'a': 1\n\"a\": 2", "line 3: 'a' is given already in line 2"),
        ("a: 010", "010: some programs take a number that begins with 0 for octal; write 10"),
        ("a: -007", "write -7, or put it in quotes"),
        ("a: 0o10", "in decimal"),
        ("a: 0x1F", "in decimal"),
        ("a: 1_000", "write the number without _, like 1000"),
        ("a: 1:30", "base 60"),
        ("a: 190:20:30.15", "base 60"),
        ("a: " + "9" * 5000, "at most 18 digits, this one 5000"),
        ("010: a", "line 1: the key '010' is no text"),
        ("1: a", "the key '1' is no text; put it in quotes"),
        ("? [a]\n: b", "the key a list or section is no text"),
        ("a: b\n---\nc: d", "line 2: no YAML"),
        ("a:\n\tb: c", "not by tabs"),
        ("a: !!python/object/apply:os.system ['id']", "has no meaning here"),
        ("a: !!timestamp 2020-01-01", "has no meaning here"),
        ("a: !!int x", "'x' is no number"),
        ("a: !!map [1]", "wanted `key: value` lines"),
        ("a: &a {b: *a}", "holds itself"),
        ("b0: &b0 [x]\n" + MANY, "with all aliases written out"),
        ("[" * 100_000, "levels deep"),
        ("- " * 100_000, "levels deep"),
        ('a: "\\0"', "NUL"),
        ("a: \x00", "no YAML"),
        ("a: \udc80", "no YAML"),
        ("a: *nothing", "undefined alias"),
        ("<<: 3", "no YAML"),
    ],
)
def test_what_would_be_lost_or_guessed_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(BadConfig) as caught:
        plain_yaml.parse(text, "it")
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_of_byte_order_are_no_text(tmp_path: Path, coding: str) -> None:
    (tmp_path / "a.yaml").write_bytes("a: \u00e4".encode(coding))
    assert plain_yaml.read(tmp_path / "a.yaml") == {"a": "\u00e4"}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"a: \xe4", "not UTF-8"), (b"#" * 4_000_001, "longer than 4 MB"), (b"\xff\xfea", "UTF-16")],
)
def test_files_that_are_no_text_are_refused(tmp_path: Path, data: bytes, complaint: str) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    with pytest.raises(BadConfig, match=complaint):
        plain_yaml.read(tmp_path / "a.yaml")
    with pytest.raises(BadConfig, match="cannot be read"):
        plain_yaml.read(tmp_path)
