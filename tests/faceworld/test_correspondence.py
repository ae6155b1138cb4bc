"""The true correspondence between two portraits of one person."""

from __future__ import annotations

import pytest
import torch

from unripple.conventions import Face
from unripple.faceworld import RenderedFaces, counterfactual, render, sample_factors, with_factors
from unripple.faceworld.correspondence import Correspondence, correspondence
from unripple.models.flow import warp

SIZE = 64


@pytest.fixture(scope="module")
def one() -> RenderedFaces:
    factors = with_factors(sample_factors(4, seed=21), glasses=0.0, hat=0.0, bald=0.0)
    return render(factors, torch.tensor([5, 6, 7, 8]), size=SIZE)


@pytest.fixture(scope="module")
def other(one: RenderedFaces) -> RenderedFaces:
    yaw = one.pose_deg[:, 0] + torch.tensor([20.0, -20.0, 20.0, -20.0])
    return counterfactual(one, yaw_deg=yaw)


def found_in(one: RenderedFaces, other: RenderedFaces) -> Correspondence:
    return correspondence(
        one.factors, one.inverse_depth, other.factors, other.labels, other.inverse_depth
    )


def test_a_picture_comes_from_itself(one: RenderedFaces) -> None:
    found = found_in(one, one)
    centres = torch.arange(SIZE) + 0.5
    assert torch.allclose(found.position[..., 0], centres.expand(4, SIZE, SIZE), atol=1e-3)
    assert torch.allclose(found.position[..., 1], centres[:, None].expand(4, SIZE, SIZE), atol=1e-3)
    assert found.visible.all()


def test_eyes_and_noses_come_from_their_own(one: RenderedFaces, other: RenderedFaces) -> None:
    found = found_in(one, other)
    eyes = (Face.LEFT_EYE, Face.RIGHT_EYE)
    looked_at = 0
    for face in range(4):
        for at, parts in ((0, eyes), (1, eyes), (2, (Face.NOSE,))):
            x, y = other.landmarks[face, at].floor().long().tolist()
            if int(other.labels[face, y, x]) not in parts or not found.visible[face, y, x]:
                continue  # hidden
            looked_at += 1
            moved = found.position[face, y, x] - torch.tensor([x + 0.5, y + 0.5])
            wanted = one.landmarks[face, at] - other.landmarks[face, at]
            assert (moved - wanted).abs().max() < 1.0, (face, at)
    assert looked_at >= 8


def test_the_body_stays_and_the_head_moves(one: RenderedFaces, other: RenderedFaces) -> None:
    found = found_in(one, other)
    centres = torch.arange(SIZE) + 0.5
    moved = (found.position[..., 0] - centres).abs()
    assert moved[other.labels == Face.CLOTH].max() < 1e-3
    assert moved[(other.labels == Face.NOSE) & found.visible].mean() > 1.5


def test_carried_along_it_the_photo_becomes_the_other_one(
    one: RenderedFaces, other: RenderedFaces
) -> None:
    found = found_in(one, other)
    centres = torch.arange(SIZE) + 0.5
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    offsets = (found.position - torch.stack((columns, rows), -1)).permute(0, 3, 1, 2) * (2 / SIZE)
    photo, target = one.photo.float(), other.photo.float()
    head = (other.alpha == 255) & found.visible & (other.labels != Face.CLOTH)
    error = (warp(photo, offsets) - target).abs().mean(1)[head].mean()
    assert error < 0.6 * (photo - target).abs().mean(1)[head].mean()


def test_what_was_hidden_is_not_visible(one: RenderedFaces, other: RenderedFaces) -> None:
    """Background that the person stood before, and ears that were on the far side."""
    found = found_in(one, other)
    uncovered = (one.alpha == 255) & (other.alpha == 0)
    assert uncovered.any() and not found.visible[uncovered].any()
    assert found.visible[(one.alpha == 0) & (other.alpha == 0)].all()
