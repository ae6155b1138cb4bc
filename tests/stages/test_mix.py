"""mix: what an edit is not about comes back from the photo."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import Face, ShapeMismatch
from unripple.stages.mix import domain_distance, mix_depth, mix_domain, mix_segmentation

SIDE = 64


def photo_and_edit() -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8))


def labels() -> np.ndarray:
    face = np.full((SIDE, SIDE), Face.BACKGROUND, np.uint8)
    face[8:56, 16:48] = Face.SKIN
    face[8:20, 16:48] = Face.HAIR
    face[34:40, 30:34] = Face.NOSE
    face[2:8, 20:44] = Face.HAT
    face[56:] = Face.CLOTH
    return face


def test_a_drawing_of_any_size_will_do() -> None:
    drawing = np.full((128, 128), 255, np.uint8)
    drawing[40:60, 40:60] = 0
    distance = domain_distance(drawing, (SIDE, SIDE))
    assert (distance[20:30, 20:30] == 0).all() and distance[0, 20] == 20
    assert np.isinf(domain_distance(np.full((8, 8), 255, np.uint8), (SIDE, SIDE))).all()


def test_an_empty_domain_gives_the_photo_back() -> None:
    photo, edited = photo_and_edit()
    nothing = domain_distance(np.full((8, 8), 255, np.uint8), (SIDE, SIDE))
    assert np.array_equal(mix_domain(photo, edited, nothing, margin_px=5), photo)


@pytest.mark.parametrize(
    ("attribute", "inside"), [("B", (12, 30)), ("Bn", (36, 32)), ("Sk", (30, 20))]
)
def test_the_part_of_the_characteristic_changes_and_what_is_far_from_it_does_not(
    attribute: str, inside: tuple[int, int]
) -> None:
    photo, edited = photo_and_edit()
    mixed = mix_segmentation(
        photo, edited, labels(), labels(), attribute=attribute, margin_px=3, front_px=1
    )
    assert np.array_equal(mixed[inside], edited[inside])
    assert np.array_equal(mixed[:, :12], photo[:, :12]) or attribute == "Sk"
    assert np.array_equal(mixed[3:7, 21:43], photo[3:7, 21:43])  # the hat stands in front


def test_what_has_no_rule_keeps_all_but_the_hat() -> None:
    photo, edited = photo_and_edit()
    mixed = mix_segmentation(
        photo, edited, labels(), labels(), attribute="D", margin_px=3, front_px=1
    )
    assert np.array_equal(mixed[8:], edited[8:])
    assert np.array_equal(mixed[3:7, 21:43], photo[3:7, 21:43])


def test_the_edit_reaches_as_far_as_the_part_does_after_it() -> None:
    photo, edited = photo_and_edit()
    longer = labels()
    longer[20:50, 16:20] = Face.HAIR
    mixed = mix_segmentation(
        photo, edited, labels(), longer, attribute="Hs", margin_px=2, front_px=1
    )
    assert np.array_equal(mixed[20:50, 16:20], edited[20:50, 16:20])


def test_the_foreground_of_either_picture_is_the_edits() -> None:
    photo, edited = photo_and_edit()
    before, after = (np.zeros((SIDE, SIDE), np.bool_) for _ in range(2))
    before[20:40, 10:30], after[20:40, 20:40] = True, True
    mixed = mix_depth(photo, edited, before, after, coef=8)
    assert np.array_equal(mixed[20:40, 10:40], edited[20:40, 10:40])


def test_what_did_not_change_keeps_its_bytes() -> None:
    photo, _ = photo_and_edit()
    near = labels() != Face.BACKGROUND
    assert np.array_equal(mix_depth(photo, photo, near, near, coef=8), photo)
    for attribute in ("B", "Sk", "Be", "D"):
        mixed = mix_segmentation(
            photo, photo, labels(), labels(), attribute=attribute, margin_px=3.3, front_px=1.7
        )
        assert np.array_equal(mixed, photo)


def test_pictures_of_two_sizes_are_refused() -> None:
    photo, edited = photo_and_edit()
    with pytest.raises(ShapeMismatch):
        mix_segmentation(
            photo, edited, labels(), labels()[:-1], attribute="B", margin_px=3, front_px=1
        )
    with pytest.raises(ShapeMismatch):
        mix_depth(photo, edited[:-1], labels() > 0, labels() > 0, coef=8)
