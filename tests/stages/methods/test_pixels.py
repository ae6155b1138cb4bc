"""Edits on the photo's own pixels: what they leave alone, what they move, what they refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage

from tests.ops.test_edit_by_geometry import LABELS, LANDMARKS, PHOTO, SIZE, mean_head
from unripple.conventions import Face, Labels, NotOffered
from unripple.models.mean_head import MeanHead
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings
from unripple.stages.families import FAMILIES
from unripple.stages.pixels import changed
from unripple.stages.pixels import face as seen
from unripple.stages.pixels.changed import SOFT_PX, edit_pixels
from unripple.stages.pixels.coloured import Coloured
from unripple.stages.pixels.sharpness import blur_of
from unripple.zoo.pixel_directions import pixel_directions

__all__ = ["mean_head"]
TIMES = 4  # px of the photograph per px of the crop
LARGE = np.random.default_rng(1).integers(60, 180, (SIZE * TIMES, SIZE * TIMES, 3), dtype=np.uint8)
LARGE[..., 0] = np.minimum(LARGE[..., 0].astype(int) + 50, 255)  # about the colour of skin


def edited(
    monkeypatch: pytest.MonkeyPatch,
    head: MeanHead,
    pixels: dict[str, float],
    labels: Labels = LABELS,
    photo: Any = LARGE,
    crop: Any = PHOTO,
    **more: Any,
) -> Edited:
    monkeypatch.setattr(seen, "labels_of", lambda *_: labels)
    transform = np.array([[TIMES, 0.0, 0.0], [0.0, TIMES, 0.0]], float)
    aligned = Aligned(crop, transform, (LANDMARKS * TIMES).astype(np.float32))
    work: Any = SimpleNamespace(
        input=lambda *_: aligned,
        load=lambda _: SimpleNamespace(net=head),
        pixel_direction=lambda name: pixel_directions()[name],
        shared=lambda name, made_from, make, roles: make(),
        photo=SimpleNamespace(srgb=photo, pixels=photo),
    )
    return edit_pixels(work, EditSettings(pixels=pixels, **more))


def test_nothing_changes_no_byte(monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead) -> None:
    words = dict.fromkeys(pixel_directions(), 0.0)
    made = edited(monkeypatch, mean_head, words)
    assert np.array_equal(made.picture, PHOTO)
    assert made.changed is not None and not made.changed.any()
    assert made.tint is None and made.notes is None
    assert made.labels is not None and np.array_equal(made.labels, LABELS)


@pytest.mark.parametrize("word", ["smile", "nose_width", "face_width", "jaw"])
def test_a_shape_moves_the_face_and_leaves_what_is_beside(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead, word: str
) -> None:
    made = edited(monkeypatch, mean_head, {word: 1.0})
    assert made.changed is not None and made.changed.any()
    differs = (made.picture != PHOTO).any(-1)
    assert not differs[~made.changed].any()
    assert not differs[(made.labels == Face.BACKGROUND) & (LABELS == Face.BACKGROUND)].any()
    assert not differs[-8:].any()  # clothes


def test_a_wider_face_has_more_of_it(monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead) -> None:
    areas = []
    for degree in (-2.0, 2.0):
        labels = edited(monkeypatch, mean_head, {"face_width": degree}).labels
        assert labels is not None
        areas.append(int((labels != Face.BACKGROUND).sum()))
    assert areas[0] < int((LABELS != Face.BACKGROUND).sum()) < areas[1]


@pytest.mark.parametrize("degree", [-2.0, 2.0])
def test_only_the_rim_that_an_outline_sweeps_over_changes_beside_it(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead, degree: float
) -> None:
    made = edited(monkeypatch, mean_head, {"face_width": degree})
    assert made.motion is not None and made.changed is not None
    swept = float(np.abs(made.motion[:2].astype(np.float64)).max()) * SIZE
    beside = ndimage.distance_transform_edt(LABELS == Face.BACKGROUND)
    differs = (made.picture != PHOTO).any(-1)
    assert differs.any()
    assert not differs[beside > swept + SOFT_PX * SIZE / 128 + 1].any()
    assert not (differs & ~made.changed).any()


def test_before_a_plain_background_the_soft_border_of_hair_moves_along(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    background = (LABELS == Face.BACKGROUND)[..., None]
    plain = np.where(background, np.uint8(90), PHOTO)
    stripes = np.where(background, np.uint8(250) * (np.arange(SIZE) // 4 % 2)[:, None], PHOTO)

    def covers(crop: Any) -> Any:
        labels = edited(monkeypatch, mean_head, {"face_width": 2.0}, crop=crop).labels
        assert labels is not None
        return labels != Face.BACKGROUND

    grown, striped = covers(plain), covers(stripes.astype(np.uint8))
    monkeypatch.setattr(changed, "SOFT_PX", 0.0)
    cut = covers(plain)
    assert (grown & ~cut).any() and not (cut & ~grown).any()
    assert (striped & ~cut).sum() < 0.1 * (grown & ~cut).sum()  # lines stay straight


def test_strands_beyond_the_cut_are_coloured_as_part_of_the_person(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    reach = ndimage.binary_dilation(LABELS != Face.BACKGROUND, iterations=2)
    tint = np.where(reach, 20.0, 0.0).astype(np.float16)[None].repeat(3, 0)
    monkeypatch.setattr(changed, "coloured", lambda *_, **__: Coloured(tint, []))
    made = edited(monkeypatch, mean_head, {"hair_light": 1.0})
    assert made.labels is not None and (made.labels[reach] != Face.BACKGROUND).all()
    assert (made.picture[reach] > PHOTO[reach]).all()
    far = ~ndimage.binary_dilation(reach)
    assert np.array_equal(made.picture[far], PHOTO[far])


def test_a_shape_and_a_turn_are_one_map(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    made = edited(monkeypatch, mean_head, {"smile": 1.0}, turn_deg=15.0)
    assert made.motion is not None and made.motion.shape[0] == 3
    assert float(np.abs(made.motion[0]).max()) * SIZE > 3


def test_a_closed_or_unknown_mouth_is_not_opened(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    with pytest.raises(NotOffered, match="mouth_open: nobody knows whether the mouth is open"):
        edited(monkeypatch, mean_head, {"mouth_open": 1.0})
    made = edited(monkeypatch, mean_head, {"mouth_open": 1.0, "smile": 1.0})
    assert made.notes is not None
    (told,) = made.notes["reduced"]
    assert (told["word"], told["used"]) == ("mouth_open", 0.0)


def test_what_is_behind_is_not_uncovered(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    for word in ("glasses", "beard", "hat"):
        with pytest.raises(NotOffered, match=f"{word}: what is .* not in the photo"):
            edited(monkeypatch, mean_head, {word: -1.0})


def test_lipstick_colours_the_lips_alone(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    labels = LABELS.copy()
    labels[62:66, 42:54] = Face.UPPER_LIP
    made = edited(monkeypatch, mean_head, {"lipstick": 3.0}, labels)
    assert made.tint is not None
    tinted = np.abs(made.tint.astype(float)).max(0) > 3
    times = made.tint.shape[-1] // SIZE
    lips = np.kron(labels == Face.UPPER_LIP, np.ones((times, times))) > 0
    assert tinted[lips].mean() > 0.5
    assert tinted[~lips].mean() < 0.05


def test_every_direction_has_its_family() -> None:
    for direction in pixel_directions().values():
        family = FAMILIES[direction.family]
        does = (family.displace, family.recolour, family.shading, family.looks, family.form)
        assert sum(one is not None for one in does) == 1
        assert direction.usable is not None and direction.attribute


@pytest.mark.parametrize("mean", [(0.02, 0.015, 0.01), (0.3, 0.2, 0.12)])
def test_hair_becomes_lighter_from_any_colour(mean: tuple[float, float, float]) -> None:
    recolour = FAMILIES["colour"].recolour
    assert recolour is not None
    direction, before = pixel_directions()["hair_light"], np.array(mean)
    lighter, contrast = recolour(direction, 1.5, before)
    darker, _ = recolour(direction, -1.5, before)
    same, _ = recolour(direction, 0.0, before)
    assert darker.sum() <= same.sum() < lighter.sum()
    assert np.allclose(same, before, rtol=1e-6)
    assert 0.3 < contrast.fine <= 1


COLOURS = {
    Face.BACKGROUND: (90, 130, 170),
    Face.CLOTH: (40, 60, 120),
    Face.HAIR: (60, 40, 30),
}
"""Everything else is skin."""


def portrait() -> Any:
    """A flat face in colours, one px per px of the crop."""
    picture = np.full((*LABELS.shape, 3), (205, 150, 120), np.uint8)
    for part, colour in COLOURS.items():
        picture[part == LABELS] = colour
    noise = np.random.default_rng(2).integers(0, 9, picture.shape, dtype=np.uint8)
    return picture + noise


def test_hair_alone_takes_the_colour_of_hair(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    large = np.kron(flat, np.ones((TIMES, TIMES, 1), np.uint8))
    made = edited(monkeypatch, mean_head, {"hair_light": 3.0}, photo=large, crop=flat)
    assert made.tint is not None
    times = made.tint.shape[-1] // SIZE
    lighter = made.tint.astype(float).mean(0).reshape(SIZE, times, SIZE, times).mean((1, 3))
    upper = np.arange(SIZE)[:, None] < 40
    assert lighter[(LABELS == Face.HAIR) & upper].mean() > 40
    assert np.abs(lighter[(LABELS != Face.HAIR)]).mean() < 2


def test_a_hat_covers_the_hair_and_is_part_of_the_person(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    large = np.kron(flat, np.ones((TIMES, TIMES, 1), np.uint8))
    made = edited(monkeypatch, mean_head, {"beanie": 1.0}, photo=large, crop=flat)
    assert made.labels is not None and made.changed is not None and made.tint is not None
    hat = made.labels == Face.HAT
    assert hat.sum() > 0.3 * (LABELS == Face.HAIR).sum()
    assert not hat[44:].any()  # the eyes stay free
    differs = (made.picture != flat).any(-1)
    assert differs[hat].mean() > 0.7
    assert not differs[~made.changed].any()
    assert not differs[70:].any()


def test_what_lies_over_the_mouth_is_not_moved(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    flat[50:72, 30:66] = (90, 140, 200)
    with pytest.raises(NotOffered, match="smile: something lies over the lower face"):
        edited(monkeypatch, mean_head, {"smile": 1.0}, crop=flat)


def test_blur_is_measured() -> None:
    step = np.where(np.arange(64) < 32, 40, 200).astype(np.float32)[None].repeat(64, 0)
    inside = np.ones(step.shape, bool)
    for sigma in (1.0, 2.5, 5.0):
        blurred = ndimage.gaussian_filter(step, (0, sigma))
        assert blur_of(blurred, inside) == pytest.approx(sigma, rel=0.25)
    assert blur_of(step, inside) < 1


def test_a_blurred_face_shows_no_freckles(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    large = cv2.GaussianBlur(np.kron(flat, np.ones((TIMES, TIMES, 1), np.uint8)), (0, 0), 14)
    with pytest.raises(NotOffered, match="freckles: the face is blurred in this photo"):
        edited(monkeypatch, mean_head, {"freckles": 2.0}, photo=large, crop=flat)
