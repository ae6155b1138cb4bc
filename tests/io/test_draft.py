"""Drafts come back exactly, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unripple.io.draft import Draft
from unripple.io.store import Store


def test_a_draft_comes_back_exactly_until_it_is_removed(tmp_path: Path) -> None:
    draft = Draft(tmp_path / "drafts" / "a.npz")
    assert draft.load() is None
    arrays = {"x": np.float32([[1e-8, np.pi]]), "n": np.array(3), "done": np.array([True])}
    draft.save({"x": np.zeros(1)})
    draft.save(arrays)
    found = Draft(tmp_path / "drafts" / "a.npz").load()
    assert found is not None and set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
    draft.remove()
    draft.remove()
    assert draft.load() is None


def test_a_damaged_draft_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    draft = Draft(path)
    draft.save({"x": np.zeros(100)})
    path.write_bytes(path.read_bytes()[:150])
    assert draft.load() is None
    path.write_bytes(b"")
    assert draft.load() is None


def test_a_draft_without_a_file_keeps_nothing() -> None:
    draft = Draft()
    draft.save({"x": np.zeros(1)})
    draft.remove()
    assert draft.load() is None


def test_sweeping_takes_only_drafts_that_nobody_needs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done, open_ = "ab" * 32, "cd" * 32
    store.put(done, {"x": np.zeros(1, np.float32)}, {})
    for key in (done, open_):
        store.draft(key).save({"x": np.zeros(1)})
    (tmp_path / "drafts" / ".x.npz.1-2.tmp").write_bytes(b"half")
    assert store.sweep() == 2
    assert store.draft(done).load() is None
    assert store.draft(open_).load() is not None
    assert list(store.stored()) == [done]
