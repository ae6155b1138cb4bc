"""Bytes to networks and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unripple.conventions import ShapeMismatch
from unripple.ops.tensors import device_of, to_photo, to_photos, to_tensor


def test_every_byte_survives_the_round_trip() -> None:
    photo = np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3).astype(np.uint8)
    tensor = to_tensor(photo)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (-1, 1)
    assert np.array_equal(to_photo(tensor), photo)


def test_a_batch_keeps_its_order_and_its_channels() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    tensor = to_tensor(photos)
    assert tensor[2, 1, 3, 4] == photos[2, 3, 4, 1] / 127.5 - 1
    assert np.array_equal(to_photos(tensor), photos)


def test_read_only_bytes_are_welcome() -> None:
    photo = np.broadcast_to(np.uint8(7), (2, 2, 3))
    tensor = to_tensor(photo)
    tensor += 1  # its own memory
    assert photo.max() == 7


def test_values_are_rounded_and_clipped() -> None:
    values = torch.tensor([-1.4, 1.3, 127.6 / 127.5 - 1]).view(1, 3, 1, 1)
    assert to_photo(values).ravel().tolist() == [0, 255, 128]


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (1, 1, 4, 4, 3)])
def test_what_is_no_photo_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="uint8"):
        to_tensor(np.zeros(shape, np.uint8))


def test_one_picture_is_not_a_batch() -> None:
    with pytest.raises(ShapeMismatch, match="batch of 2"):
        to_photo(torch.zeros(2, 3, 4, 4))
    with pytest.raises(ShapeMismatch, match=r"\[B, 3, H, W\]"):
        to_photos(torch.zeros(1, 4, 4, 4))


def test_a_network_without_weights_lives_on_the_cpu() -> None:
    assert device_of(lambda: 0) == torch.device("cpu")
    assert device_of(torch.nn.Linear(1, 1, device="meta")) == torch.device("meta")
