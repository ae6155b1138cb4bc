"""A config that the pipeline runs, filled edit by edit from the page.

The batch's photos lie in a folder beside it, its edits in the list `edits`. What people wrote into
the file stays as it is, comments and all.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unripple import atomic
from unripple.conventions import BadConfig, BadPhoto
from unripple.io import plain_yaml
from unripple.io.config import Config, Edit, complete, edits, read_config
from unripple.io.digest import file_sha256

_HEAD = """\
# Edits chosen on the page of `unripple editor`. Run them with
#     snakemake --configfile {name}
# Every photo in `photos` gets every edit of the list; results are in `results`.
"""
_OWN = ("photos", "results", "edits", "report", "limits", "recipe")
"""What a batch may have otherwise than the page without giving other bytes."""
_PLACES = ("photos", "results", "edits", "report")
_ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}
_lock = threading.Lock()


class Added(NamedTuple):
    """Where an edit went.

    Attributes:
        batch: the config.
        photo: the photo's file in the batch's folder.
        edit: its name.
        new: whether anything had to be written.
    """

    batch: Path
    photo: Path
    edit: str
    new: bool


def add(batch: Path, config: Config, edit: Edit, photo: Path, name: str) -> Added:
    """Add an edit, and the photo if it is not there yet.

    Args:
        batch: the batch's config; made if there is none.
        config: what the page edits with.
        edit: the edit by its name in the batch.
        photo: the photo's file.
        name: what the photo was called.

    Raises:
        BadConfig: the batch has other settings, or another edit of that name.
        StoreError: something cannot be written.
    """
    with _lock:
        if batch.exists():
            text, content = _extended(batch, config, edit)
        else:
            content = _new(batch, config, edit)
            text = _HEAD.format(name=batch) + _dumped(content)
        complete(content)
        copied, fresh = _copy(Path(content["photos"]), photo, name)
        unchanged = batch.exists() and batch.read_text() == text
        if not unchanged:
            atomic.write_text(batch, text)
        return Added(batch, copied, edit.name, fresh or not unchanged)


def _new(batch: Path, config: Config, edit: Edit) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in _PLACES}
    photos, results = (
        batch.with_name(f"{batch.stem}_{what}").as_posix() for what in ("photos", "results")
    )
    return {"photos": photos, "results": results, **kept, "edits": [_entry(edit)]}


def _entry(edit: Edit) -> dict[str, Any]:
    if edit.translation is not None:
        return {"name": edit.name, "translation": edit.translation}
    return {"name": edit.name, "moves": dict(edit.moves)}


def _dumped(content: Mapping[str, Any]) -> str:
    """YAML of a config, its list of edits last, each edit on a line."""
    before = {key: value for key, value in content.items() if key != "edits"}
    text = yaml.safe_dump(before, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return text + "edits:\n" + "".join(f"  - {_line(entry)}\n" for entry in content["edits"])


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry)  # JSON is YAML


def _extended(batch: Path, config: Config, edit: Edit) -> tuple[str, dict[str, Any]]:
    """The batch's text and content with the edit in it."""
    whole = read_config(batch)  # says what is wrong with it
    other = [
        f"{place}: {json.dumps(theirs)} there, {json.dumps(ours)} here"
        for place, theirs, ours in _differences(whole, config)
    ]
    if other:
        raise BadConfig(
            f"{batch} was begun with other settings ({'; '.join(other[:3])}); choose another file "
            "by --batch, or the same settings on the page"
        )
    text = batch.read_text()
    content: dict[str, Any] = plain_yaml.parse(text, str(batch)) or {}
    same_name = [one for one in edits(whole) if one.name == edit.name]
    if same_name and "edits" in content:
        if same_name[0] != edit:
            raise BadConfig(f"{batch}: there is another edit called {edit.name!r}; choose a name")
        return text, content
    content = {**content, "edits": [*content.get("edits", []), _entry(edit)]}
    content.setdefault("photos", whole["photos"])
    longer = _with_line(text, _entry(edit))
    if _read(longer).get("edits") != content["edits"]:
        raise BadConfig(
            f"{batch}: its `edits` are written in a way that cannot be continued; add the line "
            f"yourself: - {_line(_entry(edit))}"
        )
    return longer, content


def _read(text: str) -> dict[str, Any]:
    try:
        return dict(plain_yaml.parse(text, "batch"))
    except (BadConfig, TypeError, ValueError):
        return {}


def _with_line(text: str, entry: Mapping[str, Any]) -> str:
    """The text with one more item at the end of the list `edits`."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if re.match(r"edits\s*:", line)), None)
    if start is None:
        return "\n".join([*lines, "edits:", f"  - {_line(entry)}"]) + "\n"
    lines[start] = re.sub(r":\s*\[\s*\]", ":", lines[start])
    last, indent = start, "  "
    for i in range(start + 1, len(lines)):
        item = re.match(r"(\s*)- ", lines[i])
        if item:
            indent = item[1]
        elif lines[i].strip() and not lines[i].startswith((" ", "\t", "#")):
            break
        if lines[i].strip() and not lines[i].lstrip().startswith("#"):
            last = i
    lines.insert(last + 1, f"{indent}- {_line(entry)}")
    return "\n".join(lines) + "\n"


def _differences(theirs: Config, ours: Config) -> list[tuple[str, Any, Any]]:
    differences = []
    for key in ours:
        if key in _OWN or theirs[key] == ours[key]:
            continue
        if isinstance(ours[key], dict) and isinstance(theirs[key], dict):
            inner = sorted({*ours[key], *theirs[key]})
            differences += [
                (f"{key}.{name}", theirs[key].get(name), ours[key].get(name))
                for name in inner
                if theirs[key].get(name) != ours[key].get(name)
            ]
        else:
            differences.append((key, theirs[key], ours[key]))
    return differences


def _copy(folder: Path, photo: Path, name: str) -> tuple[Path, bool]:
    """The photo's file in a folder, and whether it had to be copied."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:80] or "photo"
    data = photo.read_bytes()
    endings = [ending for start, ending in _ENDINGS.items() if data.startswith(start)]
    if not endings:
        raise BadPhoto(f"{name}: neither png, jpg nor webp")
    ending = Path(name).suffix if Path(name).suffix.lower() == ".jpeg" else endings[0]
    number = 1
    target = folder / f"{stem}{ending}"
    while target.exists():
        if file_sha256(target) == file_sha256(photo):
            return target, False
        number += 1
        target = folder / f"{stem}-{number}{ending}"
    atomic.write_bytes(target, data)
    return target, True
