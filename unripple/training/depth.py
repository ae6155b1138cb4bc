"""Train the depth net: a small DPT-Hybrid whose inverse depth is right up to scale and shift.

It looks at edits too, so pictures are recoloured, blurred, ghosted as the parser's are. Loss:
scale- and shift-invariant L1 with gradient matching at four scales (Ranftl et al. 2020, equations
5 to 11), untrimmed: rendered truth has no wrong pixels that trimming would have to forgive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import Face, Floats, Photo
from unripple.models.dpt import DPT
from unripple.ops.clusters import nearer_cluster
from unripple.training import augment, grids
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.randomised_net import FIELDS, RandomisedNet
from unripple.training.shards import FaceShards

SIZES: dict[str, Any] = {
    "token_width": 128,
    "depth": 4,
    "mlp_ratio": 2.0,
    "grid": 8,
    "level_widths": (128, 192, 128, 128),
    "features": 48,
    "head_width": 16,
    "stem_widths": (32, 128, 192, 256),  # its bottlenecks are a quarter as wide, and so cheap
    "stem_blocks": (2, 3, 3),
    "n_classes": 0,
}
BESIDE_PX = 4.0  # how far, at 128 px, hair that was added takes its depth from
GRADIENT_WEIGHT = 0.5
GRADIENT_SCALES = 4


def without_scale(inverse_depth: Tensor) -> Tensor:
    """Maps [B, H, W] of median 0 and mean absolute value 1: scale and shift are gone."""
    flat = inverse_depth.flatten(1)
    # Median and absolute deviation (Ranftl et al. 2020, equation 5): a few far pixels would set
    # mean and variance.
    centred = flat - flat.median(1, keepdim=True).values
    spread = centred.abs().mean(1, keepdim=True).clamp_min(1e-6)
    return (centred / spread).view_as(inverse_depth)


def gradient_matching(difference: Tensor) -> Tensor:
    """Mean absolute gradient of maps [B, H, W], summed over scales: edges lie in their place."""
    total = difference.new_zeros(())
    for _ in range(GRADIENT_SCALES):
        across = (difference[:, :, 1:] - difference[:, :, :-1]).abs().mean()
        down = (difference[:, 1:] - difference[:, :-1]).abs().mean()
        total = total + across + down
        # Subsampled and not averaged, as published: means would soften the edges that count here.
        difference = difference[:, ::2, ::2]
    return total


def best_fit(predicted: Tensor, true: Tensor) -> Tensor:
    """The prediction [B, H, W], scaled and shifted per picture to be nearest to `true` (L2)."""
    x, y = predicted.flatten(1).double(), true.flatten(1).double()
    x_mean, y_mean = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
    centred = x - x_mean
    scale = (centred * (y - y_mean)).sum(1, keepdim=True)
    scale = scale / centred.square().sum(1, keepdim=True).clamp_min(1e-12)
    return (centred * scale + y_mean).view_as(predicted).float()


def refilled(inverse_depth: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Inverse depth of people who have more hair, or hands, than when they were rendered.

    Args:
        inverse_depth: as rendered, [B, 1, S, S].
        before, after: labels [B, S, S]; where the second adds to a person, it has the depth of the
            person beside it.
    """
    person = (before != Face.BACKGROUND).float()[:, None]
    added = (after != Face.BACKGROUND)[:, None] & (person == 0)
    mean = (inverse_depth * person).sum((2, 3), keepdim=True) / person.sum((2, 3), keepdim=True)
    near = augment.gaussian_blur(person, BESIDE_PX)
    beside = augment.gaussian_blur(inverse_depth * person, BESIDE_PX) / near.clamp_min(1e-3)
    return torch.where(added, torch.where(near > 0.01, beside, mean), inverse_depth)


