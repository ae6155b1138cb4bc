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


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_labels_as_spreadsheets_save_them(tmp_path: Path, coding: str) -> None:
    (tmp_path / "labels.csv").write_bytes("name;age\r\nänna;30,5\r\n;;\r\n".encode(coding))
    assert read_labels(tmp_path / "labels.csv") == {"age": {"änna": 30.5}}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"name,age\nanna,1\nbob,2\nanna,3\n", "lines 2 and 4 both speak of 'anna'"),
        (b"name,age,age\nanna,1,2\n", "two columns 'age'"),
        (b"name,age\nanna,inf\n", "line 2: age: 'inf' is no finite number"),
        (b"name,age\nanna,nan\n", "'nan' is no finite number; leave unknown ones empty"),
        ("name,age\nänna,1\n".encode("latin1"), "save it as UTF-8"),
        (b"name,age\n" + b"a" * 200_000 + b",1\n", "field larger"),
        (b"name,age\n\0,1\n", "NUL"),
    ],
)
def test_labels_that_say_two_things_or_none_are_refused(
    tmp_path: Path, data: bytes, complaint: str
) -> None:
    (tmp_path / "labels.csv").write_bytes(data)
    with pytest.raises(BadConfig, match=rf"labels\.csv.*{complaint}"):
        read_labels(tmp_path / "labels.csv")


def test_a_label_of_one_of_two_photos_is_not_given_to_a_third() -> None:
    labels = {"anna.png": 1.0, "anna.jpg": 2.0}
    assert values_of(labels, ["anna.jpg", "anna.png"]).tolist() == [2, 1]
    with pytest.raises(BadConfig, match=r"'anna\.png' and 'anna\.jpg' both fit 'anna'"):
        values_of(labels, ["anna"])


def test_latents_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for array, words in (
        (np.array([1, np.nan]), "a holds nan or infinite"),
        (np.array([1e300, 1]), "a holds nan or infinite"),
        (np.array([1j, 2]), "no numbers"),
        (np.array(["x"]), "no numbers"),
        (np.zeros(0), "no numbers"),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(BadConfig, match=rf"a\.npy.*{words}"):
            read_latents(tmp_path)
    for names in (np.float32(1), np.array(["a"]), np.array(["a", "a"])):
        np.savez(tmp_path / "b.npz", names=names, latents=np.ones((2, 4), np.float32))
        with pytest.raises(BadConfig, match=r"b\.npz"):
            read_latents(tmp_path / "b.npz")
