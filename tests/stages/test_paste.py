"""paste: only what was touched is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.conventions import Affine, Mask, Photo
from unripple.ops.geometry import apply, face_affine, inverse, resample
from unripple.ops.layers import Layers
from unripple.ops.masks import signed_distance
from unripple.stages.align import already_aligned
from unripple.stages.paste import Fine, paste, paste_layers

SIZE = 48
FACE = np.array([[-10, -8], [10, -8], [0, 2], [-7, 14], [7, 14]], float)
laws = settings(deadline=None, max_examples=40)


def noise(high: int, wide: int, seed: int = 0) -> Photo:
    return np.random.default_rng(seed).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def face_at(x: float, y: float, scale: float, degrees: float) -> Affine:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return face_affine((FACE @ (scale * turn).T + (x, y)).astype(np.float32), SIZE)


def head(inset: int = 12) -> Mask:
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[inset:-inset, inset + 2 : -inset] = True
    return mask


def crop_points(photo: Photo, transform: Affine) -> np.ndarray:
    """Where the centres of the photograph's pixels lie in the crop, [H, W, 2]."""
    rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]] + 0.5
    return apply(inverse(transform), np.stack((columns, rows), -1))


@laws
@given(
    st.floats(-30, 130),
    st.floats(-30, 120),
    st.floats(0.3, 3),
    st.floats(-180, 180),
    st.floats(0, 3),
)
def test_every_byte_outside_the_touched_pixels_is_the_photographs(
    x: float, y: float, scale: float, degrees: float, feather_px: float
) -> None:
    photo, transform = noise(90, 100), face_at(x, y, scale, degrees)
    touched = head(6)
    pasted = paste(photo, noise(SIZE, SIZE, 1), touched, transform, feather_px=feather_px)
    assert np.array_equal(pasted.picture[~pasted.touched], photo[~pasted.touched])
    # What is written lies in the crop, no farther from its touched pixels than the seam is wide.
    places = crop_points(photo, transform)[pasted.touched]
    if len(places):
        assert (places > 0).all() and (places < SIZE).all()
        across = np.maximum(np.array([8, 6]) - places, places - np.array([42, 42])).max(1)
        assert (across <= feather_px + 0.05).all()  # OpenCV's grid is 1/32 px fine


@laws
@given(st.integers(0, 2**31), st.floats(0, 5), st.floats(0, 9))
def test_an_aligned_photo_becomes_the_composed_picture(
    seed: int, feather_px: float, border_px: float
) -> None:
    rng = np.random.default_rng(seed)
    photo = noise(SIZE, SIZE)
    touched = rng.random((SIZE, SIZE)) < 0.4
    composed = np.where(touched[..., None], noise(SIZE, SIZE, 1), photo)
    transform = already_aligned(photo, size_px=SIZE).transform
    pasted = paste(photo, composed, touched, transform, feather_px=feather_px, border_px=border_px)
    assert np.array_equal(pasted.picture, composed)
    if feather_px == 0:
        assert np.array_equal(pasted.touched, touched)


def test_nothing_touched_changes_nothing() -> None:
    photo = noise(90, 100)
    nothing = np.zeros((SIZE, SIZE), np.bool_)
    pasted = paste(photo, noise(SIZE, SIZE, 1), nothing, face_at(50, 50, 1.3, 20))
    assert np.array_equal(pasted.picture, photo) and not pasted.touched.any()


def test_a_crop_beside_the_photograph_changes_nothing() -> None:
    photo = noise(90, 100)
    pasted = paste(photo, noise(SIZE, SIZE, 1), head(), face_at(900, 50, 1.0, 0))
    assert np.array_equal(pasted.picture, photo) and not pasted.touched.any()