class DepthTask(RandomisedNet):
    """See `loop.Task`."""

    role = "depth"
    arch = "dpt.DPT"
    fields = FIELDS
    rate = 1e-3

    def __init__(self, *faces: FaceShards, sizes: dict[str, Any] = SIZES, **options: Any) -> None:
        self.net_sizes = sizes
        net = DPT(**sizes)
        net.exact = False
        # The last layer is a ReLU: start above it, or a map of zeros would never learn.
        last: Any = net.scratch.output_conv[4]
        torch.nn.init.constant_(last.bias, 1.0)
        super().__init__(net, *faces, **options)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces with the ghosts of their other poses, moved, blurred and recoloured."""
        one, other = self.data.pairs(self.batch_size, rng)
        ghost_alpha = other["alpha"][:, None].float() / 255
        photo, labels = self.partly_randomised(one, rng)
        photo = augment.ghosted(photo, grids.from_uint8(other["photo"]), ghost_alpha, rng)
        moves = augment.jitter(rng, self.batch_size)
        depth = refilled(one["inverse_depth"][:, None].float(), one["labels"], labels)
        depth = augment.warp(depth, moves, mode="nearest")[:, 0]
        person = augment.warp((labels != Face.BACKGROUND).float()[:, None], moves)
        photo = augment.soften(augment.warp(photo, moves), rng, person=person)
        photo = augment.noisy(augment.photometric(photo, rng), rng)
        return {"photo": photo, "inverse_depth": depth}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Invariant L1, and the gradients' part of it."""
        with autocast(self.device):
            predicted: Tensor = self.net(
                batch["photo"].contiguous(memory_format=torch.channels_last)
            )
        difference = without_scale(predicted.float()) - without_scale(batch["inverse_depth"])
        l1, edges = difference.abs().mean(), gradient_matching(difference)
        return {"loss": l1 + GRADIENT_WEIGHT * edges, "l1": l1, "edges": edges}

    @torch.no_grad()
    def predict(self, photo: Tensor) -> Tensor:
        """Inverse depth float32 [B, S, S] of pictures uint8 [B, 3, S, S]."""
        return super().predict(photo).float()

    def validate(self) -> dict[str, float]:
        """Relative error and share within 25% of the depth, and the foreground's IoU.

        The foreground also of randomised pictures.
        """
        predicted = self.predict(self.held_out["photo"])
        true = self.held_out["inverse_depth"].float()
        # Of inverse depths, so it is the true depth over the predicted one.
        ratio = best_fit(predicted, true).clamp_min(true.min() / 4) / true
        ious = foreground_ious(predicted, self.held_out["alpha"] > 127)
        far = foreground_ious(
            self.predict(self.held_out_far["photo"]),
            self.held_out_far["labels"] != Face.BACKGROUND,
        )
        return {
            "abs_rel": float((1 / ratio - 1).abs().mean()),
            "delta1": float((torch.maximum(ratio, 1 / ratio) < 1.25).float().mean()),
            "foreground_iou": float(ious.mean()),
            "foreground_iou_worst": float(ious.min()),
            "randomised_foreground_iou": float(far.mean()),
        }

    def sample(self) -> Photo:
        """Photos, seen and true inverse depth, and the nearer cluster."""
        photo = self.held_out["photo"][:12]
        predicted, true = self.predict(photo), self.held_out["inverse_depth"][:12].float()
        near = torch.stack(
            [torch.from_numpy(nearer_cluster(one)) for one in predicted.cpu().numpy()]
        )
        maps = (grids.grey(best_fit(predicted, true)), grids.grey(true), grids.grey(near.float()))
        return grids.rows(grids.from_uint8(photo), *maps)

    def notes(self) -> str:
        """For the card."""
        return (
            f"DPT-Hybrid {self.net_sizes} at {self.size_px} px. Scale- and shift-invariant L1 with "
            "gradient matching; pictures moved, recoloured, blurred, and with ghosts of the same "
            "person at another pose. Errors are of depth, after the best scale and shift. "
            f"{super().notes()}"
        )


def foreground_ious(inverse_depth: Tensor, person: Tensor) -> Floats:
    """IoU of the nearer cluster of each map [B, S, S] with the person, bool [B, S, S]; [B]."""
    near = np.stack([nearer_cluster(one) for one in inverse_depth.cpu().numpy()])
    true = person.cpu().numpy()
    ious: Floats = (near & true).sum((1, 2)) / (near | true).sum((1, 2)).clip(min=1)
    return ious


add_arguments, build = DepthTask.add_arguments, DepthTask.build
