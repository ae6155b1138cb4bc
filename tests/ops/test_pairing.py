"""A photograph and an edited picture: registration over its range, colours, and refusals."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.disturb import recompressed, toned, warp
from tests.ops.disturbed import about_middle, error_px, textured
from unripple.conventions import AnotherPicture, Mirrored, TooSmall
from unripple.ops import tone_match
from unripple.ops.homography import centres, covered, magnification
from unripple.ops.pairing import AGREES, drift, pair
from unripple.ops.registration import align

PHOTO = textured(0)
HEIGHT, WIDTH = PHOTO.shape[:2]


@settings(max_examples=8, deadline=None)
@given(
    zoom=st.floats(0.97, 1.03),
    across=st.floats(-8, 8),
    down=st.floats(-8, 8),
    turn_deg=st.floats(-1, 1),
    tilt=st.floats(-0.01, 0.01),
    blur_px=st.sampled_from((0.0, 1.0, 2.0)),
    codec=st.sampled_from(("JPEG", "WEBP")),
    quality=st.integers(75, 95),
)
def test_registration_errs_by_less_than_a_tenth_of_a_pixel(
    zoom: float,
    across: float,
    down: float,
    turn_deg: float,
    tilt: float,
    blur_px: float,
    codec: str,
    quality: int,
) -> None:
    """Over the whole range of what editors do, slight perspective and blurred backgrounds too."""
    true = about_middle(WIDTH, HEIGHT, zoom=zoom, shift=(across, down), turn_deg=turn_deg)
    tilted = np.eye(3)
    tilted[2, 0] = tilt / WIDTH
    true = tilted @ true
    edited = PHOTO
    if blur_px:
        edited = cv2.GaussianBlur(PHOTO, (0, 0), blur_px)
        edited[60:180, 110:210] = PHOTO[60:180, 110:210]
    edited = recompressed(warp(edited, true, WIDTH, HEIGHT), codec, quality)
    assert error_px(align(PHOTO, edited).places, true, WIDTH, HEIGHT) < 0.1


@pytest.mark.parametrize(("width", "height"), [(640, 480), (160, 128), (512, 512), (240, 240)])
def test_any_size_will_do(width: int, height: int) -> None:
    """Stretched to a size of the editor's own, as well as cut to a square."""
    if width == height == 240:
        edited, true = PHOTO[:, 40:280].copy(), np.array(((1, 0, -40), (0, 1, 0), (0, 0, 1.0)))
    else:
        edited = cv2.resize(PHOTO, (width, height), interpolation=cv2.INTER_AREA)
        true = np.diag((width / WIDTH, height / HEIGHT, 1.0))
    found = align(PHOTO, edited)
    scale = magnification(true)
    assert error_px(found.places, true, WIDTH, HEIGHT) < 0.15 * max(1.0, scale)
    assert found.agreement > AGREES


def test_an_edit_has_no_vote() -> None:
    """A large face painted anew moves nothing."""
    true = about_middle(WIDTH, HEIGHT, zoom=1.01, shift=(3, -2), turn_deg=0.4)
    edited = PHOTO.copy()
    edited[60:180, 110:210] = textured(9)[60:180, 110:210]
    found = align(PHOTO, warp(edited, true, WIDTH, HEIGHT))
    assert error_px(found.places, true, WIDTH, HEIGHT) < 0.1


def test_colours_come_back_but_not_those_that_were_meant() -> None:
    rng = np.random.default_rng(3)
    edited = PHOTO.copy()
    edited[60:180, 110:210] = (200, 30, 40)
    found = pair(PHOTO, toned(edited, rng))
    seen = found.seen(toned(edited, np.random.default_rng(3)), centres(WIDTH, HEIGHT))
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[50:190, 100:220] = True
    error = np.abs(seen - PHOTO)[~inside]
    assert np.median(error) < 1.5
    assert np.abs(seen[120, 160] - (200, 30, 40)).max() < 25


def test_drift_is_what_was_done() -> None:
    true = about_middle(WIDTH, HEIGHT, zoom=1.02, shift=(3, 4), turn_deg=-0.5)
    resized = np.diag((2.0, 2.0, 1.0)) @ true
    told = drift(resized, (HEIGHT, WIDTH, 3), (2 * HEIGHT, 2 * WIDTH, 3))
    assert told == pytest.approx((2.0, 5.0, -0.5), abs=1e-6)
    cut = np.array(((1, 0, -40), (0, 1, 0), (0, 0, 1.0)))
    assert drift(cut, (240, 320, 3), (240, 240, 3)) == pytest.approx((0, 0, 0), abs=1e-6)


def test_what_is_no_pair_is_told_by_its_kind() -> None:
    with pytest.raises(Mirrored, match="mirror it back"):
        pair(PHOTO, PHOTO[:, ::-1].copy())
    with pytest.raises(AnotherPicture, match="does not show this photo"):
        pair(PHOTO, textured(1))
    with pytest.raises(TooSmall, match="48 x 36 px"):
        pair(PHOTO, cv2.resize(PHOTO, (48, 36), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_another_one(level: int) -> None:
    with pytest.raises(AnotherPicture):
        pair(PHOTO[60:180, 80:240].copy(), np.full((100, 150, 3), level, np.uint8))


def test_a_map_says_what_it_covers() -> None:
    shifted = np.array(((1, 0, 10.0), (0, 1, 0), (0, 0, 1)))
    inside = covered(shifted, (4, 20), (4, 20))
    assert inside[:, :10].all() and not inside[:, 10:].any()


def test_a_tone_of_nothing_changes_nothing() -> None:
    levels = PHOTO.astype(np.float32)
    assert np.allclose(tone_match.same()(levels), levels, atol=1e-3)
    nobody = np.zeros(PHOTO.shape[:2])
    assert np.array_equal(tone_match.fit(levels, levels, nobody).curves, tone_match.same().curves)
