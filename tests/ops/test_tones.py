"""Photographs without colours of their own are told from those with pale ones, and stay so."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture
from unripple.conventions import Photo
from unripple.ops.tones import Tone, tone_of, toned

SIDE = 128
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
PHOTOS = ("portrait-01", "portrait-02", "portrait-03", "portrait-04", "portrait-08")


def photo_of(repo: Path, name: str) -> Photo:
    with Image.open(repo / "data" / "photos" / f"{name}.png") as stored:
        return np.array(stored.convert("RGB"))


def small(photo: Photo) -> Photo:
    return np.array(Image.fromarray(photo).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def grey(photo: Photo) -> Photo:
    return np.repeat(np.array(Image.fromarray(photo).convert("L"))[..., None], 3, axis=2)


def sepia(photo: Photo) -> Photo:
    levels: Photo = np.rint(np.clip(photo @ SEPIA.T, 0, 255)).astype(np.uint8)
    return levels


def between(photo: Photo, dark: tuple[int, ...], light: tuple[int, ...]) -> Photo:
    share = grey(photo) / 255
    levels: Photo = np.rint((1 - share) * dark + share * np.array(light)).astype(np.uint8)
    return levels


TONES = {
    "sepia": sepia,
    "cyanotype": lambda photo: between(photo, (0, 30, 80), (240, 248, 255)),
    "selenium": lambda photo: between(photo, (20, 8, 16), (250, 244, 248)),
    "red light": lambda photo: between(photo, (0, 0, 0), (255, 40, 30)),
}


def saved(photo: Photo, kind: str, quality: int) -> Photo:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, kind, quality=quality)
    with Image.open(buffer) as stored:
        return np.array(stored.convert("RGB"))


def chroma(photo: Photo) -> int:
    return int(np.ptp(photo.astype(int), axis=2).max())


@pytest.mark.parametrize("name", PHOTOS)
def test_a_grey_photo_gets_no_chroma(repo: Path, name: str) -> None:
    photo = photo_of(repo, name)
    for kind, quality in (("PNG", 0), ("JPEG", 60), ("WEBP", 75)):
        tone = tone_of(small(saved(grey(photo), kind, quality)))
        assert tone is not None
        assert chroma(toned(picture(1), tone)) == 0
    assert np.array_equal(toned(grey(photo), tone), grey(photo))  # its light stays to the byte


@pytest.mark.parametrize("tone_name", TONES)
@pytest.mark.parametrize("name", PHOTOS)
def test_a_toned_photo_is_known_in_every_codec(repo: Path, name: str, tone_name: str) -> None:
    photo = photo_of(repo, name)
    print_ = TONES[tone_name](photo)
    for kind, quality in (("PNG", 0), ("JPEG", 95), ("JPEG", 85), ("JPEG", 60), ("WEBP", 75)):
        tone = tone_of(small(saved(print_, kind, quality)))
        assert tone is not None, (kind, quality)
        # What was printed in this tone comes back in it.
        again = toned(small(print_), tone).astype(int)
        assert np.abs(again - small(print_)).mean() < 3


@pytest.mark.parametrize("name", PHOTOS)
def test_colour_photos_are_told_apart_even_when_pale(repo: Path, name: str) -> None:
    photo = photo_of(repo, name)
    without = grey(photo).astype(float)
    for share in (1.0, 0.5, 0.2):
        pale = np.rint(without + share * (photo - without)).astype(np.uint8)
        assert tone_of(small(pale)) is None, share


def test_one_coloured_thing_makes_a_colour_photo(repo: Path) -> None:
    crop = small(grey(photo_of(repo, "portrait-04")))
    assert tone_of(crop) is not None
    crop[60:64, 60:64] = (200, 20, 30)  # an earring
    assert tone_of(crop) is None


def test_noise_is_no_tone_and_a_level_of_it_no_colour(repo: Path) -> None:
    assert tone_of(picture(1)) is None
    crop = small(grey(photo_of(repo, "portrait-01"))).astype(int)
    noise = np.random.default_rng(0).integers(-1, 2, crop.shape)
    tone = tone_of(np.clip(crop + noise, 0, 255).astype(np.uint8))
    assert tone is not None and chroma(toned(picture(1), tone)) == 0


def test_light_stays_and_levels_beyond_the_photos_take_the_nearest_tone() -> None:
    blue, red = np.full(256, -10.0), np.full(256, 8.0)
    levels = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    shown = toned(levels, Tone(blue, red)) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(shown - np.arange(256))[0, 20:235].max() <= 0.6
    narrow = np.full((32, 32, 3), (120, 100, 70), np.uint8)
    narrow[:16] = (96, 80, 56)
    tone = tone_of(narrow)
    assert tone is not None and tone.red[0] == pytest.approx(tone.red[80], abs=0.5)
