"""Manifests and the readable tree."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from unripple import atomic
from unripple.conventions import StoreError, UnknownName
from unripple.io.digest import value_sha256
from unripple.io.results import Failure, Manifest, Results, date_back, photo_of


def put(results: Results, name: str, **parts: np.ndarray) -> str:
    made_from = {"name": name}
    key = value_sha256(made_from)
    results.store.put(key, parts, made_from)
    return key


def masks(*, fill: bool) -> np.ndarray:
    return np.full((2, 2), fill)


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    results = Results(tmp_path)
    manifest = Manifest({"anna": "ab"}, {"bob": Failure("align", "NoFace", "nobody there")})
    results.write_manifest("edit", "look_left", "00000", manifest)
    assert results.read_manifest("edit", "look_left", "00000") == manifest
    assert (tmp_path / "edit" / "look_left" / "00000.json").exists()


def test_a_missing_or_damaged_manifest_is_named(tmp_path: Path) -> None:
    results = Results(tmp_path)
    with pytest.raises(StoreError, match="not made yet"):
        results.read_manifest("align", None, "00000")
    (tmp_path / "align").mkdir()
    (tmp_path / "align" / "00000.json").write_text('{"photos": {"anna": {"ke')
    with pytest.raises(StoreError, match="damaged"):
        results.read_manifest("align", None, "00000")


def test_the_tree_shows_the_store_by_name(tmp_path: Path) -> None:
    results = Results(tmp_path)
    key = put(results, "a", before=masks(fill=True), after=masks(fill=False))
    results.show("ripple", "smile", {"anna": key}, {"anna"})
    shown = sorted((tmp_path / "ripple" / "smile").iterdir())
    assert [path.name for path in shown] == ["anna.after.png", "anna.before.png"]
    assert shown[0].samefile(results.store.parts(key)["after"])


def test_outdated_pictures_are_taken_away_and_others_stay(tmp_path: Path) -> None:
    results = Results(tmp_path)
    old = put(results, "old", picture=np.zeros((2, 2, 3), np.uint8), residual=np.zeros((3, 2, 2)))
    new = put(results, "new", picture=np.ones((2, 2, 3), np.uint8))
    keys = {"anna": old, "group+1": old, "group+2": old, "other": old}
    results.show("invert", None, keys, {"anna", "group", "other"})
    results.show("invert", None, {"anna": new, "group": new}, {"anna", "group"})
    names = sorted(path.name for path in (tmp_path / "invert").iterdir())
    assert names == [
        "anna.picture.png",
        "group.picture.png",
        "other.picture.png",
        "other.residual.npy",
    ]
    assert (tmp_path / "invert" / "anna.picture.png").samefile(results.store.parts(new)["picture"])


def test_one_file_is_found_by_names(tmp_path: Path) -> None:
    results = Results(tmp_path)
    key = put(results, "a", after=masks(fill=False))
    results.show("ripple", "smile", {"anna": key}, {"anna"})
    assert results.part("ripple", "smile", "anna").name == "anna.after.png"
    with pytest.raises(UnknownName, match="nothing of 'bob'; there is: anna"):
        results.part("ripple", "smile", "bob")
    with pytest.raises(UnknownName, match="with part 'middle'"):
        results.part("ripple", "smile", "anna", "middle")


def test_manifests_are_found_at_both_depths(tmp_path: Path) -> None:
    results = Results(tmp_path)
    one, other = Manifest({"anna": "ab"}, {}), Manifest({"anna": "cd"}, {})
    results.write_manifest("align", None, "00000", one)
    results.write_manifest("edit", "smile", "00001", other)
    put(results, "a", after=masks(fill=False))
    results.manifest_path("edit", "smile", "00002").write_text('{"photos": {')
    found = dict(results.manifests())
    assert found.pop(tmp_path / "align" / "00000.json") == one
    assert found.pop(tmp_path / "edit" / "smile" / "00001.json") == other
    ((path, damage),) = found.items()
    assert path.name == "00002.json" and isinstance(damage, StoreError)


def test_half_written_files_are_swept_up(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.write_manifest("edit", "smile", "00000", Manifest({}, {}))
    atomic.temporary_name(results.manifest_path("edit", "smile", "00000")).write_text("{")
    unfinished = tmp_path / "store" / "unfinished" / "1-a"
    unfinished.mkdir(parents=True)
    assert results.sweep() == 2
    assert not unfinished.exists()
    assert [path.name for path in (tmp_path / "edit" / "smile").iterdir()] == ["00000.json"]


def test_a_face_belongs_to_its_photo() -> None:
    assert photo_of("group+2") == "group"
    assert photo_of("img-2") == "img-2"


@pytest.mark.parametrize("name", ["por*", "?nna", "an", "[a]nna"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    results = Results(tmp_path)
    key = put(results, "a", after=masks(fill=False))
    results.show("ripple", "smile", {"anna": key}, {"anna"})
    with pytest.raises(UnknownName, match="nothing of"):
        results.part("ripple", "smile", name)
    with pytest.raises(UnknownName, match="with part"):
        results.part("ripple", "smile", "anna", "*")


def shown(results: Results) -> Path:
    key = put(results, "a", after=masks(fill=False))
    files = results.show("ripple", "smile", {"anna": key}, {"anna"})
    results.write_manifest("ripple", "smile", "00000", Manifest({"anna": key}, {}, {}, files))
    return results.manifest_path("ripple", "smile", "00000")


@pytest.mark.parametrize("gone", ["nothing", "picture", "artifact", "store", "text"])
def test_what_is_gone_is_seen_by_names_alone(tmp_path: Path, gone: str) -> None:
    results = Results(tmp_path)
    manifest = shown(results)
    (key,) = results.store.stored()
    if gone == "picture":
        (tmp_path / "ripple" / "smile" / "anna.after.png").unlink()
    elif gone == "artifact":
        results.store.remove(key)
    elif gone == "store":
        shutil.rmtree(results.store.root)
    elif gone == "text":
        manifest.write_text("{")
    found = list(results.incomplete([("ripple", "smile"), ("align", None)], ["00000", "00001"]))
    assert found == ([] if gone == "nothing" else [manifest])


def test_a_manifest_that_tells_no_files_is_not_doubted(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.write_manifest("align", None, "00000", Manifest({"anna": "ab"}, {}))
    assert list(results.incomplete([("align", None)], ["00000"])) == []


def test_files_from_the_future_get_the_time_of_now_in_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    before = time.time()
    for path, when in zip(paths, (1000, before + 9000, before + 5000, before + 9000), strict=True):
        path.touch()
        os.utime(path, (when, when))
    date_back(paths)
    old, late, early, also_late = (path.stat().st_mtime for path in paths)
    assert old == 1000 and before <= early < late == also_late < time.time() + 1
