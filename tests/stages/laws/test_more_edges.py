"""Details that come back, guesses that are corrected, a tone that is a picture's own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.conventions import Face, ShapeMismatch
from unripple.metrics.regions import in_px
from unripple.stages.inpaint import borrow_fill, lama_fill
from unripple.stages.mix import domain_distance, mix_detail

S = 64
RNG = np.random.default_rng(0)
PHOTO, DRAWN = (RNG.integers(40, 200, (S, S, 3), np.uint8) for _ in range(2))
LABELS = np.full((S, S), Face.SKIN, np.uint8)
KNOBS = {"tolerance": 20.0, "reach_px": 2.0}


def test_an_edit_that_changes_nothing_shows_the_photo_again() -> None:
    assert np.array_equal(mix_detail(PHOTO, DRAWN, DRAWN, LABELS, LABELS, **KNOBS), PHOTO)


def test_what_the_inversion_did_not_lose_does_not_come_back() -> None:
    other = RNG.integers(0, 256, (S, S, 3), np.uint8)
    assert np.array_equal(mix_detail(PHOTO, other, PHOTO, LABELS, LABELS, **KNOBS), other)


def test_a_whole_part_may_change_its_colour_and_keeps_its_details() -> None:
    lighter = DRAWN + np.array([30, 10, 5], np.uint8)
    found = mix_detail(PHOTO, lighter, DRAWN, LABELS, LABELS, **KNOBS)
    assert np.array_equal(found, PHOTO + np.array([30, 10, 5], np.uint8))


def test_details_of_another_part_stay_away() -> None:
    after = LABELS.copy()
    after[20:44, 20:44] = Face.HAIR
    found = mix_detail(PHOTO, DRAWN, DRAWN, LABELS, after, **KNOBS)
    assert np.array_equal(found[24:40, 24:40], DRAWN[24:40, 24:40])
    assert np.array_equal(found[:12], PHOTO[:12])


def test_details_need_pictures_of_one_size() -> None:
    arrays = [PHOTO, DRAWN, DRAWN, LABELS, LABELS]
    for odd in range(len(arrays)):
        given = [array[4:] if place == odd else array for place, array in enumerate(arrays)]
        with pytest.raises(ShapeMismatch):
            mix_detail(*given, **KNOBS)


class NothingToCorrect(nn.Module):
    """What half stands for is no change; it looks at what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.saw: list[tuple[Tensor, Tensor]] = []

    def forward(self, picture: Tensor, hole: Tensor) -> Tensor:
        self.saw.append((picture, hole))
        return torch.full_like(picture, 0.5)


def test_a_network_that_corrects_is_shown_the_first_guess_and_the_hole() -> None:
    hole = np.zeros((S, S), bool)
    hole[20:40, 16:48] = True
    network = NothingToCorrect()
    found = lama_fill(network, corrects=True)(PHOTO, hole).astype(int)
    guess = borrow_fill()(PHOTO, hole).astype(int)
    assert np.abs(found - guess)[hole].max() <= 1
    ((picture, seen),) = network.saw
    assert torch.equal(seen[0, 0] > 0, torch.from_numpy(hole))
    shown = picture[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(shown - PHOTO)[~hole].max() < 0.01
    assert np.abs(shown - guess)[hole].max() <= 1 and shown[hole].min() > 0


def test_lengths_grow_with_the_area_whichever_side_is_long() -> None:
    assert in_px(8, np.zeros((128, 512))) == in_px(8, np.zeros((512, 128))) == 8
    assert in_px(8, np.zeros((512, 512, 3))) == 16


def test_a_domain_drawn_at_another_size_keeps_its_levels() -> None:
    """Levels between dark and light would be a border that nobody drew."""
    drawing = np.full((16, 16), 255, np.uint8)
    drawing[4:9, 3:7] = 0
    found = domain_distance(drawing, (S, S))
    wanted = cv2.resize(drawing, (S, S), interpolation=cv2.INTER_NEAREST_EXACT)
    assert np.array_equal(found == 0, wanted == 0)
