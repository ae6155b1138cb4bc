"""The photo's details on what an edit keeps."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import Face, ShapeMismatch
from unripple.ops.details import detailed, kept_share

SIDE = 48
KNOBS = {"tolerance": 24.0, "reach_px": 2.0}


def face() -> np.ndarray:
    labels = np.full((SIDE, SIDE), Face.BACKGROUND, np.uint8)
    labels[8:40, 8:40] = Face.SKIN
    labels[8:16, 8:40] = Face.HAIR
    return labels


def photo_and_inversion() -> tuple[np.ndarray, np.ndarray]:
    """A photo with fine structure, and a smooth picture of it."""
    smooth = np.full((SIDE, SIDE, 3), 120, np.uint8)
    photo = smooth + np.random.default_rng(0).integers(-30, 31, smooth.shape).astype(np.uint8)
    return photo, smooth


def test_an_edit_that_changes_nothing_gives_the_photos_bytes() -> None:
    photo, inversion = photo_and_inversion()
    share = kept_share(inversion, inversion, face(), face(), **KNOBS)
    assert (share == 1).all()
    assert np.array_equal(detailed(photo, inversion, inversion, share), photo)


def test_a_part_in_another_colour_keeps_its_details() -> None:
    photo, inversion = photo_and_inversion()
    edited = inversion.copy()
    edited[face() == Face.HAIR] += np.uint8(80)
    share = kept_share(inversion, edited, face(), face(), **KNOBS)
    assert (share == 1).all()
    made = detailed(photo, edited, inversion, share).astype(int)
    hair = face() == Face.HAIR
    assert np.array_equal(made[hair], photo[hair].astype(int) + 80)
    assert np.array_equal(made[~hair], photo[~hair])


def test_what_looks_different_within_a_part_is_the_edits() -> None:
    photo, inversion = photo_and_inversion()
    edited = inversion.copy()
    edited[24:34, 16:32] = 20  # a beard
    share = kept_share(inversion, edited, face(), face(), **KNOBS)
    assert share[29, 24] < 1e-4
    assert np.array_equal(
        detailed(photo, edited, inversion, share)[27:31, 19:29], edited[27:31, 19:29]
    )
    assert (share[:18] == 1).all()


def test_what_became_another_part_is_the_edits_and_fades_around_it() -> None:
    _, inversion = photo_and_inversion()
    bald = face()
    bald[bald == Face.HAIR] = Face.SKIN
    share = kept_share(inversion, inversion, face(), bald, **KNOBS)
    assert (share[8:16, 8:40] == 0).all()
    assert share[16, 20] == pytest.approx(0.5)  # a pixel of two away
    assert share[17, 20] == 1


def test_no_byte_leaves_its_range() -> None:
    photo, inversion = np.full((2, SIDE, SIDE, 3), [[[[250]]], [[[100]]]], np.uint8)
    edited = np.full_like(photo, 200)
    assert (detailed(photo, edited, inversion, np.ones((SIDE, SIDE))) == 255).all()


def test_sizes_must_agree() -> None:
    photo, inversion = photo_and_inversion()
    with pytest.raises(ShapeMismatch):
        kept_share(inversion, photo, face(), face()[:-1], **KNOBS)
    with pytest.raises(ShapeMismatch):
        detailed(photo, photo, inversion[:-1], np.ones((SIDE, SIDE)))
    with pytest.raises(ShapeMismatch, match="share 47 x 48"):
        detailed(photo, photo, inversion, np.ones((SIDE - 1, SIDE)))


def test_a_change_of_the_tolerance_leaves_a_third() -> None:
    """1/e, and the falling off beyond it is that of a Gaussian."""
    _, inversion = photo_and_inversion()
    labels = np.full((SIDE, SIDE), Face.SKIN, np.uint8)
    edited = inversion.copy()
    edited[:, 30:] += np.uint8(24)  # the lesser part of the skin: the median does not move
    for tolerance, share in ((24.0, np.exp(-1)), (12.0, np.exp(-4)), (48.0, np.exp(-0.25))):
        kept = kept_share(inversion, edited, labels, labels, tolerance=tolerance, reach_px=2.0)
        assert kept[:, 40:] == pytest.approx(share, rel=1e-3)
        assert (kept[:, :20] == 1).all()


def test_a_change_is_smeared_over_its_reach() -> None:
    """By a Gaussian of half of it, so that a step is halved where it is and full at the reach."""
    _, inversion = photo_and_inversion()
    labels = np.full((SIDE, SIDE), Face.SKIN, np.uint8)
    edited = inversion.copy()
    edited[:, 30:] += np.uint8(24)
    kept = kept_share(inversion, edited, labels, labels, tolerance=24.0, reach_px=8.0)
    size = 24 * np.sqrt(-np.log(kept[20]))
    assert (size[29] + size[30]) / 2 == pytest.approx(12, abs=0.1)
    assert size[30 + 4] == pytest.approx(24 * 0.8697, abs=0.3)  # 4.5 px are 1.125 sigma


@pytest.mark.parametrize("reach_px", [0.0, 1.0])
def test_beside_what_became_another_part_all_is_kept_within_a_pixel(reach_px: float) -> None:
    _, inversion = photo_and_inversion()
    bald = face()
    bald[bald == Face.HAIR] = Face.SKIN
    share = kept_share(inversion, inversion, face(), bald, tolerance=24.0, reach_px=reach_px)
    assert share[15, 20] == 0 and share[16, 20] == 1
