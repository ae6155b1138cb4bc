"""`Editor.edit_to`: one direction, and files by the names of StyleFeatureEditor's runner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.sfe_files import write_sfe_project
from unripple import Editor
from unripple.conventions import BadConfig, Photo, UnknownName, UnrippleError
from unripple.io.config import Config, read_config

CROP, PHOTO = Path("data/photos/anna.png"), Path("data/photos/bob.png")
SIDE = 64


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sfe")
    return write_sfe_project(folder, {"anna.png": (SIDE, SIDE), "bob.png": (90, 120)})


@pytest.fixture
def settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(project)
    return read_config(Path("config.yaml"))


def read(path: Path) -> Photo:
    return np.asarray(Image.open(path).convert("RGB"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_crop_is_taken_as_it_is_and_saved_alone(settings: Config, tmp_path: Path) -> None:
    editor = Editor(settings=settings)
    made = editor.edit_to(CROP, "smile", 2, tmp_path / "out.png")
    assert names(tmp_path) == {"out.png"}
    own = {**settings, "align": {**settings["align"], "mode": "aligned", "landmarks": None}}
    alone = Editor(settings=own).edit(CROP, smile=2)
    assert np.array_equal(read(tmp_path / "out.png"), alone.picture)
    assert np.array_equal(made.picture, alone.picture)
    assert np.array_equal(made.artifacts["align"]["picture"], read(CROP))


def test_an_aligned_photo_comes_back_as_crop_and_pasted(settings: Config, tmp_path: Path) -> None:
    editor = Editor(settings=settings)
    editor.edit_to(PHOTO, "smile", 2, tmp_path / "out.png", align=True)
    assert names(tmp_path) == {"out.png", "out_aligned.png", "out_unaligned.png"}
    plainly = editor.edit(PHOTO, smile=2)
    expected: dict[str, Any] = {
        "out.png": plainly.artifacts["compose"]["picture"],
        "out_aligned.png": plainly.artifacts["align"]["picture"],
        "out_unaligned.png": plainly.picture,
    }
    for name, picture in expected.items():
        assert np.array_equal(read(tmp_path / name), picture), name


def test_inversion_and_both_of_e4es_drawings(settings: Config, tmp_path: Path) -> None:
    made = Editor(settings=settings).edit_to(
        CROP, "smile", 2, tmp_path / "s.png", save_inversion=True, save_e4e=True
    )
    assert names(tmp_path) == {"s.png", "s_inversion.png", "s_e4e_inversion.png", "s_e4e_edit.png"}
    parts = made.artifacts
    for name, of in {
        "s_inversion": parts["invert"]["picture"],
        "s_e4e_inversion": parts["invert"]["plain"],
        "s_e4e_edit": parts["edit"]["plain"],
    }.items():
        assert np.array_equal(read(tmp_path / f"{name}.png"), np.asarray(of)), name


def test_other_inverters_have_e4es_drawings_beside_theirs(settings: Config, tmp_path: Path) -> None:
    for method in ("hfgi", "e4e"):
        own = {**settings, "invert": {**settings["invert"], "method": method}}
        made = Editor(settings=own).edit_to(CROP, "smile", 2, tmp_path / "s.png", save_e4e=True)
        if method == "e4e":
            assert np.array_equal(read(tmp_path / "s_e4e_inversion.png"), made.stage("invert"))
        edit = made.artifacts["edit"]
        drawn: Any = edit["plain"] if method == "hfgi" else edit["picture"]
        assert np.array_equal(read(tmp_path / "s_e4e_edit.png"), drawn), method


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_mask_may_be_one_file_or_a_folder(
    settings: Config, tmp_path: Path, as_folder: bool
) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 2] = 255
    (folder := tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(folder / "anna.png")
    (out := tmp_path / "out").mkdir()
    given = folder if as_folder else folder / "anna.png"
    keeping = {**settings, "edit": {**settings["edit"], "keep_pixels": True}}
    made = Editor(settings=keeping).edit_to(CROP, "smile", 3, out / "m.png", mask=given)
    assert names(out) == {"m.png", "m_mask.png", "m_face.png", "m_back.png"}
    before = read(CROP)
    assert np.array_equal(read(out / "m_mask.png")[..., 0], mask)
    assert np.array_equal(read(out / "m.png")[mask == 255], before[mask == 255])
    assert np.array_equal(read(out / "m_face.png") + read(out / "m_back.png"), before)
    assert (made.picture != before).any()


def test_background_by_its_share(settings: Config, tmp_path: Path) -> None:
    editor = Editor(settings=settings)
    shares = {}
    for threshold in (0.0, 1.0):
        place = tmp_path / f"{threshold}.png"
        editor.edit_to(CROP, "smile", 2, place, mask="background", mask_threshold=threshold)
        shares[threshold] = read(place.with_stem(f"{threshold}_mask")).mean()
    assert shares == {0.0: 255, 1.0: 0}


def test_what_cannot_be_is_told_and_nothing_is_written(settings: Config, tmp_path: Path) -> None:
    stages: list[str] = []
    editor = Editor(settings=settings, before_stage=stages.append)
    with pytest.raises(UnknownName, match="no direction"):
        editor.edit_to(CROP, "fs_smilling", 2, tmp_path / "out.png")
    with pytest.raises(UnrippleError, match=r"cannot write \.tif"):
        editor.edit_to(CROP, "smile", 2, tmp_path / "out.tif")
    with pytest.raises(UnrippleError, match=r"save: .* is the photo itself"):
        editor.edit_to(CROP, "smile", 2, CROP)
    assert not stages
    with pytest.raises(BadConfig, match=r"no folder or file 'nowhere\.png'"):
        editor.edit_to(CROP, "smile", 2, tmp_path / "out.png", mask="nowhere.png")
    assert not names(tmp_path)


def test_no_file_beside_it_overwrites_the_photo(settings: Config, tmp_path: Path) -> None:
    photo = tmp_path / "x_inversion.png"
    photo.write_bytes(CROP.read_bytes())
    with pytest.raises(UnrippleError, match="is the photo itself"):
        Editor(settings=settings).edit_to(
            photo, "smile", 2, tmp_path / "x.png", save_inversion=True
        )
    assert photo.read_bytes() == CROP.read_bytes()


def test_the_editors_own_settings_stay(settings: Config, tmp_path: Path) -> None:
    editor = Editor(settings=settings)
    before = json.dumps(editor.config)
    editor.edit_to(CROP, "smile", 2, tmp_path / "out.png", mask="background")
    assert json.dumps(editor.config) == before
