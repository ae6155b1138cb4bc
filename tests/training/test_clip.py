"""The embedded CLIP's training: what sentences claim, what the loss asks, and exact resumes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from unripple import faceworld
from unripple.training import clip, clip_captions, latents, loop, ranger
from unripple.training.clip_captions import Claim
from unripple.training.clip_words import INDEX, PREDICATES, truths
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards

from .factor_faces import write_factor_shards

FACES = faceworld.sample_factors(400, seed=3)
SIZES = {"embed": 16, "width": 8, "layers": (1, 1, 1, 1), "text_width": 64, "text_layers": 1}


def test_predicates_are_true_false_and_unknown_of_some_faces() -> None:
    found = truths(FACES)
    assert found.shape == (400, len(PREDICATES)) and found.unique().tolist() == [-1, 0, 1]
    for i, one in enumerate(PREDICATES):
        assert (found[:, i] > 0).any() and (found[:, i] < 0).any(), one.name
    both = (found[:, INDEX["blond"]] > 0) & (found[:, INDEX["black"]] > 0)
    assert not both.any()
    bald = faceworld.with_factors(FACES[:1], bald=1.0, hat=0.0, hair_length=1.0)
    told = truths(bald)[0]
    assert told[INDEX["bald"]] == 1 and told[INDEX["long_hair"]] == -1


def test_sentences_are_true_of_their_faces() -> None:
    truth = truths(FACES)
    chance = random.Random(0)
    captions = [clip_captions.caption_of(row, chance) for row in truth.tolist()]
    fits = clip_captions.fits(truth, captions)
    assert (fits.diagonal() == 1).all() and (fits == -1).any() and (fits == 0).any()
    assert {len(caption.claims) for caption in captions} == {0, 1, 2, 3, 4}
    assert len({caption.text for caption in captions}) > 300


def test_a_denied_claim_and_one_that_nobody_could_tell() -> None:
    one = clip_captions.Caption("x", (Claim(0, said=False), Claim(1, said=True)))
    truth = torch.tensor([[-1, 1], [1, 1], [-1, 0], [1, 0]], dtype=torch.int8)
    assert clip_captions.fits(truth, [one])[:, 0].tolist() == [1, -1, 0, -1]


def test_every_word_of_a_sentence_is_said_to_be_known() -> None:
    known = set(clip_captions.words())
    truth = truths(FACES).tolist()
    chance = random.Random(1)
    for row in truth[:200]:
        text = clip_captions.caption_of(row, chance).text
        assert set(clip_captions.words_of(text)) <= known, text


def test_the_loss_takes_every_true_pair_and_leaves_out_what_cannot_be_told() -> None:
    logits = torch.tensor([[2.0, 2.0, 0.0, 9.0]], requires_grad=True)
    loss = clip.contrast(logits, torch.tensor([[1, 1, -1, 0]]))
    assert float(loss) == pytest.approx(float(torch.nn.functional.softplus(torch.tensor(-2.0))))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[0, 3] == 0 and (gradient[0, :2] < 0).all() and gradient[0, 2] > 0
    assert float(clip.contrast(logits, torch.tensor([[1, 1, 0, 0]]))) == 0  # nothing is false


def test_what_sentences_claim() -> None:
    truth = truths(FACES[:50])
    chance = random.Random(2)
    captions = [clip_captions.caption_of(row, chance) for row in truth.tolist()]
    claimed = clip_captions.claimed(captions)
    assert claimed.abs().sum() == sum(len(caption.claims) for caption in captions)
    assert (claimed * truth == claimed.abs()).all()  # all that is said is true


def test_claims_teach_pictures_and_the_axes_but_sentences_alone() -> None:
    torch.manual_seed(0)
    claims = clip.Claims(8)
    vectors = torch.nn.functional.normalize(torch.randn(3, 8), dim=1).requires_grad_()
    truth = torch.zeros(3, len(PREDICATES), dtype=torch.int8)
    truth[0, 1], truth[1, 2] = 1, -1
    (axes, seen) = torch.autograd.grad(
        claims.of_pictures(vectors, truth), (claims.axes.weight, vectors)
    )
    assert (seen[:2] != 0).any(1).all() and not seen[2].any()  # nobody could tell anything of it
    assert (axes != 0).any(1).nonzero()[:, 0].tolist() == [1, 2]
    loss = claims.of_texts(vectors, truth)
    loss.backward()
    assert claims.axes.weight.grad is None and bool(vectors.grad[:2].any())
    with torch.no_grad():
        there = torch.nn.functional.normalize(claims.axes.weight[1:3] * torch.tensor([[1], [-1]]))
        assert claims.of_texts(there, truth[:2]) < loss


def test_the_same_face_is_drawn_once_and_alike_whatever_came_before() -> None:
    generator = latents.small_generator(64).eval().requires_grad_(False)
    one, other = clip.Drawings(generator, 3), clip.Drawings(generator, 3)
    first = one.batch(8, torch.Generator().manual_seed(1))
    other.batch(2, torch.Generator().manual_seed(5))
    again = other.batch(8, torch.Generator().manual_seed(1))
    assert len(one.kept) == 3 and torch.equal(first["photo"], again["photo"])
    assert torch.equal(first["factors"], again["factors"])
    assert one.batch(0, torch.Generator())["photo"].shape == (0, 3, 64, 64)


def task(folder: Path) -> clip.ClipTask:
    torch.manual_seed(0)
    generator = latents.small_generator(64).eval().requires_grad_(False)
    data = (FaceShards(folder, clip.FIELDS, split) for split in ("train", "val"))
    return clip.ClipTask(*data, generator, batch_size=4, sizes=SIZES)


def test_a_stopped_training_ends_in_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "VALIDATION_FACES", 8)
    folder = write_factor_shards(tmp_path / "data", size=64)
    monkeypatch.setattr(loop, "learning_rate_factor", lambda progress, step: 1.0)
    for name, steps in (("stopped", 2), ("stopped", 3), ("whole", 3)):
        loop.fit(task(folder), tmp_path / name, budget=Budget(steps=steps), compute="float32")
    stopped, whole = (
        torch.load(tmp_path / name / "last.pt", weights_only=True)["nets"]["clip"]
        for name in ("stopped", "whole")
    )
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)


def test_rangers_first_steps_are_not_rectified_and_every_sixth_goes_half_way_back() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = ranger.Ranger([weight], lr=0.5)
    gradient = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 3.0]])
    centre = gradient - gradient.mean(1, keepdim=True)
    for step in range(1, 6):
        weight.grad = gradient.clone()
        optimizer.step()
        assert torch.allclose(weight, -0.5 * step * centre, atol=1e-5)
    fast = weight.detach().clone()
    weight.grad = gradient.clone()
    optimizer.step()
    assert weight.abs().max() < fast.abs().max()
    assert torch.equal(optimizer.state[weight]["slow"], weight)
