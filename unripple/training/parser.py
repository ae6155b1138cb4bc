"""Train the parser: a BiSeNet that labels every pixel with its part of the face.

The parser also looks at what generators make, so training pictures are blurred, shrunk and
enlarged, and show ghosts of the same person at another pose: the person mask must follow the solid
person. It looks at photographs, too, so some pictures are randomised (`randomise`). Loss: cross
entropy on the hard pixels (Shrivastava et al. 2016, as in the published BiSeNet training), small
parts weighted up, on the main head and both auxiliary ones.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face, Photo
from unripple.models.bisenet import BiSeNet, normalised
from unripple.training import augment, grids, losses
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.randomised_net import FIELDS, RandomisedNet
from unripple.training.shards import FaceShards
from unripple.training.single import in_parts

WIDTHS = (24, 32, 64, 96, 128)
STEM_STRIDE = 2
FAR_DEGREES, FAR_ZOOM, FAR_SHIFT = 18.0, 0.3, 0.15  # photographs are framed less exactly

EASY = 0.7  # a pixel whose true label has a higher probability teaches little
LEAST_SHARE = 1 / 16  # of the pixels counts in any case
SMALL_PART_WEIGHT = 2.0
SMALL_PARTS = (*losses.FEATURES, Face.LEFT_EAR, Face.RIGHT_EAR, Face.EARRING, Face.NECKLACE)
AUXILIARY_WEIGHT = 0.5  # the two heads guide the deep levels and are not used later


def part_weights() -> Tensor:
    """One weight per part, float32 [19]."""
    weights = torch.ones(len(Face))
    weights[list(SMALL_PARTS)] = SMALL_PART_WEIGHT
    return weights


def hard_pixel_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean cross entropy of the pixels that are not yet right with probability `EASY`.

    Args:
        logits: float32 [B, 19, H, W].
        labels: int64 [B, H, W].
        weights: one per part, [19].

    Returns:
        A scalar; at least `LEAST_SHARE` of the pixels enter, the hardest ones.
    """
    per_pixel = F.cross_entropy(logits, labels, reduction="none").flatten()
    # Background and skin are right after minutes and would drown lips and brows.
    hard = per_pixel > -torch.log(per_pixel.new_tensor(EASY))
    least = int(per_pixel.numel() * LEAST_SHARE)
    if int(hard.sum()) < least:
        hard = torch.zeros_like(hard)
        # Late in a training next to no pixel is hard: some must be left to learn from.
        hard[per_pixel.detach().topk(least).indices] = True
    counted = weights[labels.flatten()] * hard
    return (per_pixel * counted).sum() / counted.sum()


class ParserTask(RandomisedNet):
    """See `loop.Task`."""

    role = "parser"
    arch = "bisenet.BiSeNet"
    fields = FIELDS

    def __init__(
        self,
        *faces: FaceShards,
        widths: tuple[int, ...] = WIDTHS,
        stem_stride: int = STEM_STRIDE,
        **options: Any,
    ) -> None:
        self.net_sizes = {"n_classes": len(Face), "widths": widths, "stem_stride": stem_stride}
        net = BiSeNet(**self.net_sizes)
        super().__init__(net, *faces, **options)
        self.weights = part_weights().to(self.device)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces with the ghosts of their other poses, moved, blurred and recoloured."""
        one, other = self.data.pairs(self.batch_size, rng)
        photo, part = self.partly_randomised(one, rng)
        # A pair's second half is what an inverter would leave behind of the first one.
        alpha = other["alpha"][:, None].float() / 255
        photo = augment.ghosted(photo, grids.from_uint8(other["photo"]), alpha, rng)
        count = round(self.randomise_share * self.batch_size)
        far = augment.jitter(rng, count, degrees=FAR_DEGREES, zoom=FAR_ZOOM, shift=FAR_SHIFT)
        moves = torch.cat((far, augment.jitter(rng, self.batch_size - count)))
        mirrored = augment.is_mirrored(moves).to(photo.device)[:, None, None]
        labels = torch.where(mirrored, augment.swap_sides(part), part)
        labels = augment.warp(labels[:, None].float(), moves, mode="nearest")[:, 0]
        photo = augment.warp(photo, moves)
        person = (labels != Face.BACKGROUND).float()[:, None]
        photo = augment.photometric(augment.soften(photo, rng, person=person), rng)
        return {"photo": augment.noisy(photo, rng), "labels": labels.long()}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Main and auxiliary heads."""
        with autocast(self.device):
            heads = self.net(normalised(batch["photo"]))
        main, half, quarter = (
            hard_pixel_loss(logits, batch["labels"], self.weights) for logits in heads
        )
        return {"loss": main + AUXILIARY_WEIGHT * (half + quarter), "main": main}

    @torch.no_grad()
    def predict(self, photo: Tensor) -> Tensor:
        """Labels uint8 [B, S, S] of pictures uint8 [B, 3, S, S]."""
        with autocast(self.device):
            return in_parts(self._labels, photo)

    def _labels(self, photo: Tensor) -> Tensor:
        logits: Tensor = self.average(normalised(grids.from_uint8(photo)))[0]
        return logits.argmax(1).to(torch.uint8)

    def validate(self) -> dict[str, float]:
        """Mean IoU over the parts that are present, IoU of the person, share of right pixels."""
        plain, far = (
            agreement(self.predict(faces["photo"]), faces["labels"])
            for faces in (self.held_out, self.held_out_far)
        )
        return plain | {f"randomised_{name}": value for name, value in far.items()}

    def sample(self) -> Photo:
        """Photos, predicted labels, true labels."""
        photo = self.held_out["photo"][:12]
        predicted, true = self.predict(photo), self.held_out["labels"][:12]
        return grids.rows(grids.from_uint8(photo), grids.coloured(predicted), grids.coloured(true))

    def notes(self) -> str:
        """For the card."""
        return (
            f"BiSeNet, widths {self.net_sizes['widths']}, stem stride "
            f"{self.net_sizes['stem_stride']}, 19 parts at 128 px. "
            "Cross entropy on hard pixels; pictures moved, recoloured, blurred, and with ghosts of "
            "the same person at another pose, up to 40% opaque. "
            f"{super().notes()}"
        )


def agreement(predicted: Tensor, true: Tensor) -> dict[str, float]:
    """Figures of a parser.

    Args:
        predicted, true: labels [B, H, W].

    Returns:
        `miou` over the parts present in `true`, `person_iou`, `accuracy`.
    """
    count = len(Face)
    pairs = true.flatten().long() * count + predicted.flatten().long()
    confusion = torch.bincount(pairs, minlength=count * count).view(count, count).double()
    correct, predicted_count, true_count = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    iou = correct / (predicted_count + true_count - correct).clamp_min(1)
    one, two = predicted != Face.BACKGROUND, true != Face.BACKGROUND
    return {
        "miou": float(iou[true_count > 0].mean()),
        "person_iou": float((one & two).sum() / (one | two).sum().clamp_min(1)),
        "accuracy": float(correct.sum() / confusion.sum()),
    }


add_arguments, build = ParserTask.add_arguments, ParserTask.build
