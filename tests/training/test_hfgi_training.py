"""HFGI's training: warps, what the aligner is asked, reconstruction, the export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from unripple.conventions import BadCheckpoint, BadConfig, UnrippleError
from unripple.models.flow import EditFlowNet
from unripple.models.hfgi import fuse
from unripple.stages.invert import Consultant, consult
from unripple.training import encoders, hfgi, latents, loop, true_pairs
from unripple.training.auxiliary import AuxiliaryLosses
from unripple.training.flow import flow_state
from unripple.training.hfgi import HfgiTask
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards
from unripple.zoo import networks

from .factor_faces import write_factor_shards
from .slim import SIZE, moving_down, slim


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    slim(monkeypatch)


POSE = {"widths": (4, 6), "hidden": 8}


def small_task(tmp_path: Path, pairs: float, *, moving: bool = False) -> HfgiTask:
    torch.manual_seed(0)
    folder = write_factor_shards(tmp_path / "toys", size=SIZE)
    generator = loop.frozen(latents.small_generator(SIZE), "cpu")
    encoder = loop.frozen(encoders.small_encoder(), "cpu")
    return HfgiTask(
        FaceShards(folder, true_pairs.FIELDS, "train"),
        FaceShards(folder, true_pairs.FIELDS, "val"),
        generator,
        (encoder, torch.zeros(latents.STYLE_DIM)),
        auxiliary=AuxiliaryLosses(),
        batch_size=4,
        pairs=pairs,
        flow=EditFlowNet((6, 8, 8), pose=POSE).state_dict() if moving else None,
    )


@pytest.fixture
def task(tmp_path: Path) -> HfgiTask:
    return small_task(tmp_path, pairs=0.0)


@pytest.fixture
def pair_task(tmp_path: Path) -> HfgiTask:
    return small_task(tmp_path, pairs=0.5)


@pytest.fixture
def moving_task(tmp_path: Path) -> HfgiTask:
    return small_task(tmp_path, pairs=0.5, moving=True)


def test_the_identity_map_warps_nothing() -> None:
    pictures = torch.randn(2, 3, 16, 24)
    assert torch.allclose(
        hfgi.warp_by_homography(pictures, torch.eye(3).repeat(2, 1, 1)), pictures, atol=1e-5
    )


def test_a_shift_moves_by_whole_pixels_and_leaves_zeros() -> None:
    pictures = torch.randn(1, 3, 16, 16)
    shift = torch.eye(3)[None].clone()
    shift[:, 0, 2] = 2 * 2 / 16  # samples two pixels further right
    moved = hfgi.warp_by_homography(pictures, shift)
    assert torch.allclose(moved[..., :-2], pictures[..., 2:], atol=1e-5)
    assert not moved[..., -2:].any()


def test_random_homographies_stay_small_and_differ() -> None:
    torch.manual_seed(0)
    maps = hfgi.random_homographies(200)
    assert (maps[:, 2, 2] == 1).all()
    assert float((maps - torch.eye(3)).abs().max()) < 0.4
    assert float(maps.std(0)[0, 0]) == pytest.approx(0.06, rel=0.2)


def test_a_new_consultation_changes_nothing(task: HfgiTask) -> None:
    photo = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    w_plus, picture = task.invert(photo)
    _, restored, _ = task.consult(task.net.eval(), w_plus, photo - picture, picture, picture)
    assert torch.allclose(restored.clamp(-1, 1), picture, atol=1e-5)


def test_steps_restore_the_photo_and_leave_the_frozen_nets_alone(task: HfgiTask) -> None:
    frozen = [p.clone() for net in (task.generator, task.encoder) for p in net.parameters()]
    batch = task.draw(torch.Generator().manual_seed(0))
    steps = [task.train_step(batch, step) for step in range(12)]
    assert float(steps[-1]["pyramid"]) < 0.9 * float(steps[0]["pyramid"])
    after = [p for net in (task.generator, task.encoder) for p in net.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(frozen, after, strict=True))
    figures = task.validate()
    assert figures["left_shifted"] > 0
    assert {"psnr_db", "psnr_e4e_db", "align", "align_shifted"} <= set(figures)
    assert task.sample().shape == (6 * SIZE, 4 * SIZE, 3)


def test_the_export_is_what_the_stages_load(task: HfgiTask, tmp_path: Path) -> None:
    loop.fit(task, tmp_path / "run", budget=Budget(steps=2))
    (path,) = task.export(tmp_path)
    model = networks.load("hfgi", path, torch.device("cpu"))
    assert model.metadata["inject_after"] == hfgi.INJECT_AFTER
    photo = task.held_out["photo"].float() / 127.5 - 1
    w_plus, picture = task.invert(photo)
    residual = photo - picture
    scale, shift = model.net["residue"](model.net["grid_align"](residual, picture))
    inject = {hfgi.INJECT_AFTER: lambda features: fuse(features, scale, shift)}
    stored = task.generator.synthesize(w_plus, noise="none", inject=inject)
    _, trained, _ = task.consult(task.average, w_plus, residual, picture, picture)
    assert torch.allclose(stored, trained, atol=0.05 * float(stored.abs().max()))


def test_what_the_person_hid_is_unknown_and_nothing_else() -> None:
    """Three pixels: person in photo alone, in the target alone, in neither."""
    alpha, other = torch.tensor([[[255, 0, 0]]]), torch.tensor([[[0, 255, 0]]])
    faces = {
        "photo": torch.zeros(1, 3, 1, 3, dtype=torch.uint8),
        "alpha": alpha.to(torch.uint8),
        "factors": torch.zeros(1, 2),
    }
    case = true_pairs.PairedBatch.of(
        true_pairs.with_pairs(faces, faces, {**faces, "alpha": other.to(torch.uint8)}), "cpu"
    )
    assert case.n == 1 and len(case.photo) == len(case.target) == 2
    assert case.observed[:, 0, 0].tolist() == [[1, 1, 1], [0, 1, 1]]


def test_the_person_is_not_to_be_left_behind() -> None:
    """Of two pixels the person left one; what is said of the other one does not count."""
    known = torch.tensor([[[[0.0, 1.0]]]])
    case = true_pairs.PairedBatch(torch.zeros(1), torch.zeros(1), known, 0, None)
    for share in (0.0, 0.25, 1.0):
        seen = torch.tensor([[[[share, 0.7]]]])
        assert float(true_pairs.disocclusion_loss(seen, case)) == pytest.approx(share)
    everything = case._replace(observed=torch.ones_like(known))
    assert float(true_pairs.disocclusion_loss(torch.ones_like(known), everything)) == 0


def test_partners_are_each_others() -> None:
    assert true_pairs.partners(6).tolist() == [1, 0, 3, 2, 5, 4]


def test_batches_of_pairs_end_with_two_photos_of_one_person(pair_task: HfgiTask) -> None:
    batch = pair_task.draw(torch.Generator().manual_seed(1))
    assert len(batch["photo"]) == 4 and len(batch["target_photo"]) == 2
    shard = pair_task.data.shards[0]  # type: ignore[union-attr]
    for photo, target in zip(batch["photo"][2:], batch["target_photo"], strict=True):
        where = [
            next(row for row in range(16) if torch.equal(shards["photo"][row], picture))
            for picture in (photo, target)
            for shards in (shard, pair_task.data.shards[1])  # type: ignore[union-attr]
            if any(torch.equal(one, picture) for one in shards["photo"])
        ]
        assert len(where) == 2 and where[0] ^ 1 == where[1]


def test_codes_turn_by_the_change_of_the_true_factors(pair_task: HfgiTask) -> None:
    case = true_pairs.PairedBatch.of(pair_task.draw(torch.Generator().manual_seed(1)), "cpu")
    w_plus, picture = pair_task.invert(case.photo)
    moved, drawn = pair_task.turn(w_plus, picture, case)
    assert torch.equal(moved[:2], w_plus[:2]) and torch.equal(drawn[:2], picture[:2])
    before, after = (pair_task.generator.map(latents.code(f)) for f in case.factors or ())
    change = (after - before)[:, None].expand(-1, w_plus.shape[1], -1)
    assert torch.allclose(moved[2:] - w_plus[2:], change, atol=1e-5)
    # A generator that draws factors needs no encoder's errors: with w of the photo's factors, the
    # turned codes are those of the target's.
    exact = before[:, None].expand_as(change)
    turned_codes, _ = pair_task.turn(torch.cat((w_plus[:2], exact)), picture, case)
    assert torch.allclose(turned_codes[2:], after[:, None].expand_as(change), atol=1e-5)


def test_steps_on_pairs_draw_the_other_photo(pair_task: HfgiTask) -> None:
    batch = pair_task.draw(torch.Generator().manual_seed(0))
    steps = [pair_task.train_step(batch, step) for step in range(12)]
    assert float(steps[-1]["pyramid"]) < 0.9 * float(steps[0]["pyramid"])
    assert {"edit_psnr_db", "inner_ghost", "inner_return"} <= set(pair_task.validate())
    assert pair_task.sample().shape == (6 * SIZE, 4 * SIZE, 3)


def test_hidden_background_teaches_nothing(pair_task: HfgiTask) -> None:
    """Other colours where the person left: the same losses."""
    batch = pair_task.draw(torch.Generator().manual_seed(0))
    gone = (batch["alpha"][2:] > 0) & (batch["target_alpha"] == 0)
    assert gone.any()
    other = dict(batch)
    other["target_photo"] = torch.where(
        gone[:, None], 255 - batch["target_photo"], batch["target_photo"]
    )
    torch.manual_seed(3)
    before = {k: v.clone() for k, v in pair_task.net.state_dict().items()}
    one = pair_task.train_step(batch, 0)
    pair_task.net.load_state_dict(before)
    torch.manual_seed(3)
    two = pair_task.train_step(other, 0)
    assert all(float(one[name]) == float(two[name]) for name in one)


def test_the_figures_of_true_edits_are_perfect(pair_task: HfgiTask) -> None:
    faces = pair_task.held_out
    true = faces["photo"][true_pairs.partners(4)].float() / 127.5 - 1
    found = true_pairs.figures(faces, true)
    assert found["inner_return"] == pytest.approx(1, abs=1e-4)
    assert found["inner_ghost"] == pytest.approx(0, abs=1e-4)
    unmoved = true_pairs.figures(faces, faces["photo"].float() / 127.5 - 1)
    assert unmoved["inner_ghost"] == pytest.approx(1, abs=1e-4)


def test_a_training_starts_from_another_and_has_its_own_name(
    pair_task: HfgiTask, tmp_path: Path
) -> None:
    loop.fit(pair_task, tmp_path / "run", budget=Budget(steps=2))
    folder = tmp_path / "toys"
    next_task = HfgiTask(
        FaceShards(folder, true_pairs.FIELDS, "train"),
        FaceShards(folder, true_pairs.FIELDS, "val"),
        pair_task.generator,
        (pair_task.encoder, pair_task.latent_avg),
        auxiliary=AuxiliaryLosses(),
        batch_size=4,
        name="hfgi-faithful",
    )
    next_task.start_from(tmp_path / "run")
    wanted = pair_task.average.state_dict()
    assert all(torch.equal(v, wanted[k]) for k, v in next_task.net.state_dict().items())
    (path,) = next_task.export(tmp_path)
    assert path.name == "hfgi-faithful.safetensors"
    with torch.no_grad():
        for parameter in next_task.net.parameters():
            parameter += 1
    next_task.start_from(path)
    for name, value in next_task.net.state_dict().items():
        assert torch.allclose(value, wanted[name], atol=1e-3, rtol=1e-3), name


def test_pairs_are_a_share(tmp_path: Path) -> None:
    from unripple.training.__main__ import parser_for

    chosen = parser_for("hfgi").parse_args(["--data", str(tmp_path), "--pairs", "1.5"])
    with pytest.raises(BadConfig, match="from 0 to 1"):
        chosen.module.build(chosen)


def test_plain_photos_have_no_pairs(tmp_path: Path) -> None:
    from unripple.training.__main__ import parser_for

    chosen = parser_for("hfgi").parse_args(["--data", str(tmp_path), "--pairs", "0.5"])
    with pytest.raises(UnrippleError, match="plain photos have no true pairs"):
        chosen.module.build(chosen)


def test_an_export_is_blended_with_another_run(task: HfgiTask, tmp_path: Path) -> None:
    loop.fit(task, tmp_path / "one", budget=Budget(steps=1))
    of_run = {name: value.clone() for name, value in task.average.state_dict().items()}
    with torch.no_grad():
        for parameter in task.average.parameters():
            parameter += 1
    own = {name: value.clone() for name, value in task.average.state_dict().items()}
    task.blend = (tmp_path / "one", 0.25)
    task.export(tmp_path)
    for name, blended in task.average.state_dict().items():
        if blended.is_floating_point():
            assert torch.allclose(blended, 0.75 * own[name] + 0.25 * of_run[name]), name
    assert "25% of" in task.notes()


def test_a_motion_net_learns_along_and_is_exported(moving_task: HfgiTask, tmp_path: Path) -> None:
    batch = moving_task.draw(torch.Generator().manual_seed(0))
    before = {k: v.clone() for k, v in moving_task.net["motion"].state_dict().items()}
    steps = [moving_task.train_step(batch, step) for step in range(12)]
    assert float(steps[-1]["pyramid"]) < 0.9 * float(steps[0]["pyramid"])
    after = moving_task.net["motion"].state_dict()
    assert all(not torch.equal(after[f"{head}.weight"], before[f"{head}.weight"])
               for head in ("gates", "coarsest", "correct.0"))  # fmt: skip
    (path,) = moving_task.export(tmp_path)
    model = networks.load("hfgi", path, torch.device("cpu"))
    assert set(dict(model.net.named_children())) == {"grid_align", "residue", "motion"}
    assert "flow.EditFlowNet" in model.metadata["arch"]
    state = flow_state(path)
    wanted = moving_task.average["motion"].state_dict()
    assert all(torch.allclose(state[k].float(), v.float(), atol=1e-3) for k, v in wanted.items())


def test_the_aligner_sees_the_residual_where_the_motion_carried_it(
    moving_task: HfgiTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures do not show it at first: a fresh residual encoder changes nothing."""
    seen: list[torch.Tensor] = []
    for net in (moving_task.net, moving_task.average):
        moving_down(net["motion"], 4)
        net["aligner"].register_forward_pre_hook(lambda _, given: seen.append(given[0].float()))
    asked = consultations(moving_task, monkeypatch)
    batch = moving_task.draw(torch.Generator().manual_seed(0))
    for at_work in (moving_task.validate, lambda: moving_task.train_step(batch, 0)):
        seen.clear()
        asked.clear()
        at_work()
        given, residual = seen[0], asked[0]
        assert torch.allclose(given[:, :, :-4], residual[:, :, 4:], atol=1e-3)
        assert not torch.allclose(given, residual, atol=0.1)


