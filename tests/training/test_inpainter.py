"""The inpainter's training: holes, what each loss asks for, both phases, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from unripple.models.lama import Lama, sizes_from_state
from unripple.training import holes, inpainter
from unripple.training.fills import HeldOutFills
from unripple.training.inpainter import FIELDS, InpainterTask
from unripple.training.shards import FaceShards

from .toy_faces import toy_shard, write_shards

SIZES: dict[str, Any] = {"ngf": 8, "n_downsampling": 2, "n_blocks": 2}
CRITIC: dict[str, Any] = {"ndf": 8, "n_layers": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def task(folder: Path) -> InpainterTask:
    torch.manual_seed(0)
    data, held_out = (FaceShards(folder, FIELDS, split) for split in ("train", "val"))
    return InpainterTask(
        data, held_out, batch_size=4, crop=32, sizes=SIZES, discriminator_sizes=CRITIC, lr=3e-3
    )


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def alpha() -> Tensor:
    return toy_shard(0, 64)["alpha"]


def plates() -> Tensor:
    return toy_shard(0, 64)["plate"].repeat_interleave(2, 0)


def test_holes_cover_the_person_and_a_little_more() -> None:
    person = alpha() > 127
    for seed in range(4):
        hole = holes.silhouettes(alpha(), rng(seed))[:, 0] > 0.5
        covered = torch.maximum(
            (hole & person).sum((1, 2)), (hole & person.flip(2)).sum((1, 2))
        )  # half of the people are mirrored
        assert (covered > 0.9 * person.sum((1, 2))).all()
        assert (hole.sum((1, 2)) > person.sum((1, 2))).all()


def test_bands_are_the_part_of_the_hole_that_a_step_aside_uncovers() -> None:
    hole, bands = holes.silhouettes(alpha(), rng(1)), holes.bands(alpha(), rng(1))
    assert (bands <= hole).all()
    assert 0 < bands.sum() < 0.6 * hole.sum()
    across = bands[:, 0, 20]  # through the head: one run of pixels, at one of its sides
    starts = (across[:, 1:] - across[:, :-1] == 1).sum(1)
    assert (starts <= 1).all()


def test_strokes_are_neither_nothing_nor_everything() -> None:
    strokes = holes.strokes(8, 64, rng(0))
    share = strokes.mean((1, 2, 3))
    assert ((share > 0.005) & (share < 0.9)).all()
    assert set(strokes.unique().tolist()) == {0.0, 1.0}


def test_the_rim_is_the_part_of_the_hole_near_its_border() -> None:
    hole = torch.zeros(1, 1, 64, 64)
    hole[:, :, 10:60, 10:60] = 1
    rim = holes.rim(hole, 5)[0, 0]
    assert rim.sum() == 50 * 50 - 40 * 40
    assert rim[12, 30] == 1
    assert rim[35, 35] == 0
    assert holes.rim(torch.zeros_like(hole)).sum() == 0


def test_crops_hold_both_the_known_and_the_hole() -> None:
    hole = torch.zeros(6, 1, 64, 64)
    hole[:, :, 20:, 20:44] = 1
    layers = torch.cat((torch.rand(6, 3, 64, 64), hole), dim=1)
    crops = holes.rim_crops(layers, 32, rng(0))
    assert crops.shape == (6, 4, 32, 32)
    share = crops[:, 3].mean((1, 2))
    assert ((share > 0.05) & (share < 0.95)).all()


def test_the_first_phase_learns_on_crops(task: InpainterTask) -> None:
    batch = task.draw(rng())
    assert batch["plate"].shape == (8, 3, 32, 32)
    assert task.batch_size == 8
    # It starts from the smooth guess with a silent last layer; stripes come after some steps.
    first, *_, last = (float(task.train_step(batch, step)["l1"]) for step in range(200))
    assert last < 0.7 * first


def test_the_second_phase_trains_painter_and_discriminator(task: InpainterTask) -> None:
    task.progress = 0.9
    batch = task.draw(rng())
    assert batch["plate"].shape == (4, 3, 64, 64)
    assert task.batch_size == 4
    before = [p.detach().clone() for p in task.discriminator.parameters()]
    figures = [task.train_step(batch, step) for step in range(12)]
    assert set(figures[0]) == {"l1", "critic", "texture", "adversarial", "matching"}
    assert float(figures[-1]["critic"]) < float(figures[0]["critic"])
    assert any(
        not torch.equal(a, b) for a, b in zip(before, task.discriminator.parameters(), strict=True)
    )
    assert all(torch.isfinite(p).all() for p in task.net.parameters())


def test_terms_get_their_share_of_the_gradient(task: InpainterTask) -> None:
    picture = torch.rand(2, 3, 8, 8, requires_grad=True)
    pull = torch.randn(2, 3, 8, 8)
    task.shares = {"adversarial": 0.5}
    push = task.balanced({"adversarial": 1e-6 * picture.square().sum()}, picture, pull)
    assert push.norm() == pytest.approx(0.5 * float(pull.norm()), rel=1e-4)
    task.shares = {"adversarial": 0.0}
    assert task.balanced({"adversarial": picture.sum()}, picture, pull).norm() == 0


def test_texture_is_asked_for_in_strength_and_not_in_place() -> None:
    hole = torch.zeros(1, 1, 64, 64)
    hole[:, :, 16:48, 16:48] = 1
    noise = 0.5 + 0.2 * torch.rand(2, 3, 64, 64, generator=rng())
    truth, other = noise[:1], noise[1:]
    flat = torch.full_like(truth, 0.6)
    loud = torch.lerp(flat, other, 3.0)
    same, as_loud, zeroed, louder = (
        float(inpainter.texture_loss(painted, truth, hole))
        for painted in (truth, other, flat, loud)
    )
    assert same == 0
    assert as_loud < 0.3 * min(zeroed, louder)
    outside = torch.where(hole > 0, truth, flat)  # what lies outside the hole does not count
    assert inpainter.texture_loss(outside, truth, hole) < 0.2 * zeroed


def test_blocks_of_colour_are_pinned_and_texture_within_them_is_free() -> None:
    hole = torch.ones(1, 1, 64, 64)
    target = torch.full((1, 3, 64, 64), 0.5)
    rows = torch.arange(64) % 2
    checks = target + 0.2 * (2 * ((rows[None] + rows[:, None]) % 2) - 1)
    assert inpainter.reconstruction(checks, target, hole, fine=0.0) < 1e-6
    assert inpainter.reconstruction(checks, target, hole, fine=1.0) > 0.2
    assert inpainter.reconstruction(target + 0.1, target, hole, fine=0.0) > 0.09


def test_only_patches_with_fill_are_called_fake() -> None:
    hole = torch.zeros(1, 1, 16, 16)
    hole[..., :8] = 1
    real = torch.full((1, 1, 4, 4), 50.0)
    right = torch.full((1, 1, 4, 4), 50.0)
    right[..., :2] = -50.0  # fake where there is fill, real elsewhere
    assert inpainter.discriminator_loss(real, right, hole) < 1e-6
    assert inpainter.discriminator_loss(real, -right, hole) > 10


def test_the_rim_counts_most_and_the_known_least() -> None:
    hole = torch.zeros(1, 1, 64, 64)
    hole[:, :, 8:56, 8:56] = 1
    target = torch.zeros(1, 3, 64, 64)

    def error_at(row: int, column: int) -> float:
        picture = target.clone()
        picture[:, :, row, column] = 1
        return float(inpainter.reconstruction(picture, target, hole, fine=1.0))

    assert error_at(10, 30) > 2 * error_at(32, 32) > 4 * error_at(2, 30) > 0


def test_figures_of_the_truth_and_of_a_blur() -> None:
    held = HeldOutFills.of(plates(), alpha())
    perfect = held.figures(held.truth)
    assert perfect["l1"] == 0
    assert perfect["energy"] == pytest.approx(1)
    assert perfect["beta"] == pytest.approx(1)
    flat = np.full_like(held.truth, 128)
    assert held.figures(flat)["energy"] == pytest.approx(0, abs=1e-4)
    assert set(perfect) == {"psnr", "l1", "energy", "beta"}


def test_the_rival_never_sees_behind_the_person() -> None:
    held = HeldOutFills.of(plates(), alpha())
    hidden = (held.hole > 0.5).expand(-1, 3, -1, -1).repeat_interleave(2, 0)
    loud = torch.where(hidden, torch.tensor(255, dtype=torch.uint8), plates())
    rival = HeldOutFills.of(loud, alpha()).baseline
    seen = ~hidden[::2].permute(0, 2, 3, 1).numpy()
    assert np.array_equal(rival * ~seen, held.baseline * ~seen)


def test_the_fill_keeps_the_known_and_the_export_rebuilds_the_net(
    task: InpainterTask, tmp_path: Path
) -> None:
    task.train_step(task.draw(rng()), 0)
    plate, hole = task.held_out.plate, task.held_out.hole
    painted = task.paint(plate, hole)
    known = (hole < 0.5).expand_as(plate)
    assert torch.equal(painted[known], plate[known])
    (path,) = task.export(tmp_path)
    state = {name: value.float() for name, value in load_file(path).items()}
    sizes = sizes_from_state(state)
    assert (sizes["ngf"], sizes["n_downsampling"], sizes["n_blocks"]) == (8, 2, 2)
    Lama(**sizes).load_state_dict(state)
    figures = task.validate()
    assert {name for name in figures if name.startswith("telea_")} == {
        "telea_psnr",
        "telea_l1",
        "telea_energy",
        "telea_beta",
    }
    assert task.sample().shape == (5 * 64, 12 * 64, 3)  # one row each of five
