"""Grey photographs in two tones, one for the dark and one for the light, keep both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.ops.test_tones import between, grey, photo_of, saved, small
from unripple.conventions import Photo
from unripple.ops.tones import tone_of, toned

LUMA = np.array([0.299, 0.587, 0.114])
PORTRAITS = tuple(f"portrait-0{number}" for number in range(1, 9))


def in_two_tones(photo: Photo, dark: tuple[int, ...], light: tuple[int, ...], hard: float) -> Photo:
    """As photo programs do it: one colour below the middle, one above, none in black and white."""
    levels = grey(photo).astype(float)
    level = levels[..., :1] / 255
    share = np.clip((level - 0.5) * hard + 0.5, 0, 1)
    share = share * share * (3 - 2 * share)
    colours = [np.array(colour) - np.array(colour) @ LUMA for colour in (dark, light)]
    chroma = 4 * level * (1 - level) * ((1 - share) * colours[0] + share * colours[1])
    found: Photo = np.rint(np.clip(levels + chroma, 0, 255)).astype(np.uint8)
    return found


SPLITS: dict[str, Callable[[Photo], Photo]] = {
    "teal and orange": lambda photo: in_two_tones(photo, (0, 60, 80), (90, 50, 0), 1),
    "the same, pale": lambda photo: in_two_tones(photo, (0, 24, 32), (36, 20, 0), 1),
    "the same, hard": lambda photo: in_two_tones(photo, (0, 60, 80), (90, 50, 0), 3),
    "blue and yellow": lambda photo: in_two_tones(photo, (20, 30, 120), (110, 100, 20), 1.5),
    "blue to cream": lambda photo: between(photo, (20, 40, 90), (255, 240, 190)),
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", PORTRAITS)
def test_two_tones_are_known_and_kept(repo: Path, name: str, split: str) -> None:
    print_ = SPLITS[split](photo_of(repo, name))
    for kind, quality in (("PNG", 0), ("JPEG", 95), ("JPEG", 85), ("JPEG", 75)):
        tone = tone_of(small(saved(print_, kind, quality)))
        assert tone is not None, (kind, quality)
        again = toned(small(print_), tone).astype(int)
        assert np.abs(again - small(print_)).mean() < 4


@pytest.mark.parametrize("name", PORTRAITS)
def test_colours_that_a_turning_tone_does_not_explain_are_colours(repo: Path, name: str) -> None:
    """A colour photo graded to blue shadows and orange lights stays a colour photo."""
    photo = photo_of(repo, name)
    print_ = in_two_tones(photo, (0, 60, 80), (90, 50, 0), 1).astype(float)
    for share in (1.0, 0.5):
        colours = photo - grey(photo).astype(float)
        graded = np.rint(np.clip(print_ + share * colours, 0, 255)).astype(np.uint8)
        assert tone_of(small(graded)) is None, share
