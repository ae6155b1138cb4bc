"""The store never trusts what it did not finish."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from unripple import atomic
from unripple.conventions import StoreError
from unripple.io.digest import value_sha256
from unripple.io.metadata import Metadata
from unripple.io.provenance import SOURCE_TYPE, source_type, xmp_packet
from unripple.io.store import Store

PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
ARTIFACT = {"picture": PICTURE, "w_plus": np.ones((2, 3), np.float32), "figures": {"a": 1.5}}
MADE_FROM = {"stage": "edit", "version": 1, "settings": {"strength": 1.0}}
KEY = value_sha256(MADE_FROM)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_an_artifact_comes_back(store: Store) -> None:
    assert not store.has(KEY)
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert store.has(KEY)
    back = store.get(KEY)
    assert set(back) == set(ARTIFACT)
    assert np.array_equal(back["picture"], PICTURE)
    assert back["figures"] == {"a": 1.5}
    assert store.made_from(KEY) == MADE_FROM
    assert list(store.stored()) == [KEY]


def test_the_same_artifact_has_the_same_bytes(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    for store in (one, other):
        store.put(KEY, ARTIFACT, MADE_FROM, metadata=Metadata(xmp=xmp_packet()))
    for path in files(one):
        assert (other.root / path.relative_to(one.root)).read_bytes() == path.read_bytes()


def test_colour_pictures_carry_the_mark(store: Store) -> None:
    store.put(KEY, ARTIFACT, MADE_FROM, metadata=Metadata(xmp=xmp_packet()))
    assert source_type(store.parts(KEY)["picture"]) == SOURCE_TYPE


def test_putting_it_twice_is_harmless(store: Store) -> None:
    store.put(KEY, ARTIFACT, MADE_FROM)
    before = {path: path.stat().st_mtime_ns for path in files(store)}
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert {path: path.stat().st_mtime_ns for path in files(store)} == before


@pytest.mark.parametrize("fails_at", range(5))
def test_a_full_disk_leaves_nothing_half_written(
    store: Store, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    calls = iter(range(100))
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        store.put(KEY, ARTIFACT, MADE_FROM)
    assert not files(store)
    assert not store.has(KEY)


def test_a_killed_write_is_no_artifact(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(_: Path) -> None:
        raise Killed

    monkeypatch.setattr(atomic, "sync_folder", killed)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # no time to tidy up
    with pytest.raises(Killed):
        store.put(KEY, ARTIFACT, MADE_FROM)
    monkeypatch.undo()
    assert files(store)
    assert not store.has(KEY)
    assert store.sweep() == 1
    assert not files(store)


def test_a_shortened_part_makes_way_for_a_new_one(store: Store) -> None:
    store.put(KEY, ARTIFACT, MADE_FROM)
    part = store.parts(KEY)["picture"]
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:10])
    assert not store.has(KEY)
    with pytest.raises(StoreError, match="missing or damaged"):
        store.get(KEY)
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert np.array_equal(store.get(KEY)["picture"], PICTURE)


def test_a_part_that_grew_is_no_less_damaged(store: Store) -> None:
    """A file that was appended to would still begin as the right one."""
    store.put(KEY, ARTIFACT, MADE_FROM)
    part = store.parts(KEY)["w_plus"]
    part.chmod(0o644)
    part.write_bytes(part.read_bytes() + b"\0")
    assert not store.has(KEY)
    for read in (store.get, store.parts, store.made_from):
        with pytest.raises(StoreError, match="missing or damaged"):
            read(KEY)
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert store.has(KEY)


def test_damage_is_found_by_rehashing(store: Store) -> None:
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert store.damage(KEY) is None
    part = store.parts(KEY)["w_plus"]
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.chmod(0o644)
    part.write_bytes(data)
    assert "its bytes changed" in str(store.damage(KEY))


def test_a_folder_under_a_wrong_name_is_damage(store: Store) -> None:
    wrong = "00" * 32
    store.put(wrong, ARTIFACT, MADE_FROM)
    assert "not the hash" in str(store.damage(wrong))


def test_a_folder_without_digests_is_damage(store: Store) -> None:
    store.folder(KEY).mkdir(parents=True)
    assert not store.has(KEY)
    assert "incomplete" in str(store.damage(KEY))


def test_finished_files_are_read_only(store: Store) -> None:
    store.put(KEY, ARTIFACT, MADE_FROM)
    assert {path.stat().st_mode & 0o777 for path in files(store)} == {0o444}