@pytest.mark.parametrize(("scale", "degrees"), [(1.7, 0), (2.6, 25), (0.7, -40)])
def test_the_edit_lands_in_its_place(scale: float, degrees: float) -> None:
    photo = np.full((300, 300, 3), 60, np.uint8)
    transform = face_at(150, 150, scale, degrees)
    picture = np.full((SIZE, SIZE, 3), 60, np.uint8)
    picture[head()] = (200, 90, 30)
    pasted = paste(photo, picture, head(), transform)
    places = crop_points(photo, transform)
    inside = np.maximum(np.array([14, 12]) - places, places - np.array([36, 36])).max(-1)
    deep = inside < -2  # beyond the reach of the cubic kernel
    assert deep.sum() > 50
    assert np.abs(pasted.picture[deep].astype(int) - (200, 90, 30)).max() <= 1
    assert (pasted.picture[inside > 1] == 60).all()


def test_the_seam_is_soft_in_a_larger_photograph() -> None:
    photo = np.zeros((400, 400, 3), np.uint8)
    transform = np.array([[8.0, 0, 8], [0, 8, 8]])
    picture = np.full((SIZE, SIZE, 3), 200, np.uint8)
    row = paste(photo, picture, head(), transform).picture[200, :, 0].astype(int)
    rise = row[8 + 14 * 8 - 4 : 8 + 14 * 8 + 8]  # the border of the touched pixels, 8 px per px
    assert rise[0] == 0 and rise[-1] == 200
    assert (np.diff(rise) >= 0).all() and np.diff(rise).max() <= 60


