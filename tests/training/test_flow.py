"""The flow net's training: its truth, its figures, that it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from unripple.faceworld.correspondence import correspondence
from unripple.models.flow import Flow
from unripple.models.pose import PoseNet
from unripple.training import encoders, latents, loop, true_pairs
from unripple.training import flow as training
from unripple.training.flow import FlowTask
from unripple.training.shards import FaceShards

from .factor_faces import write_factor_shards
from .slim import SIZE, moving_down, slim


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowTask:
    slim(monkeypatch)
    torch.manual_seed(0)
    folder = write_factor_shards(tmp_path / "toys", size=SIZE)
    return FlowTask(
        FaceShards(folder, training.FIELDS, "train"),
        FaceShards(folder, training.FIELDS, "val"),
        loop.frozen(latents.small_generator(SIZE), "cpu"),
        (loop.frozen(encoders.small_encoder(), "cpu"), torch.zeros(latents.STYLE_DIM)),
        PoseNet((4, 6), hidden=8).state_dict(),
        batch_size=5,
        lr=5e-3,
    )


def test_pairs_come_last(task: FlowTask) -> None:
    batch = task.draw(torch.Generator().manual_seed(0))
    assert len(batch["photo"]) == 5 and len(batch["target_labels"]) == 4


def test_the_true_motion_has_no_error(task: FlowTask) -> None:
    batch = true_pairs.swapped(task.held_out)
    true = correspondence(
        batch["factors"], batch["inverse_depth"], batch["target_factors"],
        batch["target_labels"], batch["target_inverse_depth"],
    )  # fmt: skip
    centres = torch.arange(SIZE) + 0.5
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    offsets = (true.position - torch.stack((columns, rows), -1)).permute(0, 3, 1, 2) * (2 / SIZE)
    gate = torch.ones(4, 1, SIZE, SIZE)
    assert float(task.endpoint_error_px(batch, Flow(offsets, gate, gate), 0)) < 0.011
    moved = offsets + torch.tensor([3 * 2 / SIZE, 4 * 2 / SIZE])[:, None, None]
    assert float(task.endpoint_error_px(batch, Flow(moved, gate, gate), 0)) == pytest.approx(
        5, abs=0.01
    )


def test_steps_bring_the_error_down(task: FlowTask) -> None:
    frozen = [p.clone() for p in task.edits.generator.parameters()]
    batch = task.draw(torch.Generator().manual_seed(0))
    steps = [task.train_step(batch, step) for step in range(25)]
    for name in ("pyramid", "motion_px"):
        assert float(steps[-1][name]) < 0.9 * float(steps[0][name]), name
    after = task.edits.generator.parameters()
    assert all(torch.equal(a, b) for a, b in zip(frozen, after, strict=True))


def test_it_carries_what_the_redrawing_misses_of_the_photo(task: FlowTask) -> None:
    for net in (task.net, task.average):
        moving_down(net, 4)
    batch = true_pairs.swapped(task.held_out)
    for learns in (True, False):
        with torch.set_grad_enabled(learns):
            case, _, _, details = task.estimate(batch)
        residual = case.photo - task.edits.invert(case.photo)[1]
        assert torch.allclose(details.visible[:, :, :-4], residual[:, :, 4:], atol=1e-3)


def test_figures_and_pictures(task: FlowTask) -> None:
    figures = task.validate()
    assert {"motion_px", "seen", "same", "edit_psnr_db", "inner_ghost", "e4e_psnr_db"} <= set(
        figures
    )
    assert task.sample().shape == (5 * SIZE, 4 * SIZE, 3)


def test_the_pose_net_does_not_learn(task: FlowTask) -> None:
    before = {k: v.clone() for k, v in task.net.state_dict().items() if k.startswith("pose.")}
    task.train_step(task.draw(torch.Generator().manual_seed(0)), 0)
    after = task.net.state_dict()
    assert before and all(torch.equal(after[name], value) for name, value in before.items())


def test_it_goes_on_from_the_net_in_an_hfgi_file(task: FlowTask, tmp_path: Path) -> None:
    state = {k: (v + 1).contiguous() for k, v in task.net.state_dict().items()}
    file = {f"motion.{name}": value for name, value in state.items()}
    file["residue.weight"] = torch.zeros(3)
    save_file(file, tmp_path / "hfgi.safetensors", metadata={"role": "hfgi"})
    task.start_from(tmp_path / "hfgi.safetensors")
    for net in (task.net, task.average):
        assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
