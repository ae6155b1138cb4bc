"""project: codes are offsets from the average."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.stages.project import project

PICTURE = np.full((8, 8, 3), 255, np.uint8)


def encoder(picture: Tensor) -> Tensor:
    """Codes [B, 4, 3] that hold the mean of each channel."""
    assert picture.shape == (1, 3, 8, 8)
    return picture.mean((2, 3))[:, None].repeat(1, 4, 1)


@pytest.mark.parametrize("shape", [(4, 3), (3,)])
def test_codes_are_the_encoders_plus_the_average(shape: tuple[int, ...]) -> None:
    average = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for given in (average, torch.from_numpy(average)):
        w_plus = project(PICTURE, encoder, given)
        assert w_plus.dtype == np.float32 and w_plus.shape == (4, 3)
        assert np.array_equal(w_plus, np.broadcast_to(average, (4, 3)) + 1)
