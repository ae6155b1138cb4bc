"""Train the identity net: an IR-SE whose vectors are near for one person at two poses.

The two pictures of a pair share light and background in the shards, so each is put before a plate
of its own and recoloured by itself: nothing but the person may tell. Supervised contrastive loss
with all other people of the batch as strangers (Khosla et al. 2020), since a net this young has no
use for the classifier of 16,000 people that an angular margin would need.
"""

from __future__ import annotations

import itertools
import json
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Photo
from unripple.models.irse import Backbone, crop_for_identity
from unripple.training import augment, grids
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards
from unripple.training.single import FaceNet, in_parts

SIZES: dict[str, Any] = {
    "input_size": 64,
    "widths": (24, 32, 64, 96, 160),
    "units": (1, 2, 2, 2),
    "embedding": 128,
}
DROPOUT = 0.1  # the published 0.6 suits millions of pictures seen many times
FIELDS = ("photo", "plate", "alpha", "pose_deg")
TEMPERATURE = 0.1
TURNS_DEG = (0.0, 10.0, 20.0, 30.0, 45.0, 80.0)  # bins of the yaw difference


def contrastive_loss(one: Tensor, other: Tensor) -> Tensor:
    """How badly each vector picks its partner among all vectors of the batch.

    Args:
        one, other: unit vectors [P, E]; row k of both is one person.

    Returns:
        A scalar, in nats.
    """
    both = torch.cat((one, other))
    people = len(one)
    cosines = both @ both.T / TEMPERATURE
    # A vector is no candidate for its own partner.
    cosines.fill_diagonal_(-torch.inf)
    partner = torch.arange(2 * people, device=both.device).roll(people)
    return F.cross_entropy(cosines, partner)


def area_under_curve(positives: Tensor, negatives: Tensor) -> float:
    """Chance that a true pair is nearer than a pair of strangers (cosines of both)."""
    # The Mann-Whitney statistic: ranks of the true pairs give the area without a curve.
    order = torch.cat((positives, negatives)).argsort().argsort().double()
    rank_sum = float(order[: len(positives)].sum())
    wins = rank_sum - len(positives) * (len(positives) - 1) / 2
    return wins / (len(positives) * len(negatives))


class IdentityTask(FaceNet):
    """See `loop.Task`. A batch holds half as many people as pictures."""

    role = "identity"
    arch = "irse.Backbone"
    fields = FIELDS
    n_held_out = 512

    def __init__(self, *faces: FaceShards, sizes: dict[str, Any] = SIZES, **options: Any) -> None:
        self.net_sizes, self.size_px = sizes, int(sizes["input_size"])
        net = Backbone(**sizes, dropout=DROPOUT)
        super().__init__(net, *faces, **options)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random people at two poses, each before another plate and in another exposure."""
        people = self.batch_size // 2
        views = self.data.pairs(people, rng)
        return {
            name: self.recomposed(view, view["plate"][torch.randperm(people, generator=rng)], rng)
            for name, view in zip(("one", "other"), views, strict=True)
        }

    def recomposed(self, view: Batch, plate: Tensor, rng: torch.Generator) -> Tensor:
        """Crops [P, 3, n, n] of people before other plates, moved, blurred, recoloured."""
        alpha = view["alpha"][:, None].float() / 255
        photo = torch.lerp(grids.from_uint8(plate), grids.from_uint8(view["photo"]), alpha)
        moves = augment.jitter(rng, len(photo), degrees=5, zoom=0.08, shift=0.05, flip=False)
        face = crop_for_identity(augment.warp(photo, moves), self.size_px)
        face = augment.photometric(augment.soften(face, rng, chance=0.3), rng, strength=1.3)
        return augment.noisy(face, rng, most=0.05)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The contrastive loss, and how often the nearest vector is the partner."""
        faces = torch.cat((batch["one"], batch["other"]))
        with autocast(self.device):
            vectors: Tensor = self.net(faces.contiguous(memory_format=torch.channels_last))
        one, other = vectors.float().chunk(2)
        retrieved = (one @ other.T).argmax(1) == torch.arange(len(one), device=one.device)
        return {"loss": contrastive_loss(one, other), "found": retrieved.float().mean()}

    @torch.no_grad()
    def embed(self, photo: Tensor) -> Tensor:
        """Vectors float32 [B, E] of pictures uint8 [B, 3, S, S]."""

        def vectors(part: Tensor) -> Tensor:
            embedded: Tensor = self.average(crop_for_identity(grids.from_uint8(part), self.size_px))
            return embedded.float()

        with autocast(self.device):
            return in_parts(vectors, photo)

    def pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Held-out cosines of true pairs [P] and of strangers [P * (P - 1)], and turns [P]."""
        vectors = self.embed(self.held_out["photo"])
        yaw = self.held_out["pose_deg"][:, 0]
        cosines = vectors[::2] @ vectors[1::2].T
        apart = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
        return cosines.diagonal(), cosines[apart], (yaw[::2] - yaw[1::2]).abs()

    def validate(self) -> dict[str, float]:
        """Verification on held-out people: area under the curve, medians, medians by turn."""
        true, strangers, turn = self.pairs()
        figures = {
            "auc": area_under_curve(true, strangers),
            "cosine_true": float(true.median()),
            "cosine_strangers": float(strangers.median()),
        }
        return figures | {f"cosine_to_{row.below:g}_deg": row.cosine for row in by_turn(true, turn)}

    def sample(self) -> Photo:
        """People, their other pose, and the strangers that the net finds nearest to them."""
        photo = self.held_out["photo"]
        vectors = self.embed(photo)
        cosines = vectors[::2] @ vectors[1::2].T
        nearest = cosines.fill_diagonal_(-1).argmax(1)[:12]
        shown = grids.from_uint8(photo)
        return grids.rows(shown[::2][:12], shown[1::2][:12], shown[1::2][nearest.cpu()])

    def metadata(self) -> dict[str, str]:
        """Adds what true pairs reach at each turn, which the figures of edits compare with."""
        true, _, turn = self.pairs()
        rows = by_turn(true, turn)
        reference = {
            "yaw_change_deg": [row.turn_deg for row in rows],
            "median_cosine": [row.cosine for row in rows],
        }
        return super().metadata() | {"same_face": json.dumps(reference)}

    def notes(self) -> str:
        """For the card."""
        return (
            f"IR-SE {self.net_sizes}, on `crop_for_identity` of 128 px pictures. Contrastive loss "
            f"at temperature {TEMPERATURE} over pairs of one person at two poses, each before its "
            "own plate and in its own exposure."
        )


class TurnBin(NamedTuple):
    """What true pairs reach in one bin of turns: its upper end, median turn and median cosine."""

    below: float
    turn_deg: float
    cosine: float


def by_turn(cosines: Tensor, turn_deg: Tensor) -> list[TurnBin]:
    """Medians of cosines [P] in bins of the turns [P], empty bins left out."""
    rows = []
    for low, high in itertools.pairwise(TURNS_DEG):
        inside = (turn_deg >= low) & (turn_deg < high)
        if inside.any():
            medians = (float(values[inside].median()) for values in (turn_deg, cosines))
            rows.append(TurnBin(high, *(round(value, 4) for value in medians)))
    return rows


add_arguments, build = IdentityTask.add_arguments, IdentityTask.build
