"""Train the pose net: yaw, pitch and roll of a face, in degrees.

It judges edits, so no edit's loss uses it, and it must not mind blur: pictures are recoloured,
blurred, moved a little, mirrored (which turns yaw and roll round) and turned (which adds to roll).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Photo
from unripple.models.pose import PoseNet
from unripple.training import augment, grids
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.randomised_net import FIELDS as RANDOMISED_FIELDS
from unripple.training.randomised_net import RandomisedNet
from unripple.training.shards import FaceShards

SIZES: dict[str, Any] = {"widths": (16, 32, 64, 96, 128), "hidden": 128}
FIELDS = (*RANDOMISED_FIELDS, "pose_deg")
TURN_DEG = 8.0


def moved_pose(pose_deg: Tensor, turn_deg: Tensor, mirrored: Tensor) -> Tensor:
    """Angles of faces in pictures that were mirrored first and then turned counter-clockwise.

    Args:
        pose_deg: yaw, pitch, roll, [B, 3].
        turn_deg: [B].
        mirrored: bool [B].
    """
    sides = torch.where(mirrored, -1.0, 1.0)
    yaw, pitch, roll = pose_deg.unbind(1)
    return torch.stack((yaw * sides, pitch, roll * sides + turn_deg), dim=1)


class PoseTask(RandomisedNet):
    """See `loop.Task`."""

    role = "pose"
    arch = "pose.PoseNet"
    fields = FIELDS
    n_held_out = 256

    def __init__(self, *faces: FaceShards, sizes: dict[str, Any] = SIZES, **options: Any) -> None:
        self.net_sizes = sizes
        super().__init__(PoseNet(**sizes), *faces, **options)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces, moved, blurred and recoloured, with the angles that they now have."""
        n = self.batch_size
        batch = self.data.batch(n, rng)
        turn = augment.uniform(rng, -TURN_DEG, TURN_DEG, n)
        mirrored = torch.rand(n, generator=rng) < 0.5
        scale = torch.exp(augment.uniform(rng, -0.12, 0.12, n))
        shift = augment.uniform(rng, -0.1, 0.1, n, 2)
        moves = augment.similarity(turn, scale, shift, mirrored.float())
        photo = augment.warp(self.partly_randomised(batch, rng)[0], moves)
        photo = augment.photometric(augment.soften(photo, rng), rng)
        device = photo.device
        pose = moved_pose(batch["pose_deg"], turn.to(device), mirrored.to(device))
        return {"photo": augment.noisy(photo, rng), "pose_deg": pose}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Huber loss of the angles, quadratic below a degree."""
        with autocast(self.device):
            predicted = self.net(batch["photo"].contiguous(memory_format=torch.channels_last))
        return {"loss": F.smooth_l1_loss(predicted, batch["pose_deg"])}

    def validate(self) -> dict[str, float]:
        """Mean absolute errors in degrees; also of yaw on blurred and on randomised pictures."""
        photo, true = self.held_out["photo"], self.held_out["pose_deg"]
        error = (self.predict(photo) - true).abs().mean(0)
        blurred = augment.gaussian_blur(photo.float(), 1.5).round().to(torch.uint8)
        softly = (self.predict(blurred) - true)[:, 0].abs().mean()
        far = (self.predict(self.held_out_far["photo"]) - true)[:, 0].abs().mean()
        angles = dict(zip(("yaw_mae", "pitch_mae", "roll_mae"), error.tolist(), strict=True))
        return angles | {"yaw_mae_blurred": float(softly), "yaw_mae_randomised": float(far)}

    def sample(self) -> Photo:
        """Photos in the order of the yaw that the net sees."""
        photo = self.held_out["photo"][:24]
        order = self.predict(photo)[:, 0].argsort()
        pictures = grids.from_uint8(photo[order])
        return grids.rows(pictures[:12], pictures[12:])

    def notes(self) -> str:
        """For the card."""
        return (
            f"PoseNet {self.net_sizes} at {self.size_px} px, Huber loss on degrees; pictures "
            f"moved, mirrored, turned by up to {TURN_DEG:g} degrees, recoloured and blurred. "
            f"{super().notes()}"
        )


add_arguments, build = PoseTask.add_arguments, PoseTask.build
