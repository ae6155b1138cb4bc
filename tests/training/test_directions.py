"""Latent directions: boundaries, effects, units, file, on a world whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple import faceworld
from unripple.training import direction_files, directions
from unripple.training.direction_files import YAW_PER_DEGREE
from unripple.zoo.directions import read_directions

WIDTH = faceworld.EMBED_WIDTH + 8
YAW_ENTRY = 0  # yaw is the first factor, and so the first entry of the embedding


class Mirror(nn.Module):
    """A generator whose w is a rotation of z and whose pictures show the entries of z as pixels."""

    style_dim, n_codes = WIDTH, 3

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        turn, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=rng))
        self.turn = nn.Parameter(turn)

    def map(self, z: Tensor) -> Tensor:
        return z @ self.turn

    def synthesize(self, w_plus: Tensor, *, noise: str) -> Tensor:
        assert noise == "none"
        z = w_plus[:, 0].float() @ self.turn.T
        rows = (z * 0.1)[:, None, None, :]
        return rows.expand(-1, 3, 4, -1)


class Gauge(nn.Module):
    """A pose net that reads yaw from a `Mirror`'s picture and saturates at 30 degrees."""

    def forward(self, picture: Tensor) -> Tensor:
        yaw = picture[:, 0, 0, YAW_ENTRY] / (0.1 * 1.7) * faceworld.YAW_MAX_DEG
        yaw = yaw.clamp(-30, 30)
        return torch.stack((yaw, 0 * yaw, 0 * yaw), 1)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, direction_files.FoundDirection]]:
    generator: Any = Mirror()
    gauge: Any = Gauge()
    return {
        method: directions.find(generator, gauge, faces=3000, seed=0, method=method)
        for method in ("effect", "boundary")
    }


def change_in_factor(vector: np.ndarray[Any, Any], name: str) -> float:
    """What one degree does to the embedded factor itself, known because w is a rotation of z."""
    factors = faceworld.sample_factors(1, seed=0)
    raised = factors.clone()
    raised[:, faceworld.INDEX[direction_files.ATTRIBUTES[name].factor]] += 1
    step = torch.zeros(WIDTH)
    step[: faceworld.EMBED_WIDTH] = (faceworld.embed(raised) - faceworld.embed(factors))[0]
    z = torch.from_numpy(vector).float() @ Mirror().turn.detach().T
    return float(z @ step / step.square().sum())


def test_effects_are_exact_where_w_is_linear(found: dict[str, dict[str, Any]]) -> None:
    for name, one in found["effect"].items():
        expected = YAW_PER_DEGREE / faceworld.YAW_MAX_DEG if name == "pose" else 1 / 3
        assert change_in_factor(one.vector, name) == pytest.approx(expected, rel=0.03), name
        assert abs(one.leak[1]) < 0.25
    assert found["effect"]["pose"].gain > 0.95


def test_boundaries_point_the_same_way(found: dict[str, dict[str, Any]]) -> None:
    for name in ("pose", "smile", "glasses"):
        one, other = (found[method][name].vector for method in ("boundary", "effect"))
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine > 0.8, name
    assert all(one.accuracy > 0.9 for one in found["boundary"].values())


def test_a_degree_of_pose_is_measured_and_its_range_ends_where_the_head_stops(
    found: dict[str, dict[str, Any]],
) -> None:
    for method in ("effect", "boundary"):
        pose = found[method]["pose"]
        true_pairs = change_in_factor(pose.vector, "pose") * faceworld.YAW_MAX_DEG
        assert true_pairs == pytest.approx(YAW_PER_DEGREE, rel=0.02)
        # 30 degrees are 4.5 steps: the head follows until there.
        assert pose.usable == (-4.5, 4.5)


def test_conditioned_normals_leave_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    normal, *others = rng.normal(size=(4, 12))
    unit = directions.conditioned(normal, others)
    assert np.linalg.norm(unit) == pytest.approx(1)
    assert np.allclose(np.stack(others) @ unit, 0)
    assert unit @ normal > 0


def test_the_file_is_one_that_the_editor_reads(
    found: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    direction_files.write(tmp_path, found["effect"], method="effect", faces=3000)
    stored = read_directions(tmp_path / "embedded.safetensors")
    assert set(stored) == set(direction_files.ATTRIBUTES)
    pose = stored["pose"]
    assert pose.vector.dtype == np.float32
    assert pose.vector.shape == (WIDTH,)
    assert pose.usable == (-4.5, 4.5)
    assert pose.unit == "6.67 degrees of yaw"
    assert pose.warning(5.0) is not None
    assert "| pose |" in (tmp_path / "embedded.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "embedded.md",
        "embedded.safetensors",
    ]
