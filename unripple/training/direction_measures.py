"""What a latent direction does to pictures: how far a degree turns a head, how true an edit is."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unripple import faceworld
from unripple.models.pose import PoseNet
from unripple.models.stylegan2 import Generator
from unripple.training.direction_files import ATTRIBUTES, YAW_PER_DEGREE, Matrix
from unripple.training.latents import code
from unripple.training.precision import autocast
from unripple.training.single import in_parts

FACES = 48  # rendered to measure a direction
FACTOR_PER_DEGREE = 1 / 3
POSE_DEGREES = np.arange(-6, 6.5, 0.5)
LEAST_SLOPE = 0.35  # of the nominal one: below, a further degree no longer turns the head
FAR = 3.0  # standard deviations that the projection on a direction may leave the mean
MOST_DEGREES = 6.0


def projected_range(w: Matrix, vector: Matrix) -> tuple[float, float]:
    """Degrees that keep an average face within a few standard deviations along the direction."""
    length = np.linalg.norm(vector)
    spread = float((w @ (vector / length)).std())
    most = min(MOST_DEGREES, np.floor(2 * FAR * spread / length) / 2)
    return -most, most


@torch.no_grad()
def pictures(generator: Generator, w: Tensor) -> Tensor:
    """Pictures of codes w [B, W], float32 [B, 3, S, S] in [-1, 1]."""

    def paint(part: Tensor) -> Tensor:
        w_plus = part[:, None].expand(-1, generator.n_codes, -1)
        return generator.synthesize(w_plus, noise="none").float()

    with autocast(w.device):
        return in_parts(paint, w).clamp(-1, 1)


@torch.no_grad()
def measured_pose(
    generator: Generator, pose_net: PoseNet, vector: Matrix, seed: int
) -> tuple[Matrix, tuple[float, float]]:
    """Scale a pose direction by the yaw of rendered pictures; its usable range.

    Returns:
        The vector of one degree, and the degrees between which the mean yaw goes on growing.
    """
    factors = faceworld.sample_factors(FACES, seed=seed + 1)
    factors[:, faceworld.INDEX["yaw"]] = 0.0
    device = next(generator.parameters()).device
    w = generator.map(code(factors, generator.style_dim).to(device))

    def mean_yaw(step: Matrix, degree: float) -> float:
        moved = w + float(degree) * torch.from_numpy(step).to(w)
        with autocast(device):
            return float(in_parts(pose_net, pictures(generator, moved))[:, 0].mean())

    for _ in range(2):  # twice: the first slope may have been taken too far out
        slope = (mean_yaw(vector, 2) - mean_yaw(vector, -2)) / 4
        vector = vector * (YAW_PER_DEGREE / slope)
    yaws = np.array([mean_yaw(vector, degree) for degree in POSE_DEGREES])
    rises = np.diff(yaws) / np.diff(POSE_DEGREES) > LEAST_SLOPE * YAW_PER_DEGREE
    middle = len(POSE_DEGREES) // 2
    up = int(np.argmin(np.append(rises[middle:], False)))
    down = int(np.argmin(np.append(rises[:middle][::-1], False)))
    return vector, (float(POSE_DEGREES[middle - down]), float(POSE_DEGREES[middle + up]))


@torch.no_grad()
def gain(generator: Generator, name: str, vector: Matrix, seed: int) -> float:
    """How much nearer edits come to the generator's own picture of the changed factor.

    Faces are moved by two degrees up or down, wherever the factor leaves room for it.

    Returns:
        1 - (distance of the edits) / (distance of doing nothing), mean absolute differences.
    """
    column = faceworld.INDEX[ATTRIBUTES[name].factor]
    per_degree = YAW_PER_DEGREE / faceworld.YAW_MAX_DEG if name == "pose" else FACTOR_PER_DEGREE
    before = faceworld.sample_factors(FACES, seed=seed + 2)
    low, high = before[:, column].min(), before[:, column].max()
    up = before[:, column] < (low + high) / 2
    after = before.clone()
    after[:, column] += torch.where(up, 2.0, -2.0) * per_degree
    device = next(generator.parameters()).device
    w, true_w = (generator.map(code(f, generator.style_dim).to(device)) for f in (before, after))
    step = torch.from_numpy(vector).to(w)
    edited = w + torch.where(up, 2.0, -2.0).to(w)[:, None] * step
    true = pictures(generator, true_w)
    missed = (pictures(generator, edited) - true).abs().mean()
    unchanged = (pictures(generator, w) - true).abs().mean()
    return float(1 - missed / unchanged.clamp_min(1e-6))
