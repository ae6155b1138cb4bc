"""Ghosts of known strength."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from unripple.conventions import Photo, ShapeMismatch
from unripple.metrics import ghost
from unripple.metrics.regions import disoccluded, fine, in_px, kept, rms

from .scenes import Scene, mix, scene, to_bytes

SIZES = pytest.mark.parametrize("size", [128, 256])


def filled(world: Scene, place: Photo) -> Photo:
    """The true edit, but another picture where the person was."""
    return np.where((world.before & ~world.after)[..., None], place, world.counterfactual)


def both(world: Scene, result: Photo) -> tuple[float, float]:
    masks = world.before, world.after
    return (
        ghost.ghost_transmission(result, world.photo, world.plate, *masks),
        ghost.texture_return(result, world.photo, world.plate, *masks),
    )


@SIZES
def test_the_truth_has_no_ghost_and_all_of_the_texture(size: int) -> None:
    world = scene(size)
    alpha, beta = both(world, world.counterfactual)
    assert alpha == pytest.approx(0, abs=0.01)
    assert beta == pytest.approx(1, abs=0.01)


@SIZES
def test_the_photo_itself_is_all_ghost(size: int) -> None:
    world = scene(size)
    alpha, beta = both(world, world.photo)
    assert alpha == pytest.approx(1, abs=1e-6)
    assert beta == pytest.approx(0, abs=1e-6)


@SIZES
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_ghost_reads_its_share(size: int, share: float) -> None:
    world = scene(size)
    alpha, beta = both(world, filled(world, mix(share, world.photo, world.plate)))
    assert alpha == pytest.approx(share, abs=0.012)
    assert beta == pytest.approx(1 - share, abs=0.012)


@SIZES
def test_a_blurry_fill_has_no_ghost_but_no_texture_either(size: int) -> None:
    world = scene(size)
    blurry = cv2.GaussianBlur(world.plate, (0, 0), in_px(12, world.plate))
    result = filled(world, blurry)
    alpha, beta = both(world, result)
    assert abs(alpha) < 0.02
    assert abs(beta) < 0.06
    energy = ghost.texture_energy(result, world.photo, world.plate, world.before, world.after)
    assert energy < 0.25


@SIZES
def test_a_ghost_is_seen_through_a_change_of_brightness(size: int) -> None:
    world = scene(size)
    ghostly = filled(world, mix(0.3, world.photo, world.plate))
    dark = to_bytes(ghostly.astype(float) - 10)
    assert both(world, dark)[0] == pytest.approx(0.3, abs=0.02)


def test_another_texture_has_energy_but_is_not_the_true_one() -> None:
    world = scene()
    other = scene(seed=50).plate
    result = filled(world, other)
    energy = ghost.texture_energy(result, world.photo, world.plate, world.before, world.after)
    assert energy == pytest.approx(1, abs=0.15)
    assert abs(both(world, result)[1]) < 0.15


def test_texture_energy_without_truth_takes_the_wall_beside() -> None:
    world = scene()
    masks = world.before, world.after
    known = ghost.texture_energy(world.counterfactual, world.photo, world.plate, *masks)
    guessed = ghost.texture_energy(world.counterfactual, world.photo, None, *masks)
    assert known == pytest.approx(1, abs=0.02)
    assert guessed == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_inner_ghost_reads_the_old_face_in_the_new_one(share: float) -> None:
    world = scene()
    result = mix(share, world.photo, world.counterfactual)
    arguments = (result, world.photo, world.counterfactual, world.before, world.after)
    assert ghost.inner_ghost(*arguments) == pytest.approx(share, abs=0.01)
    assert ghost.inner_return(*arguments) == pytest.approx(1 - share, abs=0.01)


def test_inner_figures_count_only_where_the_person_is_in_both_pictures() -> None:
    """What the old person left behind and what the new one covered are other figures' business."""
    world = scene()
    rest = (world.counterfactual, world.before, world.after)
    other = scene(seed=50).photo
    for elsewhere in (world.before & ~world.after, world.after & ~world.before):
        result = world.counterfactual.copy()
        for source in (world.photo, other):
            result[elsewhere] = source[elsewhere]
            assert ghost.inner_ghost(result, world.photo, *rest) == pytest.approx(0, abs=0.03)
            assert ghost.inner_return(result, world.photo, *rest) == pytest.approx(1, abs=0.03)


