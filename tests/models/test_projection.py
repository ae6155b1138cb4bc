"""Noise and step sizes of a projection into w."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from unripple.models.projection import make_standard, self_likeness, step_size


def test_the_step_rises_at_once_and_falls_at_the_end() -> None:
    sizes = [step_size(k / 450) for k in range(450)]
    assert sizes[0] == 0 and max(sizes) == pytest.approx(0.01)
    assert sizes[30] == sizes[300] == pytest.approx(0.01)
    assert all(a > b for a, b in pairwise(sizes[340:]))
    assert sizes[-1] < 1e-5


def test_white_noise_is_not_like_itself_and_stripes_are() -> None:
    rng = torch.Generator().manual_seed(0)
    white = [torch.randn(1, 1, side, side, generator=rng) for side in (4, 8, 32)]
    assert self_likeness(white[2:]) < 0.1
    stripes = torch.ones(1, 1, 32, 32)
    assert self_likeness([stripes]) == pytest.approx(6)  # 32, 16 and 8 px, two ways each
    assert self_likeness([stripes[..., :8, :8]]) == pytest.approx(2)
    single = sum(float(self_likeness([level])) for level in white)
    assert float(self_likeness(white)) == pytest.approx(single)


def test_maps_become_standard_in_place_and_keep_their_gradient() -> None:
    level = (3 * torch.randn(1, 1, 16, 16) + 5).requires_grad_(True)
    self_likeness([level]).backward()
    make_standard([level])
    assert level.mean().item() == pytest.approx(0, abs=1e-6)
    assert level.square().mean().item() == pytest.approx(1, abs=1e-5)
    assert level.requires_grad and level.grad is not None
