"""The renderer: determinism, and that everything said about a picture is true of it."""

from __future__ import annotations

import pytest
import torch

from unripple.conventions import Face
from unripple.faceworld import (
    RenderedFaces,
    View,
    counterfactual,
    draw_plates,
    mirrored,
    portrait,
    render,
    sample_factors,
    with_factors,
)

SIZE = 64
SEEDS = torch.tensor([5, 6, 7, 8])


@pytest.fixture(scope="module")
def faces() -> RenderedFaces:
    factors = with_factors(sample_factors(4, seed=21), glasses=0.0, hat=0.0, bald=0.0)
    return render(factors, SEEDS, size=SIZE)


@pytest.fixture(scope="module")
def turned(faces: RenderedFaces) -> RenderedFaces:
    return counterfactual(faces, yaw_deg=torch.tensor([25.0, -25.0, 25.0, -25.0]))


def test_the_same_seed_gives_the_same_bytes(faces: RenderedFaces) -> None:
    again = render(faces.factors, SEEDS, size=SIZE)
    for name, one, other in zip(RenderedFaces._fields, faces, again, strict=True):
        assert torch.equal(one, other), name


def test_a_face_does_not_depend_on_its_batch(faces: RenderedFaces) -> None:
    alone = render(faces.factors[2:3], SEEDS[2:3], size=SIZE)
    assert torch.equal(alone.labels[0], faces.labels[2])
    difference = (alone.photo[0].int() - faces.photo[2].int()).abs()
    assert difference.max() <= 2


def test_labels_alpha_and_depth_agree(faces: RenderedFaces) -> None:
    person = faces.labels != Face.BACKGROUND
    assert torch.equal(person, faces.alpha > 127)
    nearest_plate = faces.inverse_depth[~person].max()
    assert faces.inverse_depth[person].min() > nearest_plate
    for label in (Face.SKIN, Face.HAIR, Face.NOSE, Face.NECK, Face.CLOTH, Face.UPPER_LIP):
        assert (faces.labels == label).flatten(1).any(1).all(), label.name


def test_the_photo_is_the_plate_where_nobody_is(faces: RenderedFaces) -> None:
    nobody = (faces.alpha == 0)[:, None].expand_as(faces.photo)
    assert torch.equal(faces.photo[nobody], faces.plate[nobody])
    person = (faces.alpha == 255)[:, None].expand_as(faces.photo)
    assert (faces.photo[person] != faces.plate[person]).float().mean() > 0.9


def test_landmarks_lie_on_their_parts(faces: RenderedFaces) -> None:
    wanted = (
        {Face.RIGHT_EYE, Face.SKIN},  # a squinting eye is a line
        {Face.LEFT_EYE, Face.SKIN},
        {Face.NOSE},
        {Face.UPPER_LIP, Face.LOWER_LIP, Face.MOUTH, Face.SKIN},
        {Face.UPPER_LIP, Face.LOWER_LIP, Face.MOUTH, Face.SKIN},
    )
    for face, points in enumerate(faces.landmarks):
        for allowed, (x, y) in zip(wanted, points.tolist(), strict=True):
            assert int(faces.labels[face, int(y), int(x)]) in {int(part) for part in allowed}
        eye_labels = faces.labels[face] == Face.RIGHT_EYE
        if eye_labels.sum() > 4:
            rows, columns = torch.nonzero(eye_labels, as_tuple=True)
            centre = torch.tensor([columns.float().mean() + 0.5, rows.float().mean() + 0.5])
            assert (centre - points[0]).norm() < 0.035 * SIZE


def test_a_counterfactual_keeps_the_world_and_turns_the_head(
    faces: RenderedFaces, turned: RenderedFaces
) -> None:
    assert torch.equal(turned.plate, faces.plate)
    outside = ((turned.alpha == 0) & (faces.alpha == 0))[:, None].expand_as(faces.photo)
    assert torch.equal(turned.photo[outside], faces.photo[outside])
    nose_from_eyes = turned.landmarks[:, 2, 0] - turned.landmarks[:, :2, 0].mean(1)
    assert (nose_from_eyes[::2] > 0.03 * SIZE).all()
    assert (nose_from_eyes[1::2] < -0.03 * SIZE).all()
    assert torch.allclose(turned.pose_deg[:, 0], torch.tensor([25.0, -25.0, 25.0, -25.0]))


def test_factors_do_what_their_names_say(faces: RenderedFaces) -> None:
    bare = with_factors(faces.factors, hair_length=0.0, beard=0.0, moustache=0.0)
    worn = with_factors(bare, glasses=1.0)
    shown = render(worn, SEEDS, size=SIZE)
    assert ((shown.labels == Face.GLASSES).flatten(1).sum(1) > 20).all()
    long_haired = render(with_factors(bare, hair_length=1.0), SEEDS, size=SIZE)
    short_haired = render(bare, SEEDS, size=SIZE)
    grown = (long_haired.labels == Face.HAIR).sum() - (short_haired.labels == Face.HAIR).sum()
    assert grown > 0.05 * SIZE * SIZE * len(bare)


def test_a_plate_at_two_sizes_is_one_picture(faces: RenderedFaces) -> None:
    large = draw_plates(faces.factors[:2], SEEDS[:2], portrait(128)).float()
    small = draw_plates(faces.factors[:2], SEEDS[:2], portrait(64)).float()
    halved = torch.nn.functional.avg_pool2d(large, 2)
    assert (halved - small).abs().max() <= 1.5


def test_a_wider_view_shows_the_same_face_elsewhere(faces: RenderedFaces) -> None:
    units = portrait(SIZE).units_per_px
    shifted = View(96, 64, centre_x=8 * units, centre_y=0.0, units_per_px=units)
    scene = render(faces.factors[:1], SEEDS[:1], view=shifted)
    # The portrait's middle (32, 32) lies 8 px left of the scene's middle (48, 32).
    assert torch.allclose(scene.landmarks[0, :, 0], faces.landmarks[0, :, 0] + 8, atol=1e-3)
    window = scene.labels[0, :, 8:72]
    assert (window == faces.labels[0]).float().mean() > 0.98


def test_mirrored_factors_give_the_mirrored_person(faces: RenderedFaces) -> None:
    mirror = render(mirrored(faces.factors), SEEDS, size=SIZE)
    person = (faces.labels != Face.BACKGROUND)[:, None]
    seen, flipped = faces.photo.float(), mirror.photo.float().flip(-1)

    def apart(other: torch.Tensor) -> float:
        return float(((seen - other).abs() * person).sum() / person.sum() / 3)

    # What is left is grain; as they are, two faces that look elsewhere are much further apart.
    assert apart(flipped) < 10 < apart(mirror.photo.float())
    sides = (faces.labels != 0) != (mirror.labels != 0).flip(-1)
    assert sides.float().mean() < 0.01


def test_sides_must_fit_the_blocks(faces: RenderedFaces) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        render(faces.factors, SEEDS, size=60)
