"""Named translations: which of them a photo is offered, and what is wrong with the others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from unripple.conventions import BadTranslation, NotOffered, UnrippleError
from unripple.io.translations import (
    ATTRIBUTES,
    VALUES,
    Library,
    Names,
    characteristics_of,
    offered,
    parsed,
    read_translation,
)

SMALL_EYED = (0, 0, 0, 0, 0, 1, 1, 0, 0)
BALD = (0, 0, 0, 0, 0, 1, 4, 0, 2)
CASES = [f"{number:02d}" for number in range(16)]
OFFSET = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("case", CASES)
def test_the_published_cases(goldens: Path, case: str) -> None:
    golden = json.loads((goldens / "ceteris_paribus/golden.json").read_text())
    assert sorted(golden["cases"]) == CASES
    asked, stored = golden["cases"][case], golden["constants"]["repository_files"]
    folders = {name: asked.get(name, []) for name in ("unconditional", "conditional", "custom")}
    folders = {name: stored[name] if of == "repository" else of for name, of in folders.items()}
    if not asked["use_precomputed"]:
        folders |= {"unconditional": [], "conditional": []}
    names = Names(**folders)
    if "expected" not in asked:
        with pytest.raises(BadTranslation):
            offered(names, asked["characteristics"])
        return
    found = offered(names, asked["characteristics"])
    keys = {key: f"{folder}/{name}" for key, (folder, name) in found.items()}
    assert keys == asked["expected"]


@pytest.mark.parametrize(
    "name", ["smile", "B_", "_1", "B_x", "B_1_fr_", "B_1_to_0", "B_1_fr_0_1", "B_-1", "Be_max_fr_0"]
)
def test_other_names_are_no_translations(name: str) -> None:
    with pytest.raises(BadTranslation, match="'" + name):
        parsed(name)


def library(folder: Path, *names: str, own: tuple[str, ...] = ()) -> Library:
    for name in (*names, *(f"own/{one}" for one in own)):
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, OFFSET)
    return Library(folder, folder / "own")


def test_ones_own_file_wins(tmp_path: Path) -> None:
    files = library(tmp_path, "unconditional/B_0", "conditional/B_0_fr_1", own=("B_0",))
    assert files.choose("B_0", SMALL_EYED) == tmp_path / "own/B_0.npy"
    assert Library(tmp_path).choose("B_0", SMALL_EYED).name == "B_0_fr_1.npy"
    assert Library(tmp_path).choose("B_0", None).name == "B_0.npy"


def test_what_a_photo_has_already_is_not_offered(tmp_path: Path) -> None:
    files = library(tmp_path, "unconditional/B_1", "unconditional/Hc_4")
    with pytest.raises(NotOffered, match="the photo has B 1 already"):
        files.choose("B_1", SMALL_EYED)
    with pytest.raises(NotOffered, match="the photo has Hc 4 already"):
        files.choose("bald", BALD)


@pytest.mark.parametrize("name", ["bald", "Hc_4"])
@pytest.mark.parametrize("characteristics", [SMALL_EYED, None])
def test_bald_is_the_fourth_hair_colour(
    tmp_path: Path, name: str, characteristics: tuple[int, ...] | None
) -> None:
    files = library(tmp_path, "unconditional/Hc_4")
    assert files.choose(name, characteristics).name == "Hc_4.npy"


def test_what_starts_from_a_value_needs_to_know_it(tmp_path: Path) -> None:
    files = library(tmp_path, "conditional/A_1_fr_0", "conditional/A_1_fr_2")
    assert files.choose("A_1", SMALL_EYED).name == "A_1_fr_0.npy"
    with pytest.raises(NotOffered, match=r"A_1_fr_0, A_1_fr_2.*not known.*into the sheet"):
        files.choose("A_1", None)


def test_a_missing_one_says_what_is_missing_and_what_there_is(tmp_path: Path) -> None:
    files = library(tmp_path, "unconditional/B_0", "conditional/A_2_fr_1")
    with pytest.raises(BadTranslation, match=r"'A_2' is missing: no A_2\.npy/\.npz or A_2_fr_OLD"):
        files.choose("A_2", SMALL_EYED)
    with pytest.raises(BadTranslation, match="did you mean 'B_0'"):
        files.choose("b_0", SMALL_EYED)
    with pytest.raises(BadTranslation, match="no translations at all"):
        Library().choose("B_0", SMALL_EYED)


def test_a_badly_named_file_is_named(tmp_path: Path) -> None:
    files = library(tmp_path, "unconditional/B_0", own=("smile",))
    with pytest.raises(BadTranslation, match="'smile'"):
        files.choose("B_0", SMALL_EYED)
    assert files.choose("smile", None).name == "smile.npy"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    files = library(tmp_path, "unconditional/B_0")
    np.savez(tmp_path / "unconditional/B_0.npz", OFFSET)
    with pytest.raises(BadTranslation, match=r"B_0\.npy has the same name"):
        files.names()


def test_every_edit_that_anybody_may_be_offered(tmp_path: Path) -> None:
    files = library(
        tmp_path, "unconditional/Hc_4", "conditional/A_1_fr_0", "conditional/A_1_fr_2", own=("B_1",)
    )
    (tmp_path / "unconditional/README.md").write_text("no translation")
    assert files.edits() == ["A_1", "B_1", "bald"]
    assert Library(tmp_path / "nowhere").edits() == []


def test_another_file_has_another_stamp(tmp_path: Path) -> None:
    before = library(tmp_path, "unconditional/B_0").stamp()
    np.save(tmp_path / "unconditional/B_0.npy", OFFSET + 1)
    assert Library(tmp_path, tmp_path / "own").stamp() != before


def test_offsets_are_read_in_all_their_forms(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", OFFSET)
    np.save(tmp_path / "b.npy", OFFSET[None])
    np.savez(tmp_path / "c.npz", offset=OFFSET)
    for name in ("a.npy", "b.npy", "c.npz"):
        assert np.array_equal(read_translation(tmp_path / name), OFFSET)


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (OFFSET.astype(np.float64), r"float64 \[4, 3\]"),
        (OFFSET[0], r"float32 \[3\]"),
        (np.stack([OFFSET, OFFSET]), r"float32 \[2, 4, 3\]"),
        (np.where(OFFSET == 5, np.nan, OFFSET).astype(np.float32), "nan"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, complaint: str) -> None:
    np.save(tmp_path / "B_1.npy", array)
    with pytest.raises(BadTranslation, match=complaint):
        read_translation(tmp_path / "B_1.npy")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "B_1.npy").write_bytes(b"these are words")
    (tmp_path / "B_1.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "B_2.npz", one=OFFSET, two=OFFSET)
    for name, complaint in (("B_1.npy", "read"), ("B_1.npz", "read"), ("B_2.npz", "2 arrays")):
        with pytest.raises(BadTranslation, match=complaint):
            read_translation(tmp_path / name)


@pytest.mark.parametrize("column", ["0_2_1_1_1_1_1_0_0", "0, 2, 1, 1, 1, 1, 1, 0, 0"])
def test_the_sheet_comes_before_the_files_name(column: str) -> None:
    path = Path("photos/1_1_1_1_1_1_1_1_1.png")
    assert characteristics_of(path) == (1,) * 9
    assert characteristics_of(path, column) == (0, 2, 1, 1, 1, 1, 1, 0, 0)


@pytest.mark.parametrize("name", ["anna.png", "2024_11_21.jpg", "0_2_1_1_1_1_1_0.png"])
def test_other_file_names_say_nothing(name: str) -> None:
    assert characteristics_of(Path(name)) is None


@pytest.mark.parametrize("column", ["0_2_1", "a_b_c_d_e_f_g_h_i", "0_3_1_1_1_1_1_0_0", "yes"])
def test_a_column_that_says_nothing_sound_is_an_error(column: str) -> None:
    with pytest.raises(UnrippleError, match="sheet: characteristics"):
        characteristics_of(Path("anna.png"), column)


def test_there_are_nine() -> None:
    assert len(ATTRIBUTES) == len(VALUES) == 9


def test_what_is_no_file_costs_only_the_photos_that_are_offered_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "B_1.npy")
    (tmp_path / "B_2.npy").mkdir()
    library = Library(own=tmp_path)
    assert len(library.stamp()) == 64
    for name, word in (("B_1", "a pipe"), ("B_2", "a folder")):
        with pytest.raises(BadTranslation, match=word):
            read_translation(library.choose(name, None))


def test_a_damaged_archive_is_a_bad_translation(tmp_path: Path) -> None:
    path = tmp_path / "B_1.npz"
    np.savez_compressed(path, a=np.random.default_rng(1).normal(size=(16, 32)).astype("f4"))
    data = path.read_bytes()
    path.write_bytes(data[:60] + b"\xff" * 140 + data[200:])
    with pytest.raises(BadTranslation, match=r"B_1\.npz"):
        read_translation(path)
