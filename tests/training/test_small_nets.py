"""The trainings of the small nets: truths that follow the pictures, losses, figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from unripple import faceworld
from unripple.conventions import Face
from unripple.training import attributes, augment, identity, landmarks, pose
from unripple.training.shards import FaceShards
from unripple.training.single import decay_at

from .factor_faces import write_factor_shards
from .toy_faces import toy_shard, write_shards

SMALL = {"widths": (8, 16, 16, 16)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("toys"))


def open_split(folder: Path, fields: tuple[str, ...]) -> tuple[FaceShards, FaceShards]:
    return FaceShards(folder, fields, "train"), FaceShards(folder, fields, "val")


@pytest.fixture
def pose_task(folder: Path) -> pose.PoseTask:
    torch.manual_seed(0)
    return pose.PoseTask(
        *open_split(folder, pose.FIELDS), batch_size=8, sizes=SMALL | {"hidden": 16}
    )


@pytest.fixture
def landmarks_task(folder: Path) -> landmarks.LandmarksTask:
    torch.manual_seed(0)
    return landmarks.LandmarksTask(
        *open_split(folder, landmarks.FIELDS),
        batch_size=8,
        sizes=SMALL | {"head": 16, "n_points": 5},
    )


@pytest.fixture
def identity_task(folder: Path) -> identity.IdentityTask:
    torch.manual_seed(0)
    sizes = {"input_size": 32, "widths": (8, 8, 12, 16, 24), "units": (1, 1, 1, 1), "embedding": 8}
    return identity.IdentityTask(*open_split(folder, identity.FIELDS), batch_size=12, sizes=sizes)


@pytest.fixture
def attributes_task(tmp_path: Path) -> attributes.AttributesTask:
    torch.manual_seed(0)
    folder = write_factor_shards(tmp_path / "factors", size=64)
    sizes = SMALL | {"hidden": 64, "n_factors": len(attributes.NAMES)}
    return attributes.AttributesTask(
        *open_split(folder, attributes.FIELDS), batch_size=8, lr=1e-2, sizes=sizes
    )


def test_the_attribute_loss_falls_on_one_batch(attributes_task: attributes.AttributesTask) -> None:
    batch = attributes_task.draw(torch.Generator().manual_seed(0))
    first, *_, last = (float(attributes_task.train_step(batch, i)["loss"]) for i in range(80))
    assert last < 0.5 * first


def test_attributes_are_standardised_and_mirrored_with_the_picture(
    attributes_task: attributes.AttributesTask,
) -> None:
    net = attributes_task.net
    smile, glasses = (attributes.NAMES.index(name) for name in ("smile", "glasses"))
    assert float(net.spread[smile]) == pytest.approx(0.43, abs=0.03)
    assert net.switch[glasses] and float(net.spread[glasses]) == 1
    batches = [attributes_task.draw(torch.Generator().manual_seed(i)) for i in range(4)]
    drawn = torch.cat([batch["factors"] for batch in batches])[:, faceworld.INDEX["yaw"]]
    yaws = set(attributes_task.data.first(999)["factors"][:, faceworld.INDEX["yaw"]].tolist())
    kept = [yaw in yaws for yaw in drawn.tolist()]
    assert 0 < sum(kept) < len(kept)
    assert all(-yaw in yaws for yaw, same in zip(drawn.tolist(), kept, strict=True) if not same)


def test_what_cannot_be_seen_does_not_count() -> None:
    factors = faceworld.sample_factors(1, seed=0).expand(4, -1)
    bald, dark, grey = torch.eye(4)[:3]
    seen = attributes.visible(
        faceworld.with_factors(
            factors, bald=bald, hat=0.0, glasses=dark, glasses_dark=dark, grey=grey
        )
    )
    column = {name: seen[:, i].tolist() for i, name in enumerate(attributes.NAMES)}
    assert column["hair_curl"] == [0, 1, 1, 1] == column["fringe"]
    assert column["eye_open"] == [1, 0, 1, 1]
    assert column["glasses_dark"] == [0, 1, 0, 0]
    assert column["hair_light"] == [0, 1, 0, 1]
    assert column["yaw"] == [1, 1, 1, 1]


def test_the_attribute_loss_counts_every_factor_alike_and_no_hidden_one() -> None:
    wanted, switch = torch.tensor([[0.0, 1.0], [0.0, 1.0]]), torch.tensor([False, True])
    scores = torch.tensor([[3.0, 9.0], [0.0, -9.0]])
    all_seen = attributes.attribute_loss(scores, wanted, torch.ones(2, 2), switch)
    assert float(all_seen) == pytest.approx((2.5 / 2 + 9 / 2) / 2, rel=1e-3)
    seen = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert float(attributes.attribute_loss(scores, wanted, seen, switch)) < 1e-3


def test_what_was_randomised_does_not_count(attributes_task: attributes.AttributesTask) -> None:
    seen = attributes_task.draw(torch.Generator().manual_seed(0))["seen"]
    yaw, hat = (attributes.NAMES.index(name) for name in ("yaw", "hat"))
    half = len(seen) // 2
    assert attributes_task.randomise_share == 0.5
    assert seen[:, yaw].tolist() == [1] * len(seen)
    assert seen[:, hat].tolist() == [0] * half + [1] * half


def test_the_attribute_file_names_its_factors(
    attributes_task: attributes.AttributesTask, tmp_path: Path
) -> None:
    figures = attributes_task.validate()
    assert {"mean_r2", "mean_auc", "smile_r2", "glasses_auc"} <= set(figures)
    (path,) = attributes_task.export(tmp_path)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["factors"]) == list(attributes.NAMES)
        assert file.get_tensor("switch").dtype == torch.bool
    assert attributes_task.sample().shape == (2 * 64, 12 * 64, 3)


def test_the_pose_loss_falls_on_one_batch(pose_task: pose.PoseTask) -> None:
    batch = pose_task.draw(torch.Generator().manual_seed(0))
    first, *_, last = (float(pose_task.train_step(batch, step)["loss"]) for step in range(60))
    assert last < 0.5 * first


def test_mirroring_turns_yaw_and_roll_round_and_turning_adds_to_roll() -> None:
    poses = torch.tensor([[20.0, 5.0, 3.0], [20.0, 5.0, 3.0]])
    moved = pose.moved_pose(poses, torch.tensor([4.0, 4.0]), torch.tensor([False, True]))
    assert moved.tolist() == [[20.0, 5.0, 7.0], [-20.0, 5.0, 1.0]]


def test_a_counter_clockwise_turn_is_seen_as_one() -> None:
    turn = augment.similarity(torch.tensor([90.0]), torch.ones(1), torch.zeros(1, 2))
    picture = torch.zeros(1, 1, 32, 32)
    picture[0, 0, :8] = 1.0  # the top of the picture goes to its left
    true_pairs = augment.warp(picture, turn)
    assert true_pairs[0, 0, :, :8].mean() > 0.99
    assert true_pairs[0, 0, :, 9:].mean() < 0.01
    top = augment.move_points(torch.tensor([[[0.5, 0.0]]]), turn)
    assert torch.allclose(top, torch.tensor([[[0.0, 0.5]]]), atol=1e-6)


def test_landmarks_follow_the_people(landmarks_task: landmarks.LandmarksTask) -> None:
    """The toy nose has a colour of its own: in every framing it must lie on its landmark."""
    shard = toy_shard(0, 64)
    nose = (shard["labels"] == Face.NOSE)[:, None].expand(-1, 3, -1, -1)
    shard["photo"] = torch.where(nose, torch.tensor(255, dtype=torch.uint8), shard["photo"] // 2)
    shard["plate"] = shard["plate"] // 2
    rng = torch.Generator().manual_seed(1)
    batch = {name: shard[name] for name in ("photo", "alpha", "landmarks")}
    batch["plate"] = shard["plate"].repeat_interleave(2, 0)
    staged = landmarks_task.staged(batch, rng, faceless=0.0)
    seen = 0
    for picture, points in zip(staged["photo"], staged["points"], strict=True):
        rows, columns = torch.nonzero(picture.amin(0) > 0.6, as_tuple=True)
        if len(rows) < 4:
            continue  # too small at this size to have a pure pixel
        centre = torch.stack((columns.float().mean(), rows.float().mean())) + 0.5
        assert (centre - points[2] * 64).norm() < 1.5
        left, right = points[0], points[1]
        assert left[0] < right[0]  # picture-left first, mirrored or not
        seen += 1
    assert seen >= 8


def test_randomised_faces_keep_their_landmarks(landmarks_task: landmarks.LandmarksTask) -> None:
    shard = landmarks_task.data.first(4)
    plain, other = (
        landmarks_task.staged(shard, torch.Generator().manual_seed(0), randomised=count)
        for count in (0, 2)
    )
    assert torch.equal(plain["points"], other["points"])
    assert not torch.allclose(plain["photo"][:2], other["photo"][:2])


def test_the_landmark_loss_falls_on_one_batch(landmarks_task: landmarks.LandmarksTask) -> None:
    batch = landmarks_task.draw(torch.Generator().manual_seed(0))
    steps = [landmarks_task.train_step(batch, step) for step in range(60)]
    assert float(steps[-1]["means"]) < 0.5 * float(steps[0]["means"])
    assert set(landmarks_task.validate()) == {
        *("nme", "nme_randomised", "nme_wide", "nme_wide_median", "presence_auc")
    }


def test_wanted_heatmaps_have_their_mean_on_the_landmark() -> None:
    points = torch.tensor([[[0.25, 0.5], [0.6, 0.71]]])
    spots = landmarks.target_heatmaps(points, 32)
    assert torch.allclose(spots.sum((2, 3)), torch.ones(1, 2))
    means = landmarks.soft_argmax(spots.clamp_min(1e-30).log())
    assert torch.allclose(means, points, atol=2e-3)


def test_a_flat_heatmap_is_the_least_certain() -> None:
    flat = torch.zeros(1, 5, 8, 8)
    spot = flat.clone()
    spot[..., 3, 3] = 6.0
    assert landmarks.certainty(flat) == pytest.approx(1 / 64)
    assert landmarks.certainty(spot) > 0.8


def test_identity_batches_keep_the_person_and_change_what_is_behind(
    identity_task: identity.IdentityTask,
) -> None:
    shard = toy_shard(0, 64)
    view = {name: shard[name][:4] for name in ("photo", "alpha")}
    black = torch.zeros(4, 3, 64, 64, dtype=torch.uint8)
    one, other = (
        identity_task.recomposed(view, plates, torch.Generator().manual_seed(0))
        for plates in (black, black + 255)
    )
    assert one.shape == (4, 3, 32, 32)
    middle = (one - other)[:, :, 12:20, 12:20].abs().amax()
    corner = (one - other)[:, :, :3, :3].abs().amin()
    assert middle < 0.2
    assert corner > 0.3


def test_the_identity_loss_falls_on_one_batch(identity_task: identity.IdentityTask) -> None:
    batch = identity_task.draw(torch.Generator().manual_seed(0))
    steps = [identity_task.train_step(batch, step) for step in range(40)]
    assert float(steps[-1]["loss"]) < 0.5 * float(steps[0]["loss"])
    assert float(steps[-1]["found"]) == 1.0


def test_the_contrastive_loss_of_perfect_and_of_blind_vectors() -> None:
    perfect = torch.eye(4)
    strangers = 2 * (4 - 1)
    expected = torch.log(torch.exp(torch.tensor(10.0)) + strangers) - 10.0
    assert identity.contrastive_loss(perfect, perfect) == pytest.approx(float(expected), rel=1e-2)
    blind = torch.ones(4, 4) / 2
    assert identity.contrastive_loss(blind, blind) == pytest.approx(float(np.log(7)), rel=1e-5)


def test_the_area_under_the_curve() -> None:
    low, high = torch.tensor([0.1, 0.2]), torch.tensor([0.3, 0.4, 0.5])
    assert identity.area_under_curve(high, low) == 1.0
    assert identity.area_under_curve(low, high) == 0.0
    assert identity.area_under_curve(torch.tensor([0.25]), torch.tensor([0.1, 0.4])) == 0.5


def test_the_identity_file_says_what_true_pairs_reach(
    identity_task: identity.IdentityTask, tmp_path: Path
) -> None:
    identity_task.train_step(identity_task.draw(torch.Generator()), 0)
    (path,) = identity_task.export(tmp_path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    reference = json.loads(metadata["same_face"])
    assert reference["yaw_change_deg"] == sorted(reference["yaw_change_deg"])
    assert len(reference["median_cosine"]) == len(reference["yaw_change_deg"]) >= 2
    assert metadata["size"] == "32"


def test_grids_have_whole_rows(
    pose_task: pose.PoseTask,
    landmarks_task: landmarks.LandmarksTask,
    identity_task: identity.IdentityTask,
) -> None:
    assert pose_task.sample().shape == (2 * 64, 12 * 64, 3)
    assert landmarks_task.sample().shape == (2 * 64, 12 * 64, 3)
    assert identity_task.sample().shape == (3 * 64, 12 * 64, 3)


def test_the_average_follows_short_trainings() -> None:
    assert decay_at(0) == 0.1
    assert decay_at(90) == pytest.approx(0.91)
    assert decay_at(10**6) == 0.998
