"""A config that the pipeline runs, filled edit by edit from the page.

The batch's photos lie in a folder beside it, its edits in the list `edits`, each with the names of
the photos that it is for. What people wrote into the file stays as it is, comments and all.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unripple import atomic
from unripple.conventions import BadConfig
from unripple.io import plain_yaml
from unripple.io.config import Config, Edit, complete, edits, read_config
from unripple.io.text_edits import entry_of
from unripple.webui.batch_marks import Marked, Marks

_HEAD = """\
# Edits chosen on the page of `unripple editor`. Run them with
#     snakemake --configfile {name}
# An edit is for the photos that it names, or for all in the folder if it names none; results are in
# `results`.
"""
_OWN = ("photos", "results", "edits", "report", "limits", "recipe")
"""What a batch may have otherwise than the page without giving other bytes."""
_PLACES = ("photos", "results", "edits", "report")
_OWN_IN = {"edit": ("keep", "keep_pixels"), "align": ("landmarks",)}
"""Likewise, in its sections: what is told of single photos."""
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


def add(batch: Path, config: Config, edit: Edit, photo: Marked, *, rename: bool = False) -> Added:
    """Add an edit of a photo, and the photo if it is not there yet.

    Args:
        batch: the batch's config; made if there is none.
        config: what the page edits with.
        edit: the edit by its name in the batch.
        photo: the photo, and what is told of it.
        rename: whether the edit may get another name, where another edit has this one.

    Raises:
        BadConfig: the batch has other settings, or another edit of that name.
        StoreError: something cannot be written.
    """
    with _lock:
        marks = Marks(batch)
        if batch.exists():
            there = edits(read_config(batch))
            edit = _named(edit, there) if rename else edit
            folder = Path(read_config(batch)["photos"])
            target, fresh = marks.place_for(photo, folder)
            edit = replace(edit, photos=(target.name,))
            text = _extended(batch, config, edit)
        else:
            target, fresh = marks.place_for(photo, _folder(batch))
            edit = replace(edit, photos=(target.name,))
            content = _new(batch, config, edit)
            text = _HEAD.format(name=batch) + _dumped(content)
        text = marks.told(text, photo)
        complete(_read(text))
        if fresh:
            atomic.write_bytes(target, photo.path.read_bytes())
        marks.write(text, photo, target)
        unchanged = batch.exists() and batch.read_text() == text
        if not unchanged:
            atomic.write_text(batch, text)
        return Added(batch, target, edit.name, fresh or not unchanged)


def remove(batch: Path, edit_name: str, photo: str) -> None:
    """Take a photo away from an edit, and the edit from the list if it has none left.

    Args:
        batch: the batch's config.
        edit_name: the edit's.
        photo: the photo's file name.

    Raises:
        BadConfig: the list is written in a way that cannot be continued.
    """
    with _lock:
        text = batch.read_text()
        listed = list((plain_yaml.parse(text, str(batch)) or {}).get("edits", []))
        place = next((i for i, one in enumerate(listed) if _is_called(one, edit_name)), None)
        if place is None or photo not in listed[place].get("photos", []):
            return
        before = listed[place]
        left = [name for name in before["photos"] if name != photo]
        listed[place : place + 1] = [{**before, "photos": left}] if left else []
        line = f"- {_line(before)}"
        if left:
            shorter = text.replace(line, f"- {_line(listed[place])}", 1)
        else:
            lines = [one for one in text.splitlines() if one.strip() != line]
            shorter = "\n".join(lines) + "\n"
            shorter = shorter if listed else re.sub(r"(?m)^edits:\s*$", "edits: []", shorter)
        if _read(shorter).get("edits") != listed:
            raise BadConfig(f"{batch}: take {photo} out of the edit {edit_name} yourself")
        atomic.write_text(batch, shorter)


def _named(edit: Edit, there: Sequence[Edit]) -> Edit:
    """The edit under a name that no other edit has."""
    taken = {one.name.casefold() for one in there if replace(one, photos=None) != edit}
    number, name = 1, edit.name
    while name.casefold() in taken:
        number += 1
        name = f"{edit.name}_{number}"
        edit = replace(edit, name=name) if name.casefold() not in taken else edit
    return edit


def _folder(batch: Path) -> Path:
    return batch.with_name(f"{batch.stem}_photos")


def _new(batch: Path, config: Config, edit: Edit) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in _PLACES}
    results = batch.with_name(f"{batch.stem}_results").as_posix()
    photos = _folder(batch).as_posix()
    return {"photos": photos, "results": results, **kept, "edits": [_entry(edit)]}


def _entry(edit: Edit) -> dict[str, Any]:
    only = {} if edit.photos is None else {"photos": list(edit.photos)}
    if edit.translation is not None:
        return {"name": edit.name, "translation": edit.translation, **only}
    if edit.said:
        return {"name": edit.name, **entry_of(edit), **only}
    return {"name": edit.name, "moves": dict(edit.moves), **only}


def _dumped(content: Mapping[str, Any]) -> str:
    """YAML of a config, its list of edits last, each edit on a line."""
    before = {key: value for key, value in content.items() if key != "edits"}
    text = yaml.safe_dump(before, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return text + "edits:\n" + "".join(f"  - {_line(entry)}\n" for entry in content["edits"])


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry)  # JSON is YAML


def _extended(batch: Path, config: Config, edit: Edit) -> str:
    """The batch's text with the edit in it."""
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
    listed = list(content.get("edits", []))
    if same_name and "edits" in content:
        before = same_name[0]
        if replace(before, photos=None) != replace(edit, photos=None):
            raise BadConfig(f"{batch}: there is another edit called {edit.name!r}; choose a name")
        if before.photos is None or set(edit.photos or ()) <= set(before.photos):
            return text
        more = replace(edit, photos=(*before.photos, *(edit.photos or ())))
        place = [_is_called(entry, edit.name) for entry in listed].index(True)
        longer = text.replace(_line(listed[place]), _line(_entry(more)), 1)
        listed[place] = _entry(more)
    else:
        longer = _with_line(text, _entry(edit))
        listed.append(_entry(edit))
    if _read(longer).get("edits") != listed:
        raise BadConfig(
            f"{batch}: its `edits` are written in a way that cannot be continued; add the line "
            f"yourself: - {_line(_entry(edit))}"
        )
    return longer


def _is_called(entry: Any, name: str) -> bool:
    return isinstance(entry, Mapping) and entry.get("name") == name


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
            inner = sorted({*ours[key], *theirs[key]} - {*_OWN_IN.get(key, ())})
            differences += [
                (f"{key}.{name}", theirs[key].get(name), ours[key].get(name))
                for name in inner
                if theirs[key].get(name) != ours[key].get(name)
            ]
        else:
            differences.append((key, theirs[key], ours[key]))
    return differences