def test_a_step_bends_the_residual_that_is_shown(
    task: HfgiTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.warped = 1.0
    shift = torch.eye(3).repeat(4, 1, 1)
    shift[:, 1, 2] = 4 * 2 / SIZE  # samples four pixels further down
    monkeypatch.setattr(hfgi, "random_homographies", lambda count: shift[:count])
    asked = consultations(task, monkeypatch)
    batch = task.draw(torch.Generator().manual_seed(0))
    task.train_step(batch, 0)
    photo = true_pairs.PairedBatch.of(batch, "cpu").photo
    missing = photo - task.invert(photo)[1]
    (bent,) = asked
    assert torch.allclose(bent[:, :, :-4], missing[:, :, 4:], atol=1e-5)
    assert not torch.allclose(bent, missing, atol=0.1)


def consultations(task: HfgiTask, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The residuals that the nets are asked about from now on."""
    asked: list[torch.Tensor] = []
    consult = task.consult

    def watched(net: Any, w_plus: torch.Tensor, residual: torch.Tensor, *more: Any) -> Any:
        asked.append(residual)
        return consult(net, w_plus, residual, *more)

    monkeypatch.setattr(task, "consult", watched)
    return asked


def test_stages_draw_what_was_trained(moving_task: HfgiTask) -> None:
    """Codes that moved, through the stage's function and through the training's."""
    photo = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    w_plus, before = moving_task.invert(photo)
    nets = moving_task.average
    with torch.no_grad():
        nets["motion"].coarsest.bias += 0.1  # something must move
        codes = w_plus + 0.1
        picture = moving_task.generator.synthesize(codes, noise="none").clamp(-1, 1)
    residual = photo - before
    with torch.no_grad():
        _, trained, seen = moving_task.consult(nets, codes, residual, before, picture)
        experts = Consultant(
            nets["aligner"], nets["residual"], hfgi.INJECT_AFTER, SIZE, nets["motion"]
        )
        drawn, moved = consult(
            codes, picture, residual, moving_task.generator, experts, before=before
        )
        experts = experts._replace(motion=None)
        plain, unmoved = consult(
            codes, picture, residual, moving_task.generator, experts, before=before
        )
    assert seen is not None and seen.shape == (1, 1, SIZE, SIZE)
    assert torch.allclose(drawn, trained, atol=0.03)
    assert not torch.allclose(plain, trained, atol=0.1)
    assert moved is not None and unmoved is None
    assert torch.allclose(moved.visibility, seen, atol=0.01)


def test_a_training_with_motion_starts_from_one_without(
    moving_task: HfgiTask, pair_task: HfgiTask, tmp_path: Path
) -> None:
    loop.fit(pair_task, tmp_path / "run", budget=Budget(steps=2))
    moving = {k: v.clone() for k, v in moving_task.net["motion"].state_dict().items()}
    moving_task.start_from(tmp_path / "run")
    wanted = pair_task.average.state_dict() | {f"motion.{k}": v for k, v in moving.items()}
    for name, value in moving_task.net.state_dict().items():
        assert torch.equal(value, wanted[name]), name


def test_the_motion_net_that_was_named_is_kept(moving_task: HfgiTask, tmp_path: Path) -> None:
    (path,) = moving_task.export(tmp_path)
    with torch.no_grad():
        for net in (moving_task.net, moving_task.average):
            net["motion"].coarsest.bias += 1
    moving_task.start_from(path)
    assert moving_task.net["motion"].coarsest.bias.min() > 0.5


def test_a_motion_net_must_be_there(task: HfgiTask, tmp_path: Path) -> None:
    (path,) = task.export(tmp_path)
    with pytest.raises(BadCheckpoint, match="holds no flow net"):
        flow_state(path)
