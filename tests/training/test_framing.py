"""The crop that the embedded nets expect is the face world's portrait."""

from __future__ import annotations

import numpy as np

from unripple.faceworld import render, sample_factors
from unripple.faceworld.camera import View, portrait
from unripple.ops.geometry import crop_quad
from unripple.training.framing import PORTRAIT

SIZE = 64


def test_five_landmarks_lead_back_to_the_portrait() -> None:
    import torch

    faces = render(sample_factors(4, seed=91), torch.arange(4), size=SIZE)
    for points in faces.landmarks.numpy():
        quad = crop_quad(points, PORTRAIT)
        side = np.linalg.norm(quad[3] - quad[0])
        assert np.abs(quad.mean(0) - SIZE / 2).max() < 0.04 * SIZE
        assert abs(side / SIZE - 1) < 0.12


def test_a_tilted_camera_is_undone() -> None:
    import torch

    upright = sample_factors(1, seed=5)
    upright[:, 2] = 0.0  # roll
    tilted = View(96, 96, units_per_px=portrait(SIZE).units_per_px, tilt_deg=12.0)
    faces = render(upright, torch.tensor([1]), view=tilted)
    quad = crop_quad(faces.landmarks[0].numpy(), PORTRAIT)
    right = quad[3] - quad[0]
    assert abs(np.degrees(np.arctan2(right[1], right[0])) - 12.0) < 3.0
