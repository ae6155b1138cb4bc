"""A smooth bend is found where both pictures agree on one, and noise bends nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.disturb import autoencoded
from tests.ops.disturbed import textured
from unripple.conventions import Photo
from unripple.ops.bending import bend
from unripple.ops.homography import luminance

SIZE = 240
PHOTO = textured(6, SIZE, SIZE)
EVERYWHERE = np.ones((SIZE, SIZE), bool)
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)


def bent(photo: Photo, across: np.ndarray, down: np.ndarray) -> Photo:
    """A picture that shows at p + (across, down) what the photo shows at p, nearly."""
    return cv2.remap(
        photo, COLUMNS - across, ROWS - down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def lens(strength: float) -> tuple[np.ndarray, np.ndarray]:
    """What a lens does: places go outwards with the cube of their distance, px."""
    x, y = (COLUMNS - SIZE / 2) / SIZE, (ROWS - SIZE / 2) / SIZE
    reach = strength * (x * x + y * y)
    return x * reach, y * reach


@pytest.mark.parametrize("strength", [-16.0, 20.0])
def test_a_lens_like_bend_is_found(strength: float) -> None:
    across, down = lens(strength)
    flow = bend(luminance(PHOTO), luminance(bent(PHOTO, across, down)), EVERYWHERE)
    assert flow is not None
    inner = np.s_[12:-12, 12:-12]
    was = np.hypot(across, down)[inner]
    left = np.hypot(flow[..., 0] - across, flow[..., 1] - down)[inner]
    assert np.median(left) < 0.3 * np.median(was) and np.median(left) < 0.2


def test_what_is_not_bent_stays() -> None:
    rng = np.random.default_rng(0)
    assert bend(luminance(PHOTO), luminance(PHOTO), EVERYWHERE) is None
    assert bend(luminance(PHOTO), luminance(autoencoded(PHOTO, rng)), EVERYWHERE) is None
    assert bend(luminance(PHOTO), luminance(textured(7, SIZE, SIZE)), EVERYWHERE) is None
    assert bend(luminance(PHOTO), luminance(PHOTO), ~EVERYWHERE) is None
