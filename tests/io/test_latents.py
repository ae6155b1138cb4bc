"""Latents and labels from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unripple.conventions import BadConfig
from unripple.io.latents import read_labels, read_latents, values_of

W_PLUS = np.random.default_rng(0).normal(size=(2, 5, 4))


def test_a_folder_and_both_kinds_of_npz_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "latents"
    folder.mkdir()
    np.save(folder / "anna.npy", W_PLUS[0])
    np.save(folder / "bob.npy", W_PLUS[1:])  # [1, L, W]
    np.savez(tmp_path / "named.npz", anna=W_PLUS[0], bob=W_PLUS[1])
    np.savez(tmp_path / "stacked.npz", names=["anna", "bob"], latents=W_PLUS)
    for path in (folder, tmp_path / "named.npz", tmp_path / "stacked.npz"):
        found = read_latents(path)
        assert list(found) == ["anna", "bob"]
        assert found["bob"].dtype == np.float32
        assert np.array_equal(found["bob"], W_PLUS[1].astype(np.float32))


def test_bad_latents_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no such file"):
        read_latents(tmp_path / "nothing.npz")
    with pytest.raises(BadConfig, match="no latents here"):
        read_latents(tmp_path)
    np.save(tmp_path / "a.npy", np.zeros(4))
    np.save(tmp_path / "b.npy", np.zeros(5))
    with pytest.raises(BadConfig, match=r"shapes \[\(4,\), \(5,\)\]; wanted all"):
        read_latents(tmp_path)
    (tmp_path / "b.npy").write_bytes(b"no array")
    with pytest.raises(BadConfig, match="cannot be read as latents"):
        read_latents(tmp_path)


@pytest.mark.parametrize(("name", "comma"), [("labels.csv", ","), ("labels.tsv", "\t")])
def test_labels_follow_the_names_whatever_their_order(
    tmp_path: Path, name: str, comma: str
) -> None:
    lines = ["photo,age,smile", "bob.png,30,", "anna,5,-1.5", "carl,7,2"]
    (tmp_path / name).write_text("\n".join(lines).replace(",", comma) + "\n")
    labels = read_labels(tmp_path / name)
    assert labels["smile"] == {"anna": -1.5, "carl": 2.0}
    names = ["anna.jpg", "bob.png", "dora"]
    assert values_of(labels["age"], names).tolist()[:2] == [5, 30]
    assert np.isnan(values_of(labels["age"], names)[2])
    assert np.isnan(values_of(labels["smile"], names)[1])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "wanted a first line"),
        ("name\nanna\n", "wanted a first line"),
        ("name,age\nanna\n", "line 2 has 1 cells, not 2"),
        ("name,age\nanna,old\n", "line 2: age: 'old' is no number"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(BadConfig, match=complaint):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(BadConfig, match="cannot be read"):
        read_labels(tmp_path / "nothing.csv")
