"""The fusion over sizes and the mirror, with parsers whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.conventions import ShapeMismatch
from unripple.ops.multiscale import SCALES, fused_logits, unflipped

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 26, 3), dtype=np.uint8)


def colours(x: Tensor) -> Tensor:
    """A parser that gives back its input as three classes."""
    return x


def test_every_size_is_asked_with_its_mirror_image() -> None:
    asked: list[Tensor] = []

    def net(x: Tensor) -> Tensor:
        asked.append(x)
        return x

    fused_logits(PICTURE, net, flip_swaps=())
    assert SCALES[0] == 1
    assert [tuple(x.shape) for x in asked] == [
        (2, 3, int(40 * scale), int(26 * scale)) for scale in SCALES
    ]
    for x in asked:
        assert torch.equal(x[0], x[1].flip(2))
        assert float(x.min()) >= -1 and float(x.max()) <= 1
    blue = torch.from_numpy(PICTURE[:, :, 2].copy()).float() / 127.5 - 1
    torch.testing.assert_close(asked[0][0, 0], blue)


def test_one_scale_gives_the_mean_with_the_mirror_at_its_place() -> None:
    bgr = torch.from_numpy(PICTURE[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    torch.testing.assert_close(fused_logits(PICTURE, colours, flip_swaps=(), scales=(1,)), bgr)
    swapped = fused_logits(PICTURE, colours, flip_swaps=[(0, 2)], scales=(1,))
    torch.testing.assert_close(swapped[:, 1], bgr[:, 1])
    torch.testing.assert_close(swapped[:, 0], (bgr[:, 0] + bgr[:, 2]) / 2)


def test_scales_are_summed_not_averaged() -> None:
    grey = np.full((40, 26, 3), 255, np.uint8)
    fused = fused_logits(grey, colours, flip_swaps=())
    assert fused.shape == (1, 3, 40, 26)
    torch.testing.assert_close(fused, torch.full_like(fused, len(SCALES)))


def test_a_mirrored_picture_gets_mirrored_labels_from_any_net() -> None:
    torch.manual_seed(0)
    net = nn.Conv2d(3, 5, 3, padding=1)
    swaps = [(1, 2), (3, 4)]
    fused = fused_logits(PICTURE, net, flip_swaps=swaps, scales=(1, 0.5))
    mirrored = fused_logits(
        np.ascontiguousarray(PICTURE[:, ::-1]), net, flip_swaps=swaps, scales=(1, 0.5)
    )
    torch.testing.assert_close(unflipped(mirrored, swaps), fused)


def test_nothing_to_ask_is_an_error() -> None:
    with pytest.raises(ValueError, match="scales"):
        fused_logits(PICTURE, colours, flip_swaps=(), scales=())
    with pytest.raises(ShapeMismatch, match="at least 1 px"):
        fused_logits(PICTURE[:1], colours, flip_swaps=())