def test_sharp_clothes_beside_a_soft_face_are_no_ghost() -> None:
    """The lower half stays where it is and comes out exactly, the upper half comes out soft."""
    rng = np.random.default_rng(5)
    photo, true = (rng.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(2))
    true[64:] = photo[64:]
    soft = cv2.addWeighted(true, 0.35, np.full_like(true, 128), 0.65, 0)
    result = np.where(np.arange(128)[:, None, None] < 64, soft, true)
    person = np.ones((128, 128), np.bool_)
    over_all, _ = ghost.shares(result, photo, true, person)
    assert over_all > 0.15
    assert ghost.inner_ghost(result, photo, true, person, person) == pytest.approx(0, abs=0.03)
    assert ghost.inner_return(result, photo, true, person, person) == pytest.approx(0.35, abs=0.05)


def test_a_person_who_did_not_move_leaves_the_ghost_undefined() -> None:
    world = scene(after=0.42)
    assert all(math.isnan(value) for value in both(world, world.photo))
    arguments = (world.photo, world.photo, world.counterfactual, world.before, world.after)
    assert math.isnan(ghost.inner_ghost(*arguments))  # old and true face look alike


def test_a_flat_wall_has_no_texture_to_return_but_shows_ghosts() -> None:
    world = scene()
    flat = np.full_like(world.plate, 90)
    photo = np.where(world.before[..., None], world.photo, flat)
    result = np.where(world.after[..., None], world.counterfactual, mix(0.1, photo, flat))
    masks = world.before, world.after
    alpha = ghost.ghost_transmission(result, photo, flat, *masks)
    assert alpha == pytest.approx(0.1, abs=0.02)
    assert math.isnan(ghost.texture_return(result, photo, flat, *masks))
    assert math.isnan(ghost.texture_energy(result, photo, flat, *masks))


def test_regions_grow_with_the_picture() -> None:
    small, large = scene(128), scene(256)
    for region in (disoccluded, kept):
        share = region(small.before, small.after).mean()
        assert share > 0.02
        assert region(large.before, large.after).mean() == pytest.approx(share, rel=0.1)
    assert not (disoccluded(small.before, small.after) & small.after).any()
    assert not (kept(small.before, small.after) & (small.before | small.after)).any()
    assert in_px(3, np.zeros((512, 512))) == 6


def test_fine_structure_leaves_out_what_is_flat_or_slow() -> None:
    assert rms(fine(np.full((32, 32, 3), 77, np.uint8))) == pytest.approx(0, abs=1e-4)
    slow = np.linspace(0, 255, 128).astype(np.uint8)[None, :, None].repeat(128, 0).repeat(3, 2)
    assert rms(fine(slow)[:, 16:-16]) < 0.6


def test_sizes_must_agree() -> None:
    world = scene()
    with pytest.raises(ShapeMismatch, match="64"):
        both(world, world.photo[:64])


def test_the_ring_is_near_the_place_and_clear_of_both_silhouettes() -> None:
    place, persons = np.zeros((2, 256, 256), np.bool_)  # px as they are stated
    place[100:140, 100:140] = True
    persons[100:140, 60:140] = True
    ring = ghost.ring_around(place, persons)
    assert np.flatnonzero(ring[120]).tolist() == list(range(140 + 5, 140 + 15))
    assert np.flatnonzero(ring[:, 120]).tolist() == [*range(85, 95), *range(145, 155)]
