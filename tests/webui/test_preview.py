"""Previews beside the stages that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests import tiny
from unripple.models.hfgi import CONSULTED
from unripple.stages.edit import edit
from unripple.stages.invert import Consultant, invert
from unripple.webui.preview import Sketch, sketch_of

PHOTO = tiny.picture(3)
PERSON = np.ones(PHOTO.shape[:2], np.bool_)
CODES = np.random.default_rng(0).normal(size=(tiny.CODES, tiny.W)).astype(np.float32)
MOVED = CODES + np.float32(0.3)


@pytest.fixture(params=["with a motion net", "without one"])
def nets(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, Consultant]:
    made = tiny.networks()
    generator, hfgi = made["generator"].eval(), made["hfgi"].eval()
    torch.manual_seed(0)
    with torch.no_grad():  # new ones change nothing
        for name in ("condition_scale3", "condition_shift3"):
            getattr(hfgi["residue"], name)[-1].weight.normal_(std=0.3)
    moving = hfgi["motion"] if "without" not in request.param else None
    return generator, Consultant(hfgi["grid_align"], hfgi["residue"], CONSULTED, tiny.SIZE, moving)


def sketched(generator: torch.nn.Module, consultant: Consultant) -> tuple[Sketch, np.ndarray]:
    inverted = invert(PHOTO, CODES, generator, consultant)
    assert inverted.residual is not None
    sketch = sketch_of(PHOTO, PERSON, inverted.residual, generator, consultant)
    return sketch, inverted.residual


def test_a_preview_is_about_the_edit(nets: tuple[torch.nn.Module, Consultant]) -> None:
    generator, consultant = nets
    sketch, residual = sketched(*nets)
    wanted = edit(PHOTO, MOVED, residual, generator, consultant, size_px=tiny.SIZE)
    drawn = sketch.draw(MOVED)
    off = np.abs(drawn.astype(int) - wanted.picture).mean()
    assert off < 0.5 * np.abs(wanted.plain.astype(int) - wanted.picture).mean()


def test_with_a_motion_net_it_is_the_edit_itself(
    nets: tuple[torch.nn.Module, Consultant],
) -> None:
    generator, consultant = nets
    sketch, residual = sketched(*nets)
    wanted = edit(PHOTO, MOVED, residual, generator, consultant, size_px=tiny.SIZE)
    same = np.abs(sketch.draw(MOVED).astype(int) - wanted.picture).max() <= 1
    assert same == (consultant.motion is not None)


def test_strength_zero_is_the_codes_alone(nets: tuple[torch.nn.Module, Consultant]) -> None:
    sketch, _ = sketched(*nets)
    plain = sketch_of(PHOTO, PERSON, None, nets[0], None).draw(MOVED)
    assert np.abs(sketch.draw(MOVED, strength=0.0).astype(int) - plain).max() <= 1
