"""measure: judges are asked, truth is used where it is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.metrics.subject import SameFace
from unripple.stages.measure import Judges, Truth, embed, measure, yaw_of

from ..metrics.scenes import mix, scene  # noqa: TID252 (tests are no package to import from)


class BrightnessPose(torch.nn.Module):
    """Yaw in degrees is a hundred times the mean brightness."""

    def forward(self, picture: Tensor) -> Tensor:
        assert picture.shape[-2:] == (32, 32)
        yaw = 100 * picture.mean((1, 2, 3))
        return torch.stack((yaw, -yaw, yaw * 0), 1)


class ColourIdentity(torch.nn.Module):
    """Who you are is your mean colour."""

    def forward(self, face: Tensor) -> Tensor:
        assert face.shape[-2:] == (56, 56)
        return torch.nn.functional.normalize(face.mean((2, 3)), dim=1)


JUDGES = Judges(BrightnessPose(), 32, ColourIdentity(), 56)


def test_without_judges_and_truth_the_picture_speaks_for_itself() -> None:
    world = scene()
    found = measure(world.photo, world.counterfactual, world.before, world.after)
    assert found["background_identical"] == 1
    assert not {"ghost_transmission", "yaw_error", "identity_cosine"} & found.keys()


def test_the_truth_is_used() -> None:
    world = scene()
    nobody = np.zeros_like(world.before)
    truth = Truth(world.plate, world.counterfactual, world.before, world.after)
    result = mix(0.2, world.photo, world.counterfactual)
    found = measure(world.photo, result, nobody, nobody, truth=truth)
    assert found["ghost_transmission"] == pytest.approx(0.2, abs=0.02)
    assert found["inner_ghost"] == pytest.approx(0.2, abs=0.02)
    assert found["counterfactual_psnr"] > 20


def test_the_asked_yaw_is_the_truth_or_the_photos_plus_the_turn() -> None:
    world = scene()
    arguments = (world.photo, world.counterfactual, world.before, world.after)
    start, end = (yaw_of(picture, JUDGES.pose, net_size_px=32) for picture in arguments[:2])
    asked = measure(*arguments, asked_turn_deg=-7.0, judges=JUDGES)
    assert asked["yaw_error"] == pytest.approx(end - (start - 7.0), abs=1e-4)
    known = measure(*arguments, asked_turn_deg=-7.0, judges=JUDGES, truth=Truth(yaw_deg=3.0))
    assert known["yaw_error"] == pytest.approx(end - 3.0, abs=1e-4)
    assert "yaw_error" not in measure(*arguments, judges=JUDGES)


def test_identity_is_asked_of_both_pictures() -> None:
    world = scene()
    arguments = (world.photo, world.photo, world.before, world.after)
    same_face = SameFace(np.array([0.0, 40.0]), np.array([0.95, 0.6]))
    found = measure(*arguments, judges=JUDGES._replace(same_face=same_face))
    assert found["identity_cosine"] == pytest.approx(1, abs=1e-6)
    assert found["identity"] == pytest.approx(0.05, abs=1e-6)
    assert "identity" not in measure(*arguments, judges=JUDGES)


def test_the_identity_network_sees_the_middle_of_the_face() -> None:
    picture = np.full((64, 64, 3), 255, np.uint8)
    picture[8:56, 8:56] = (255, 0, 0)
    assert embed(picture, ColourIdentity(), net_size_px=56) == pytest.approx(
        np.array([1, -1, -1]) / np.sqrt(3), abs=1e-6
    )
