"""All figures of one edit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.metrics.figures import FIGURES, IDENTICAL_DB, edit_figures
from unripple.metrics.subject import SameFace

from .scenes import mix, scene

UNAIDED = [
    "texture_energy",
    "seam",
    "background_identical",
    "background_psnr",
    "background_worst_tile_psnr",
]


def test_without_truth_only_what_needs_none() -> None:
    world = scene()
    found = edit_figures(world.photo, world.counterfactual, world.before, world.after)
    assert list(found) == UNAIDED


def test_the_truth_gets_perfect_figures() -> None:
    world = scene(192)
    found = edit_figures(
        world.photo,
        world.counterfactual,
        world.before,
        world.after,
        plate=world.plate,
        counterfactual=world.counterfactual,
        asked_yaw_deg=20.0,
        achieved_yaw_deg=20.0,
        yaw_change_deg=40.0,
        photo_embedding=np.array([1.0, 0.0]),
        result_embedding=np.array([0.8, 0.6]),
        same_face=SameFace(np.array([0.0, 40.0]), np.array([1.0, 0.8])),
    )
    judged = ("mesh_yaw_error", "mesh_pitch_drift", "identity_distance")  # by other networks
    of_pictures = {k: one for k, one in FIGURES.items() if k not in judged}
    assert list(found) == list(of_pictures)
    for name, figure in of_pictures.items():
        if name == "identity_cosine":
            assert found[name] == pytest.approx(0.8)
        elif figure.perfect is None:
            assert found[name] == IDENTICAL_DB
        else:
            tolerance = 0.12 if name == "seam" else 0.02  # texture itself is steeper here or there
            assert found[name] == pytest.approx(figure.perfect, abs=tolerance), name


def test_an_estimated_plate_serves_the_ghost_alone() -> None:
    world = scene()
    result = mix(0.2, world.photo, world.counterfactual)
    found = edit_figures(
        world.photo, result, world.before, world.after, estimated_plate=world.plate
    )
    assert set(found) == {*UNAIDED, "ghost_transmission"}
    assert found["ghost_transmission"] == pytest.approx(0.2, abs=0.02)


def test_true_masks_replace_parsed_ones() -> None:
    world = scene()
    nobody = np.zeros_like(world.before)
    arguments = (world.photo, world.counterfactual)
    true = edit_figures(*arguments, world.before, world.after)
    parsed = edit_figures(
        *arguments, nobody, nobody, true_before=world.before, true_after=world.after
    )
    assert parsed == true
    assert true["background_identical"] == 1
    assert edit_figures(*arguments, nobody, nobody)["background_identical"] < 1


def test_a_still_person_leaves_its_place_undefined() -> None:
    world = scene(after=0.42)
    found = edit_figures(world.photo, world.photo, world.before, world.after, plate=world.plate)
    for name in ("ghost_transmission", "texture_return", "texture_energy", "fill_psnr", "seam"):
        assert math.isnan(found[name]), name
    assert found["background_psnr"] == IDENTICAL_DB
