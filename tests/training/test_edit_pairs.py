"""True pictures of edits: who starts from what, where a picture changes, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple import faceworld
from unripple.conventions import Face
from unripple.faceworld.attributes import edited, under_eyes
from unripple.training import edit_pairs
from unripple.training.edit_pairs import PairRenderer, people

SIZE = 16


@pytest.fixture
def studio(tmp_path: Path) -> PairRenderer:
    return PairRenderer(tmp_path, SIZE, compiled=False)


def test_nobody_hides_hair_or_eyes() -> None:
    faces = people(64, seed=1)
    assert not faces[:, faceworld.INDEX["hat"]].any()
    assert not faces[:, faceworld.INDEX["glasses_dark"]].any()


def test_pairs_are_the_same_people_with_the_value_and_without(studio: PairRenderer) -> None:
    faces = people(2, seed=1)
    pairs = studio.pairs(faces, 5, "Sk_2", ["Sk_0"])
    assert pairs.factors.equal(edited(faces, "Sk_0"))
    before, after = (
        faceworld.render(edited(faces, name), 5 + torch.arange(2), size=SIZE).photo.float()
        for name in ("Sk_0", "Sk_2")
    )
    torch.testing.assert_close(pairs.change, (after - before) / 127.5)
    assert set(torch.unique(pairs.region).tolist()) == {0.0, 1.0}
    assert not (pairs.change.abs().amax(1, keepdim=True) > 0.1)[pairs.region == 0].any()


def test_groups_start_from_the_other_values_in_turn(
    studio: PairRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_pairs, "GROUP", 1)
    faces = people(3, seed=1)
    melanin = studio.pairs(faces, 5, "Sk_2", ["Sk_0", "Sk_1"]).factors[
        :, faceworld.INDEX["melanin"]
    ]
    torch.testing.assert_close(melanin, torch.tensor([0.05, 0.45, 0.05]))


def test_bags_are_the_change_under_the_eyes_alone(
    studio: PairRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_pairs, "GROUP", 1)
    face = people(1, seed=1)
    bags, age = (
        studio.pairs(face, 5, name, [start]).change[0]
        for name, start in (("Be_max", "Be_min"), ("A_2", "A_0"))
    )
    eyes = faceworld.render(edited(face, "Be_min"), torch.tensor([5]), size=SIZE).landmarks[0, :2]
    skin = torch.from_numpy(under_eyes(eyes.numpy(), SIZE))
    assert bags[:, skin].any() and not bags[:, ~skin].any()
    assert age[:, ~skin].any()


def test_age_leaves_the_line_of_the_hair_to_the_hair(
    studio: PairRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_pairs, "GROUP", 1)
    face = faceworld.with_factors(people(1, seed=1), masculinity=0.9, bald=0.0, fringe=0.9)
    change = studio.pairs(face, 5, "A_2", ["A_0"]).change[0]
    pictures = [
        faceworld.render(edited(face, name), torch.tensor([5]), size=SIZE)
        for name in ("A_0", "A_2")
    ]
    hair = (pictures[0].labels[0] == Face.HAIR) | (pictures[1].labels[0] == Face.HAIR)
    differs = (pictures[0].photo[0] != pictures[1].photo[0]).any(0)
    assert (differs & hair).any() and not change[:, hair].any()
    assert change[:, ~hair].any()


def test_pictures_are_rendered_once(
    tmp_path: Path, studio: PairRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_pairs, "GROUP", 1)
    face = people(1, seed=1)
    first = studio.pairs(face, 5, "Bp_max", ["Bp_min"])
    kept = len(list(tmp_path.iterdir()))
    monkeypatch.setattr(faceworld, "render", None)
    again = studio.pairs(face, 5, "Bp_max", ["Bp_min"])
    back = studio.pairs(face, 5, "Bp_min", ["Bp_max"])
    assert kept == 2 and len(list(tmp_path.iterdir())) == kept
    assert again.change.equal(first.change) and back.change.equal(-first.change)
