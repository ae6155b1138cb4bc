"""invert: the published order of HFGI's steps, on toy networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.ops.tensors import resized, to_tensor
from unripple.stages.invert import Consultant, down, invert, invert_plainly

from .toys import L, S, ToyAligner, ToyGenerator, ToyResidualEncoder, W

PHOTO = np.random.default_rng(0).integers(0, 256, (S, S, 3), dtype=np.uint8)
CODES = np.full((L, W), 0.2, np.float32)


def test_plainly_the_generator_alone_speaks() -> None:
    generator = ToyGenerator()
    inverted = invert_plainly(CODES, generator, size_px=S)
    assert inverted.residual is None
    assert (inverted.picture == 153).all()  # (0.2 + 1) * 127.5
    assert generator.calls == [("stored", False)]


def test_consultation_brings_back_what_the_codes_miss() -> None:
    generator, aligner = ToyGenerator(), ToyAligner()
    inverted = invert(PHOTO, CODES, generator, Consultant(aligner, ToyResidualEncoder(), 2, S))
    assert np.array_equal(inverted.picture, PHOTO)
    assert inverted.residual == pytest.approx(to_tensor(PHOTO)[0].numpy() - 0.2, abs=1e-6)
    assert inverted.residual.dtype == np.float32 and inverted.residual.shape == (3, S, S)
    assert generator.calls == [("stored", False), ("stored", True)]
    residual, picture = aligner.saw[0]
    assert torch.equal(residual[0], torch.from_numpy(inverted.residual))
    assert picture == pytest.approx(torch.full((1, 3, S, S), 0.2))


def test_the_plain_picture_is_clamped_before_the_residual_is_taken() -> None:
    bright = np.full((L, W), 1.8, np.float32)
    consultant = Consultant(ToyAligner(), ToyResidualEncoder(), 2, S)
    inverted = invert(PHOTO, bright, ToyGenerator(), consultant)
    assert inverted.residual == pytest.approx(to_tensor(PHOTO)[0].numpy() - 1.0, abs=1e-6)


def test_a_larger_photo_is_consulted_about_at_the_networks_size() -> None:
    large = PHOTO.repeat(2, axis=0).repeat(2, axis=1)
    generator, aligner = ToyGenerator(2 * S), ToyAligner()
    residuals = Doubled()
    inverted = invert(large, CODES, generator, Consultant(aligner, residuals, 2, S))
    assert inverted.picture.shape == (2 * S, 2 * S, 3)
    assert inverted.residual.shape == (3, S, S)
    small = to_tensor(resized(large, S))[0].numpy()
    assert inverted.residual == pytest.approx(small - 0.2, abs=1e-6)
    assert aligner.saw[0][1].shape == (1, 3, S, S)


class Doubled(ToyResidualEncoder):
    """Answers at the generator's size."""

    def forward(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        large = residual.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return super().forward(large)


def test_a_larger_generator_is_resized_down() -> None:
    inverted = invert_plainly(CODES, ToyGenerator(4 * S), size_px=S)
    assert inverted.picture.shape == (S, S, 3)


def test_down_is_the_mean_of_the_two_middle_samples() -> None:
    ramp = torch.arange(16.0).view(1, 1, 1, 16).repeat(1, 3, 16, 1)
    assert down(ramp, 4)[0, 0, 0].tolist() == [1.5, 5.5, 9.5, 13.5]
    assert down(ramp, 16) is ramp
