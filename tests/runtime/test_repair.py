"""Other programs' edits come back into the photo: laws on a sample photo with embedded networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.disturb import disturb
from tests.ops.disturbed import textured
from tests.tiny import picture, snakemake, write_project
from unripple.cli.main import BAD_INPUT, build_parser, main
from unripple.cli.repair import config_of_pair
from unripple.conventions import AnotherPicture, BadConfig, BadPhoto, CutOff, Mirrored, Photo
from unripple.io.config import complete
from unripple.metrics.fidelity import psnr
from unripple.ops.masks import grow
from unripple.ops.pairing import pair
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.runtime.result import external_settings

NAME = "portrait-01"


def read(path: Path) -> Photo:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def photo(repo: Path) -> Photo:
    return read(repo / "data" / "photos" / f"{NAME}.png")


@pytest.fixture(scope="module")
def person(repo: Path) -> np.ndarray:
    return read(repo / "data" / "photos" / "truth" / NAME / "alpha.png")[..., 0] >= 128


@pytest.fixture(scope="module")
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
def editor(cache: MemoryCache) -> Editor:
    return Editor(settings=external_settings({"align": {"mode": "aligned"}}), cache=cache)


@pytest.fixture(scope="module")
def eyes(photo: Photo) -> Photo:
    """A stranger's edit: two dark discs over the eyes' region."""
    edited = photo.copy()
    for x in (104, 152):
        cv2.circle(edited, (x, 118), 16, (20, 20, 30), -1, cv2.LINE_AA)
    return edited


def disturbed(edited: Photo, photo: Photo, seed: int) -> Photo:
    return disturb(edited, None, np.random.default_rng(seed), old=photo).picture


def test_an_undisturbed_copy_comes_back_to_the_byte(editor: Editor, photo: Photo) -> None:
    assert np.array_equal(editor.repair(photo, photo).picture, photo)


@pytest.mark.parametrize("seed", range(3))
def test_an_unedited_photo_comes_back_to_the_byte_but_for_what_is_told(
    editor: Editor, photo: Photo, person: np.ndarray, seed: int
) -> None:
    result = editor.repair(photo, disturbed(photo, photo, seed))
    same = (result.picture == photo).all(2)
    touched: Any = result.artifacts["paste"]["touched"]
    assert same[~touched].all() and same[~person].all()
    assert touched.mean() < 0.02
    again = editor.repair(photo, disturbed(result.picture, photo, seed + 10))
    assert (again.picture == photo).all(2)[~person].all()


def test_what_was_meant_stays_and_the_rest_is_the_photos(
    editor: Editor, photo: Photo, eyes: Photo
) -> None:
    given = disturbed(eyes, photo, 2)
    result = editor.repair(photo, given)
    change = np.abs(eyes.astype(int) - photo).max(2) > 30
    far = cv2.dilate(change.astype(np.uint8), np.ones((31, 31))) == 0
    assert (result.picture == photo).all(2)[far].mean() > 0.995
    resized = cv2.resize(given, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert psnr(result.picture, eyes) > psnr(resized, eyes) + 6
    assert psnr(result.picture, eyes, change) > psnr(resized, eyes, change) - 0.5


def test_a_turned_head_comes_whole_before_the_background_that_the_editor_shows(
    editor: Editor, repo: Path, photo: Photo, person: np.ndarray
) -> None:
    truth = repo / "data" / "photos" / "truth" / NAME
    turned = read(truth / "look_left" / "photo.png")
    after = read(truth / "look_left" / "alpha.png")[..., 0] >= 128
    given = disturb(turned, None, np.random.default_rng(6)).picture
    repaired = editor.repair(photo, given)
    result, painted = repaired.picture, repaired.artifacts["inpaint"]["plate"]
    resized = cv2.resize(given, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert psnr(result, turned) > psnr(resized, turned) + 8
    assert psnr(result, turned, after) > psnr(resized, turned, after) + 3
    away = person & ~after
    assert psnr(result, turned, away) > psnr(painted, turned, away) + 6
    outside = ~grow(person | after, 6)
    assert (result == photo).all(2)[outside].mean() > 0.995


def test_parts_and_masks_say_what_may_stay(
    photo: Photo, eyes: Photo, tmp_path: Path, cache: MemoryCache
) -> None:
    def kept(keep: Any, mask: Path | None = None) -> Photo:
        compose = {"kept": {"keep": keep}}
        settings = external_settings({"align": {"mode": "aligned"}, "compose": compose})
        return Editor(settings=settings, cache=cache).repair(photo, eyes, mask=mask).picture

    assert np.array_equal(kept(["hat"]), photo)
    left = np.zeros(photo.shape[:2], np.uint8)
    left[:, :128] = 255
    Image.fromarray(left).save(tmp_path / "mask.png")
    masked = kept("mask", tmp_path / "mask.png")
    assert (
        np.array_equal(masked[:, 128:], photo[:, 128:])
        and (masked[:, :128] != photo[:, :128]).any()
    )
    with pytest.raises(BadPhoto, match=r"no <photo>\.mask\.png"):
        kept("mask")


def test_every_mode_of_keep_goes_by_config_command_and_python() -> None:
    for keep in ("person", "auto", "mask", ["hair"], ["hair", "cloth"]):
        word = keep if isinstance(keep, str) else f"[{', '.join(keep)}]"
        said = ["repair", "photo.jpg", "edited.png", "-o", "out.png", "--set"]
        options = build_parser().parse_args([*said, f"compose.kept.keep={word}"])
        by_command = config_of_pair(options)["compose"]["kept"]["keep"]
        by_python = external_settings({"compose": {"kept": {"keep": keep}}})
        assert by_command == complete(by_python)["compose"]["kept"]["keep"] == keep
    masked = build_parser().parse_args([*said[:-1], "--mask", "mask.png"])
    assert config_of_pair(masked)["compose"]["kept"]["keep"] == "mask"
    for wrong in ("horns", ["horns"]):
        with pytest.raises(BadConfig, match=r"compose\.kept\.keep"):
            complete(external_settings({"compose": {"kept": {"keep": wrong}}}))


@pytest.mark.parametrize("number", ["02", "04"])
def test_faces_that_look_like_their_mirror_images_are_told_from_them(
    repo: Path, number: str
) -> None:
    face = read(repo / "data" / "photos" / f"portrait-{number}.png")
    with pytest.raises(Mirrored):
        pair(face, np.ascontiguousarray(disturbed(face, face, 1)[:, ::-1]))


def test_what_is_no_pair_is_refused_by_its_kind(editor: Editor, photo: Photo) -> None:
    with pytest.raises(Mirrored):
        editor.repair(photo, photo[:, ::-1].copy())
    with pytest.raises(AnotherPicture):
        editor.repair(photo, textured(1, 256, 256))
    with pytest.raises(CutOff, match="of the face"):
        editor.repair(photo, photo[:, 110:].copy())
    with pytest.raises(BadConfig, match="this editor's recipe is ripple"):
        Editor().repair(photo, photo)


def test_the_commands_repair_and_score(
    repo: Path, eyes: Photo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, edited = repo / "data" / "photos" / f"{NAME}.png", tmp_path / "edited.webp"
    Image.fromarray(disturbed(eyes, eyes, 5)).save(edited, quality=90)
    both = [str(photo), str(edited), "--set", "align.mode=aligned"]
    assert main(["repair", *both, "-o", str(tmp_path / "out.png")]) == 0
    assert read(tmp_path / "out.png").shape == (256, 256, 3)
    assert main(["score", *both, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["bytes_kept"] > 0.8 > figures["bytes_kept_of_edit"]
    assert abs(figures["drift_zoom_of_edit"]) > 0.1 > abs(figures["drift_zoom"])
    assert figures["drift_colour"] < 0.05 < figures["drift_colour_of_edit"]
    assert figures["drift_flow"] == 0 and figures["drift_flow_of_edit"] is not None
    assert figures["identity_cosine"] > figures["identity_cosine_of_edit"]
    assert figures["background_identical"] == 1 > figures["background_identical_of_edit"]
    assert 0 < figures["sharpness_lost"] < 1 and figures["sharpness_returned"] > 0.5
    assert "lpips_outside" not in figures  # the embedded models have none
    assert main(["score", *both]) == 0
    assert "bytes_kept" in capsys.readouterr().out
    assert main(["repair", *both, "-o", str(edited)]) == BAD_INPUT


@pytest.mark.slow
def test_pairs_go_through_the_workflow(tmp_path: Path) -> None:
    """Two photos, two editors, one picture missing: what is new alone is computed again."""
    write_project(tmp_path, {"anna.png": (64, 64), "bob.png": (90, 120)})
    config = json.loads((tmp_path / "config.yaml").read_text())
    del config["edits"]
    (tmp_path / "config.yaml").write_text(
        json.dumps({**config, "recipe": "external", "edits": "all"}, indent=1)
    )
    for edit, names in {"one": ("anna", "bob"), "two": ("anna",)}.items():
        (tmp_path / "edited" / edit).mkdir(parents=True)
        for seed, (name, size) in enumerate({"anna": (64, 64), "bob": (90, 120)}.items()):
            if name in names:
                seen = Image.fromarray(picture(seed, *size)).resize((192, 160))
                seen.save(tmp_path / "edited" / edit / f"{name}.jpg", quality=95)
    Image.new("RGB", (64, 64)).save(tmp_path / "edited" / "one" / "nobody.png")
    said = snakemake(tmp_path)
    assert "no photo to nobody.png" in said and "no edited picture of bob" in said
    told = json.loads((tmp_path / "results" / "measure.json").read_text())
    assert {(row["photo"], row["edit"]) for row in told["edits"]} >= {("anna", "one")}
    assert "Nothing to be done" in snakemake(tmp_path)
    Image.fromarray(picture(0)).resize((200, 200)).save(tmp_path / "edited" / "two" / "anna.jpg")
    said = snakemake(tmp_path, "--dry-run")
    assert "register" in said and "results/register/one" not in said
