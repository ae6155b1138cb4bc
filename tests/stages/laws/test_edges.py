"""What stages do at the edges of their arguments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.conventions import ShapeMismatch
from unripple.ops.latents import Component
from unripple.stages.align import SURE, certainty_of
from unripple.stages.inpaint import inpaint_plate
from unripple.stages.ripple import ripple_mask
from unripple.stages.translate import translate

W_PLUS = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


class Peaks(nn.Module):
    """Heatmaps that rise by a known logit in one place."""

    def __init__(self, logits: tuple[float, ...]) -> None:
        super().__init__()
        self.logits = logits

    def heatmaps(self, crops: Tensor) -> Tensor:
        assert crops.shape[1] == 3 and crops.min() >= -1 and crops.max() <= 1
        maps = torch.zeros(len(crops), len(self.logits), 4, 8)
        for index, logit in enumerate(self.logits):
            maps[:, index, index % 4, 3] = logit
        return maps


def test_certainty_is_the_highest_share_of_each_heatmap() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    told = certainty_of(Peaks((0.0, 1.0, 30.0)))(crops)  # type: ignore[arg-type]
    middle = np.e / (np.e + 31)
    assert told == pytest.approx(np.array([[1 / 32, middle, 1.0]] * 2) / SURE, rel=1e-5)


@pytest.mark.parametrize("component", [False, True])
def test_codes_from_the_end_on_keep_their_bits(component: bool) -> None:
    along = np.ones(5, np.float32)
    unit = along / np.float32(np.sqrt(5))
    where = Component(np.zeros(5, np.float32), unit, 1.0) if component else along
    for first, end in ((0, 3), (2, 4), (1, 6), (0, None)):
        found = translate(W_PLUS, where, 2.0, first_code=first, end_code=end)
        last = len(W_PLUS) if end is None else end
        moves = np.zeros(len(W_PLUS), bool)
        moves[first:last] = True
        assert np.array_equal((found != W_PLUS).any(1), moves)
    with pytest.raises(ShapeMismatch, match="codes 0 to 7 are to move"):
        translate(W_PLUS, where, 2.0, end_code=7)
    with pytest.raises(ShapeMismatch, match="codes 6 to the last are to move"):
        translate(W_PLUS, where, 2.0, first_code=6)


def test_the_smear_lies_around_both_silhouettes_and_is_none_unless_asked_for() -> None:
    before, after = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    before[10:30, 10:30] = after[35:50, 35:50] = True
    bare = ripple_mask(before, after, grow_px=0)
    assert np.array_equal(bare, before)
    smeared = ripple_mask(before, after, grow_px=0, smear_px=3)
    assert smeared[20, 32] and smeared[8, 20] and smeared[42, 33] and smeared[52, 42]
    assert not smeared[20, 34] and not smeared[42, 40] and not (smeared & after).any()


def test_one_map_of_depth_alone_decides_nothing() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    before, after, near = (np.zeros((40, 40), bool) for _ in range(3))
    before[10:20, 10:20] = after[10:20, 14:24] = True
    near[5:30, 5:30] = True
    plain = inpaint_plate(photo, before, after, grow_px=1, min_area_px=0, fill=lambda p, h: p)
    for given in ({"depth_before": near}, {"depth_after": near}):
        found = inpaint_plate(
            photo, before, after, grow_px=1, min_area_px=0, fill=lambda p, h: p, **given
        )
        assert np.array_equal(found.hole, plain.hole)
        assert np.array_equal(found.vacated, plain.vacated)
