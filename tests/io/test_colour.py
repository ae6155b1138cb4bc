"""Networks see sRGB, results keep the photo's own colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.badinput.hostile import colour_profile
from tests.tiny import picture
from unripple.io import colour
from unripple.io.metadata import Metadata
from unripple.io.photo import Photograph

WIDE = colour_profile(2.2)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_srgb_and_silence_leave_every_byte() -> None:
    pixels = picture(1)
    for profile in (None, SRGB):
        assert colour.to_srgb(pixels, profile) is pixels
        assert colour.from_srgb(pixels, profile) is pixels


def test_grey_is_grey_and_colours_become_stronger() -> None:
    """Adobe RGB's primaries are wider: the same numbers mean more colour in sRGB."""
    shown = colour.to_srgb(np.array([[[128, 128, 128], [90, 160, 90]]], np.uint8), WIDE)
    assert np.ptp(shown[0, 0]) <= 1 and abs(int(shown[0, 0, 0]) - 128) <= 2
    assert shown[0, 1, 1] - int(shown[0, 1, 0]) > 70


def test_there_and_back_is_the_same_within_a_level() -> None:
    dull = (picture(5) // 5 + 100).astype(np.uint8)  # well within sRGB
    again = colour.from_srgb(colour.to_srgb(dull, WIDE), WIDE)
    assert np.abs(again.astype(int) - dull).max() <= 2


def test_a_photograph_converts_what_is_put_into_it() -> None:
    photo = Photograph(picture(1), Metadata(icc_profile=WIDE))
    assert not np.array_equal(photo.srgb, photo.pixels)
    assert np.array_equal(photo.in_own_colours(picture(2)), colour.from_srgb(picture(2), WIDE))


def test_a_profile_that_leads_nowhere_is_told() -> None:
    grey = colour_profile(2.2, grey=True)
    assert colour.leads_back(WIDE) and not colour.leads_back(grey)
    with pytest.raises(colour.BadProfile):
        colour.to_srgb(picture(1), b"nonsense")
    with pytest.raises(colour.BadProfile):
        colour.converted(Image.fromarray(picture(1)), grey)
    levels = np.asarray(colour.converted(Image.new("L", (1, 1), 64), colour_profile(1, grey=True)))
    assert abs(int(levels[0, 0, 0]) - 137) <= 2  # a quarter of the light is 137 in sRGB
