"""Names and files of translations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unripple.conventions import UnknownName, UnrippleError
from unripple.webui.translations import (
    check_name,
    list_translations,
    read_translation,
    save_translation,
)


@pytest.mark.parametrize("name", ["Be_max", "N_min", "Hc_4", "Hc_4_fr_1", "Smile_12"])
def test_the_grammars_names_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Be", "Be_", "_max", "Be_maximum", "Be_max_fr_1", "Hc_4_fr_", "Hc_4_from_1", "../Be_max",
     "Be_max.npy", "Be max_1", "Bé_max", "Hc_٤", "a" * 60 + "_max", "Be_max\n"],
)  # fmt: skip
def test_all_others_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnrippleError, match="attribute_min"):
        save_translation(tmp_path, name, np.zeros((2, 3), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_what_is_saved_is_listed_and_read_back(tmp_path: Path) -> None:
    offset = np.random.default_rng(0).normal(size=(10, 16)).astype(np.float32)
    save_translation(tmp_path, "Hc_4_fr_1", offset)
    for kind, name in (("unconditional", "Be_max"), ("conditional", "A_2_fr_0")):
        (tmp_path / "embedded" / kind).mkdir(parents=True)
        np.save(tmp_path / "embedded" / kind / f"{name}.npy", offset[None])
    listed = list_translations(tmp_path, tmp_path / "missing")
    assert list(listed) == ["embedded/A_2_fr_0", "embedded/Be_max", "user/Hc_4_fr_1"]
    for name in listed:
        assert np.array_equal(read_translation(name, listed), offset)


def test_a_name_that_exists_is_not_written_over(tmp_path: Path) -> None:
    one, other = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    path = save_translation(tmp_path, "Hc_4", one)
    assert save_translation(tmp_path, "Hc_4", one) == path
    for name in ("Hc_4", "HC_4"):
        with pytest.raises(UnrippleError, match="another translation Hc_4 already"):
            save_translation(tmp_path, name, other)
    assert np.array_equal(np.load(path), one) and len(list(path.parent.iterdir())) == 1


def test_files_that_are_no_offsets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "A_1.npy").write_bytes(b"no array")
    np.save(tmp_path / "user" / "A_2.npy", np.zeros(3, np.float32))
    np.save(tmp_path / "user" / "A_3.npy", np.full((2, 2), np.nan, np.float32))
    np.save(tmp_path / "user" / "A_4.npy", np.array([object()]), allow_pickle=True)
    listed = list_translations(tmp_path)
    for name in listed:
        with pytest.raises(UnrippleError, match=r"A_\d\.npy"):
            read_translation(name, listed)
    with pytest.raises(UnknownName, match="did you mean 'user/A_1'"):
        read_translation("user/A_11", listed)
