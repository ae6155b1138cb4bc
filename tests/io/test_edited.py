"""Edited pictures are found by the photo's id."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from unripple.conventions import BadConfig, BadPhoto, NotOffered
from unripple.io.config import complete, edits
from unripple.io.edited import edit_folders, files_of, find_edited, unpaired


def write(path: Path, level: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 10, 3), level, np.uint8)).save(path)
    return path


def test_a_pair_is_one_by_its_id_whatever_name_and_format(tmp_path: Path) -> None:
    write(tmp_path / "smile" / "Anna Ä (2).JPG")
    found = find_edited(tmp_path, "smile", "anna-a-2", max_megapixels=1)
    assert found.path.name == "Anna Ä (2).JPG" and found.mask is None
    assert found.srgb.shape == (8, 10, 3) and set(found.digests()) == {"edited"}


def test_a_mask_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "smile" / "anna.png")
    before = find_edited(tmp_path, "smile", "anna", max_megapixels=1).digests()
    write(tmp_path / "smile" / "anna.mask.png", 255)
    found = find_edited(tmp_path, "smile", "anna", max_megapixels=1)
    assert found.mask is not None and found.mask.all()
    assert found.digests() == {**before, "mask": found.digests()["mask"]}
    assert [path.name for path in files_of(tmp_path, "smile", "anna")] == [
        "anna.png",
        "anna.mask.png",
    ]
    assert unpaired(tmp_path, "smile", ["anna"]) == ([], [])


def test_missing_and_superfluous_ones_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "smile" / "anna.png"), write(tmp_path / "smile" / "zoe.png")
    assert unpaired(tmp_path, "smile", ["anna", "bob"]) == (["bob"], ["zoe.png"])
    assert unpaired(tmp_path, "older", ["anna"]) == (["anna"], [])
    with pytest.raises(NotOffered, match=r"no edited picture of this photo in .*older"):
        find_edited(tmp_path, "older", "anna", max_megapixels=1)


def test_two_pictures_of_one_photo_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "smile" / "anna.png"), write(tmp_path / "smile" / "anna.jpg")
    with pytest.raises(BadPhoto, match=r"anna.jpg and anna.png are both pictures of anna"):
        find_edited(tmp_path, "smile", "anna", max_megapixels=1)


def test_edits_are_the_folders(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no folder in it"):
        edit_folders(tmp_path)
    with pytest.raises(BadConfig, match="no such folder"):
        edit_folders(tmp_path / "nowhere")
    write(tmp_path / "smile" / "anna.png"), write(tmp_path / "older" / "anna.png")
    config = {"recipe": "external", "edited": str(tmp_path), "edits": "all"}
    assert [edit.name for edit in edits(complete(config))] == ["older", "smile"]
    assert [edit.name for edit in edits(complete({**config, "edits": ["smile"]}))] == ["smile"]
    with pytest.raises(BadConfig, match="an edit is the name of a folder"):
        edits(complete({**config, "edits": [{"name": "left", "direction": "pose", "degree": -3}]}))
    write(tmp_path / "2 old" / "anna.png")
    with pytest.raises(BadConfig, match="'2 old' cannot name an edit"):
        edits(complete(config))
    (tmp_path / "2 old").rename(tmp_path / "Photo")
    with pytest.raises(BadConfig, match="names the unedited photo"):
        edits(complete(config))


def test_the_recipe_has_a_composer_of_its_own() -> None:
    assert complete({"recipe": "external", "edits": []})["compose"]["method"] == "kept"
    for recipe, method in (("external", "plate"), ("ripple", "kept"), ("ceteris_paribus", "kept")):
        with pytest.raises(BadConfig, match=f"does not go with recipe {recipe}"):
            complete({"recipe": recipe, "edits": [], "compose": {"method": method}})


def test_what_cannot_be_read_is_refused_by_its_kind_and_not_missed(tmp_path: Path) -> None:
    for name, kind in {"anna.tif": "a TIFF picture", "bob.avif": "an AVIF picture"}.items():
        write(tmp_path / "smile" / name)
        found = find_edited(tmp_path, "smile", Path(name).stem, max_megapixels=1)
        with pytest.raises(BadPhoto, match=f"{name}: {kind}.*; save it as png, jpg or webp"):
            found.digests()
    assert unpaired(tmp_path, "smile", ["anna", "bob"]) == ([], [])
    write(tmp_path / "smile" / "bob.png")  # the export beside its source counts
    assert find_edited(tmp_path, "smile", "bob", max_megapixels=1).path.name == "bob.png"


def test_all_that_programs_export_is_read_alike(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:48, :64]
    levels = np.stack((3 * columns, 4 * rows, 60 + columns + rows), -1).astype(np.uint8)
    plain, place = Image.fromarray(levels), tmp_path / "smile"
    place.mkdir()
    sideways = Image.Exif()
    sideways[0x112] = 6
    plain.transpose(Image.Transpose.ROTATE_90).save(place / "a.jpg", exif=sideways, quality=95)
    plain.convert("RGBA").save(place / "b.png")
    plain.convert("CMYK").save(place / "c.jpg", quality=95)
    plain.quantize(256).save(place / "d.png")
    plain.save(place / "e.webp", quality=95)
    cv2.imwrite(str(place / "f.png"), levels[..., ::-1].astype(np.uint16) * 257)
    Image.fromarray(levels[..., 0]).save(place / "g.png")
    for name in "abcdefg":
        seen = find_edited(tmp_path, "smile", name, max_megapixels=1).srgb
        wanted = levels if name != "g" else np.repeat(levels[..., :1], 3, 2)
        assert seen.shape == levels.shape, name
        assert np.abs(seen.astype(int) - wanted).mean() < 6, name