def test_the_crops_own_border_fades_only_where_the_photograph_goes_on() -> None:
    everything = np.ones((SIZE, SIZE), np.bool_)
    white = np.full((SIZE, SIZE, 3), 255, np.uint8)
    photo = np.zeros((SIZE, 2 * SIZE, 3), np.uint8)
    moved = np.array([[1.0, 0, SIZE // 2], [0, 1.0, 0]])
    pasted = paste(photo, white, everything, moved, border_px=4.0).picture[..., 0]
    assert (pasted == pasted[0]).all()  # full height: nothing lies beyond top and bottom
    row = pasted[0, SIZE // 2 : SIZE // 2 + SIZE].astype(int)
    assert row[:5].tolist() == [32, 96, 159, 223, 255]
    assert row[::-1].tolist() == row.tolist()
    assert not pasted[:, : SIZE // 2].any() and not pasted[:, SIZE // 2 + SIZE :].any()


def test_an_unchanged_crop_changes_little_under_a_moved_grid() -> None:
    """Smooth pictures survive the way there and back."""
    rows, columns = np.mgrid[:200, :200]
    photo = np.stack((rows, columns, (rows + columns) / 2), -1).astype(np.uint8)
    transform = face_at(100, 100, 1.4, 30)
    crop = resample(photo, transform, width=SIZE, height=SIZE)
    pasted = paste(photo, crop, head(), transform)
    assert pasted.touched.sum() > 300
    assert np.abs(pasted.picture.astype(int) - photo).max() <= 2


def test_touched_of_an_upscaled_crop_follows_its_border() -> None:
    transform = np.array([[4.0, 0, 0], [0, 4, 0]])
    photo = noise(4 * SIZE, 4 * SIZE)
    pasted = paste(photo, noise(SIZE, SIZE, 1), head(), transform)
    exact = np.repeat(np.repeat(head(), 4, 0), 4, 1)
    assert (pasted.touched <= exact).all()
    assert pasted.touched[signed_distance(exact) > 2].all()


def no_offsets() -> np.ndarray:
    return np.zeros((2, SIZE, SIZE), np.float16)


def everything() -> np.ndarray:
    return np.full((SIZE, SIZE), 255, np.uint8)


@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_an_edit_that_moves_nothing_gives_back_the_finest_details(degrees: float) -> None:
    photo, transform = noise(400, 400), face_at(200, 200, 3.0, degrees)
    crop = resample(photo, transform, width=SIZE, height=SIZE)
    plain = paste(photo, crop, head(), transform)
    fine = Fine(crop, no_offsets(), everything())
    pasted = paste(photo, crop, head(), transform, fine=fine)
    off = np.abs(pasted.picture.astype(int) - photo)[pasted.touched]
    assert off.max() <= 2  # OpenCV tells thirty-seconds of a pixel apart, and this is noise
    assert np.abs(plain.picture.astype(int) - photo)[plain.touched].mean() > 20


def test_details_follow_the_person() -> None:
    """All of the crop moves by 4 of its pixels, so the photo's noise moves by 4 times the scale."""
    photo = noise(480, 480)
    transform = np.array([[8.0, 0, 40], [0, 8.0, 40]])
    crop = resample(photo, transform, width=SIZE, height=SIZE)
    moved = np.roll(crop, 4, axis=1)
    offsets = no_offsets()
    offsets[0] = -4 / SIZE
    pasted = paste(photo, moved, head(), transform, fine=Fine(crop, offsets, everything()))
    wanted = np.roll(photo, 32, axis=1)
    off = np.abs(pasted.picture.astype(int) - wanted)[pasted.touched]
    # Shares of a crop's pixel come from float16; the noise differs by 85 levels on average.
    assert np.median(off) <= 3


def test_without_a_share_and_without_room_for_details_nothing_comes_along() -> None:
    photo, transform = noise(400, 400), face_at(200, 200, 3.0, 10.0)
    crop = noise(SIZE, SIZE, 1)
    plain = paste(photo, crop, head(), transform)
    nothing = Fine(noise(SIZE, SIZE, 2), no_offsets(), np.zeros((SIZE, SIZE), np.uint8))
    pasted = paste(photo, crop, head(), transform, fine=nothing)
    assert np.array_equal(pasted.picture, plain.picture)
    small = noise(SIZE, SIZE, 3)
    same = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    fine = Fine(noise(SIZE, SIZE, 2), no_offsets(), everything())
    assert np.array_equal(paste(small, crop, head(), same, fine=fine).picture,
                          paste(small, crop, head(), same).picture)  # fmt: skip


def test_details_write_no_byte_more() -> None:
    photo, transform = noise(300, 320), face_at(150, 160, 2.5, -30.0)
    crop = resample(photo, transform, width=SIZE, height=SIZE)
    plain = paste(photo, crop, head(), transform)
    offsets = np.full((2, SIZE, SIZE), 0.9, np.float16)  # far beyond the photo's border
    pasted = paste(photo, crop, head(), transform, fine=Fine(crop, offsets, everything()))
    assert np.array_equal(pasted.touched, plain.touched)
    assert np.array_equal(pasted.picture[~pasted.touched], photo[~pasted.touched])


def moved(shift_px: float, moving: int = 255) -> Layers:
    crop, full = noise(SIZE, SIZE), np.full((SIZE, SIZE), 255, np.uint8)
    motion = np.zeros((2, SIZE, SIZE), np.float32)
    motion[0] = -shift_px / SIZE
    return Layers(
        crop, crop, 255 * head(16).astype(np.uint8), full, np.full_like(full, moving), motion
    )


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_layers_leave_every_byte_beyond_both_cuts(scale: float) -> None:
    photo, transform = noise(220, 260), face_at(120, 100, scale, 20)
    pasted = paste_layers(photo, moved(3), noise(SIZE, SIZE, 1), transform)
    assert np.array_equal(pasted.picture[~pasted.touched], photo[~pasted.touched])
    assert pasted.touched.any()
    at = crop_points(photo, transform)
    far = (np.abs(at - SIZE / 2) > SIZE / 2 - 8).any(-1)  # the cuts end 13 px from the border
    assert not pasted.touched[far].any()


def test_layers_in_which_nothing_moves_change_nothing() -> None:
    photo, transform = noise(220, 260), face_at(120, 100, 2, 0)
    pasted = paste_layers(photo, moved(3, moving=0), noise(SIZE, SIZE, 1), transform)
    assert np.array_equal(pasted.picture, photo)
    assert not pasted.touched.any()


def test_a_face_beyond_the_photograph_changes_nothing() -> None:
    photo = noise(40, 40)
    pasted = paste_layers(photo, moved(3), noise(SIZE, SIZE), face_at(900, 900, 1, 0))
    assert np.array_equal(pasted.picture, photo)
