"""Artifacts that a worker process keeps in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unripple.io.digest import value_sha256
from unripple.io.metadata import NOTHING
from unripple.io.store import Store
from unripple.runtime import cache as module
from unripple.runtime.cache import StoreCache


def artifact(number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    return {
        "picture": rng.integers(0, 256, (16, 16, 3), dtype=np.uint8),
        "mask": rng.random((16, 16)) < 0.5,
        "maps": rng.random((4, 5, 3), np.float32).transpose(2, 0, 1),
        "figures": {"one": 1.5, "two": None, "points": (1, 2)},
    }


def put(cache: StoreCache, number: int) -> str:
    made_from = {"settings": {"number": number}}
    key = value_sha256(made_from)
    cache.put(key, artifact(number), made_from, NOTHING)
    return key


def test_what_was_written_is_what_the_store_gives_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_recent", module._Recent())
    cache = StoreCache(Store(tmp_path))
    key = put(cache, 1)
    kept, read = cache.get(key), Store(tmp_path).get(key)
    assert kept.keys() == read.keys() and kept["figures"] == read["figures"]
    for name in ("picture", "mask", "maps"):
        one, other = np.asarray(kept[name]), np.asarray(read[name])
        assert one.dtype == other.dtype and one.strides == other.strides
        assert np.array_equal(one, other)


def test_it_is_read_once_and_the_oldest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_recent", module._Recent())
    store, reads = Store(tmp_path), []
    read = Store.get

    def counted(self: Store, key: str) -> Any:
        reads.append(key)
        return read(self, key)

    monkeypatch.setattr(Store, "get", counted)
    monkeypatch.setattr(module, "RECENT_BYTES", 2600)  # two artifacts of 1,264
    cache = StoreCache(store)
    first, second = put(cache, 1), put(cache, 2)
    assert cache.get(second) is cache.get(second) and not reads
    put(cache, 3)
    cache.get(first)
    assert reads == [first]


def test_without_being_told_nothing_is_kept(tmp_path: Path) -> None:
    cache = StoreCache(Store(tmp_path))
    key = put(cache, 1)
    assert cache.get(key) is not cache.get(key)
