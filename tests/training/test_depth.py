"""The depth net's training: the invariances of its loss, alignment, figures, a smoke run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from unripple.conventions import Face
from unripple.models.dpt import DPT, sizes_from_state
from unripple.training.depth import (
    FIELDS,
    DepthTask,
    best_fit,
    gradient_matching,
    refilled,
    without_scale,
)
from unripple.training.shards import FaceShards

from .toy_faces import write_shards

SIZES = {
    "token_width": 64,
    "depth": 4,
    "mlp_ratio": 1.0,
    "grid": 4,
    "level_widths": (16, 16, 16, 16),
    "features": 16,
    "head_width": 8,
    "stem_widths": (8, 16, 16, 16),
    "stem_blocks": (1, 1, 1),
    "n_classes": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def task(folder: Path) -> DepthTask:
    torch.manual_seed(0)
    data, held_out = (FaceShards(folder, FIELDS, split) for split in ("train", "val"))
    return DepthTask(data, held_out, batch_size=4, sizes=SIZES)


def test_the_loss_falls_on_one_batch(task: DepthTask) -> None:
    batch = task.draw(torch.Generator().manual_seed(0))
    first, *_, last = (float(task.train_step(batch, step)["l1"]) for step in range(60))
    assert last < 0.7 * first


def test_scale_and_shift_do_not_count() -> None:
    depth = torch.rand(2, 8, 8)
    assert torch.allclose(without_scale(depth), without_scale(3 * depth + 5), atol=1e-4)
    upside_down = without_scale(-depth)
    assert not torch.allclose(without_scale(depth), upside_down, atol=0.1)
    assert without_scale(depth).flatten(1).abs().mean(1) == pytest.approx(torch.ones(2), rel=1e-4)


def test_a_flat_map_gives_a_finite_loss() -> None:
    flat = torch.ones(1, 8, 8, requires_grad=True)
    without_scale(flat).abs().mean().backward()
    assert torch.isfinite(flat.grad).all()


def test_gradients_match_when_only_a_level_differs() -> None:
    level = torch.full((1, 16, 16), 0.7)
    assert gradient_matching(level) == 0
    step = level.clone()
    step[:, :, 8:] += 1
    # one column of 15 (then 7, 3, 1) pairs differs by 1
    expected = 1 / 15 + 1 / 7 + 1 / 3 + 1
    assert gradient_matching(step) == pytest.approx(expected, rel=1e-5)


def test_the_best_fit_undoes_scale_and_shift_per_picture() -> None:
    true = torch.rand(3, 8, 8)
    seen = true * torch.tensor([2.0, 0.5, 9.0])[:, None, None] + 3
    assert torch.allclose(best_fit(seen, true), true, atol=1e-5)


def test_the_export_rebuilds_the_net_and_figures_have_names(
    task: DepthTask, tmp_path: Path
) -> None:
    task.train_step(task.draw(torch.Generator()), 0)
    (path,) = task.export(tmp_path)
    with safe_open(path, framework="pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    sizes = sizes_from_state(state)
    assert json.loads(json.dumps(sizes)) == json.loads(metadata["sizes"])
    DPT(**sizes).load_state_dict(state)
    figures = task.validate()
    assert set(figures) == {
        *("abs_rel", "delta1", "foreground_iou", "foreground_iou_worst"),
        "randomised_foreground_iou",
    }
    assert 0 <= figures["foreground_iou_worst"] <= figures["foreground_iou"] <= 1
    assert task.sample().shape == (4 * 64, 12 * 64, 3)


def test_hair_that_was_added_is_as_near_as_the_person() -> None:
    before = torch.zeros(1, 32, 32, dtype=torch.uint8)
    before[:, 12:20, 12:20] = int(Face.HAIR)
    after = before.clone()
    after[:, 8:12, 12:20] = int(Face.HAIR)
    after[:, 14:16, 14:16] = int(Face.BACKGROUND)  # a thing that is held before it
    rendered = torch.where(before == Face.HAIR, 0.2, 0.1)[:, None]
    depth = refilled(rendered, before, after)
    added = (after == Face.HAIR) & (before != Face.HAIR)
    assert torch.allclose(depth[:, 0][added], torch.tensor(0.2))
    assert torch.equal(depth[:, 0][~added], rendered[:, 0][~added])
