"""Domain randomisation: labels stay true, chance is the generator's, what is asked happens."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.conventions import Face
from unripple.training import grids, randomise
from unripple.training.randomise import Faces

from .toy_faces import toy_shard

SIDE = 64
FACES = 16


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def faces() -> Faces:
    shard = toy_shard(0, SIDE)
    return Faces(
        photo=grids.from_uint8(shard["photo"]),
        plate=grids.from_uint8(shard["plate"].repeat_interleave(2, 0)),
        labels=shard["labels"],
        alpha=shard["alpha"][:, None].float() / 255,
        inverse_depth=shard["inverse_depth"][:, None].float(),
    )


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GROWN", "BUN", "PLATE", "NEIGHBOUR", "BEARD", "LIGHT", "HAND", "THING"):
        monkeypatch.setattr(randomise, f"{name}_CHANCE", 1.0)
    monkeypatch.setattr(randomise, "SCARF_CHANCE", 0.0)


def changed(one: Tensor, two: Tensor) -> Tensor:
    """Which pixels differ visibly, bool [B, S, S]."""
    return (one - two).abs().amax(1) > 0.02


def test_the_same_generator_makes_the_same_pictures(faces: Faces) -> None:
    one, same, other = (randomise.partly_randomised(faces, 1.0, rng(s)) for s in (3, 3, 4))
    assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])
    assert torch.isfinite(one[0]).all() and one[0].abs().max() <= 1.0001


def test_a_share_is_changed_and_the_rest_stays(faces: Faces) -> None:
    photo, labels = randomise.partly_randomised(faces, 0.5, rng())
    assert torch.equal(photo[FACES // 2 :], faces.photo[FACES // 2 :])
    assert torch.equal(labels[FACES // 2 :], faces.labels[FACES // 2 :])
    assert changed(photo, faces.photo)[: FACES // 2].flatten(1).any(1).sum() >= FACES // 2 - 1
    assert randomise.partly_randomised(faces, 0.0, rng())[0] is faces.photo


def test_other_plates_leave_the_person_alone(faces: Faces, always: None) -> None:
    plate = randomise.other_plates(faces.plate, rng())
    photo = faces.photo + (1 - faces.alpha) * (plate - faces.plate)
    person = faces.labels != Face.BACKGROUND
    assert not (changed(photo, faces.photo) & person).any()
    assert changed(photo, faces.photo)[~person].float().mean() > 0.5


def test_hair_grows_over_the_background_alone_and_is_labelled(faces: Faces, always: None) -> None:
    photo, labels = randomise.more_hair(faces.photo, faces.labels, rng())
    background = faces.labels == Face.BACKGROUND
    assert torch.equal(labels[~background], faces.labels[~background])
    new = labels != faces.labels
    assert set(labels[new].unique().tolist()) <= {int(Face.HAIR), int(Face.HAT)}
    with_hair = (faces.labels == Face.HAIR).flatten(1).any(1)
    assert new.flatten(1).any(1)[with_hair].float().mean() > 0.5
    assert not (changed(photo, faces.photo) & ~background).any()


def test_a_scarf_takes_all_hair_and_both_ears(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(randomise, "SCARF_CHANCE", 1.0)
    labels = randomise.headgear(faces.labels, rng())
    head = torch.isin(faces.labels.int(), torch.tensor(randomise.HEAD_PARTS).int())
    assert (labels[head] == Face.HAT).all()
    assert torch.equal(labels[~head], faces.labels[~head])


def test_a_part_is_redressed_and_nothing_far_from_it(faces: Faces) -> None:
    place = faces.labels == Face.CLOTH
    look = randomise.cloth(rng(), FACES, SIDE)
    photo = randomise.redressed(faces.photo, place, look, 1.0, rng())
    near = randomise.gaussian_blur(place.float()[:, None], 2.0)[:, 0] > 0
    touched = changed(photo, faces.photo)
    assert touched[place].float().mean() > 0.8
    assert not (touched & ~near).any()


def test_what_becomes_headgear_does_not_keep_the_look_of_hair(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(randomise, "SCARF_CHANCE", 1.0)
    for name in ("LIGHT", "HAND", "THING"):
        monkeypatch.setattr(randomise, f"{name}_CHANCE", 0.0)
    photo, labels = randomise.randomised(faces, rng())
    was_hair = (labels == Face.HAT) & (faces.labels == Face.HAIR)
    assert was_hair.any()
    assert changed(photo, faces.photo)[was_hair].float().mean() > 0.95


def test_light_keeps_to_the_person_and_moves_with_the_surface(faces: Faces, always: None) -> None:
    person = (faces.labels != Face.BACKGROUND).float()[:, None]
    photo = randomise.relit(faces.photo, person, faces.inverse_depth, rng())
    assert torch.equal(photo * (1 - person), faces.photo * (1 - person))
    assert changed(photo, faces.photo)[person[:, 0] > 0].float().mean() > 0.5


def test_hands_are_of_the_body_and_things_of_the_background(
    faces: Faces, always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, part in (("THING", Face.CLOTH), ("HAND", Face.BACKGROUND)):
        monkeypatch.setattr(randomise, f"{kind}_CHANCE", 0.0)
        _, labels = randomise.occluded(faces.photo, faces.labels, rng())
        monkeypatch.setattr(randomise, f"{kind}_CHANCE", 1.0)
        new = labels != faces.labels
        assert new.any() and (labels[new] == part).all()
