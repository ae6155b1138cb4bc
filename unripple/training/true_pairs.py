"""True pairs: one person's photo, and the photo that the edited codes ought to become."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from unripple.metrics.fidelity import psnr
from unripple.metrics.ghost import inner_ghost, inner_return
from unripple.models.e4e import Encoder
from unripple.models.stylegan2 import Generator
from unripple.ops.tensors import to_photos
from unripple.training import grids
from unripple.training.latents import code
from unripple.training.loop import Batch
from unripple.training.precision import autocast

FIELDS = ("photo", "alpha", "factors")
TARGET = "target_"  # prefix of the fields of the other photo; those have the pairs' rows alone


class PairedBatch(NamedTuple):
    """Photos, and the targets that shall be drawn from them.

    Attributes:
        photo: [B, 3, S, S] in [-1, 1].
        target: likewise; equal to the photo in the first rows.
        observed: share of each target's pixel that the photo can tell, [B, 1, S, S] in [0, 1]: 0
            where the person stood in the photo and does not in the target.
        n: how many rows come first, whose target is the photo itself.
        factors: of the other rows, photo and target, each [B - n, K]; None if there are none.
    """

    photo: Tensor
    target: Tensor
    observed: Tensor
    n: int
    factors: tuple[Tensor, Tensor] | None

    @classmethod
    def of(cls, batch: Batch, device: torch.device | str) -> Self:
        """The case of a batch, with or without pairs at its end."""
        photo = grids.from_uint8(batch["photo"].to(device))
        if TARGET + "photo" not in batch:
            return cls(photo, photo, torch.ones_like(photo[:, :1]), len(photo), None)
        n = len(photo) - len(batch[TARGET + "photo"])
        target = grids.from_uint8(batch[TARGET + "photo"].to(device))
        before, after = (batch[p + "alpha"].to(device).float() / 255 for p in ("", TARGET))
        observed = 1 - (before[n:] - after).clamp_min(0)[:, None]
        return cls(
            photo,
            torch.cat((photo[:n], target)),
            torch.cat((torch.ones_like(photo[:n, :1]), observed)),
            n,
            (batch["factors"][n:].to(device), batch[TARGET + "factors"].to(device)),
        )


class PoseEdits:
    """Edits with a known outcome, drawn by a frozen generator from a frozen encoder's codes.

    Args:
        generator: frozen.
        encoder: frozen, and the mean w of its codes.
        device: where they live.
    """

    def __init__(
        self, generator: Generator, encoder: tuple[Encoder, Tensor], device: str = "cpu"
    ) -> None:
        self.generator, self.device = generator, device
        self.encoder, self.latent_avg = encoder

    @torch.no_grad()
    def invert(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """(w_plus [B, L, W], its picture [B, 3, S, S] clamped to [-1, 1])."""
        w_plus = self.codes(photo)
        return w_plus, self._drawn(w_plus)

    @torch.no_grad()
    def codes(self, photo: Tensor) -> Tensor:
        """The codes alone that `invert` gives."""
        with autocast(self.device):
            w_plus: Tensor = self.encoder(photo).float() + self.latent_avg
        return w_plus

    @torch.no_grad()
    def turn(self, w_plus: Tensor, picture: Tensor, case: PairedBatch) -> tuple[Tensor, Tensor]:
        """Codes and their pictures, those of pairs turned to the pose of the target.

        They move by the change of w that the mapping gives for the change of the true factors,
        which is what an edit along the pose does; the encoder's errors stay, as in an edit.
        """
        if case.factors is None:
            return w_plus, picture
        codes = self.turned(w_plus, case)
        drawn = self._drawn(codes[case.n :])
        return codes, torch.cat((picture[: case.n], drawn))

    @torch.no_grad()
    def turned(self, w_plus: Tensor, case: PairedBatch) -> Tensor:
        """The codes alone that `turn` gives."""
        if case.factors is None:
            return w_plus
        # The change alone is exact; what the encoder got wrong of the photo stays, as in real
        # edits.
        before, after = (self.generator.map(code(factors)).float() for factors in case.factors)
        other = w_plus[case.n :] + (after - before)[:, None]
        return torch.cat((w_plus[: case.n], other))

    def _drawn(self, w_plus: Tensor) -> Tensor:
        with autocast(self.device):
            picture = self.generator.synthesize(w_plus, noise="none")
        return picture.float().clamp(-1, 1)


def disocclusion_loss(visibility: Tensor, case: PairedBatch) -> Tensor:
    """How much of the old person is warped to where it no longer stands: a mean share, a scalar.

    What stood there before is not known, so pictures do not teach a flow net to let go of it: the
    generator's guess at the background is hardly nearer to the truth than the old outline is.

    Args:
        visibility: see `models.flow.Flow`, [B, 1, S, S].
        case: what was to be drawn.
    """
    gone = 1 - case.observed
    return (visibility * gone).sum() / gone.sum().clamp_min(1)


def with_pairs(same: Batch | None, one: Batch, other: Batch) -> Batch:
    """One batch of photos that are their own target, and of pairs."""
    photos = one if same is None else {f: torch.cat((same[f], one[f])) for f in one}
    return {**photos, **{TARGET + field: value for field, value in other.items()}}


def partners(count: int) -> Tensor:
    """Row of each row's partner, in the order of shards: 1, 0, 3, 2, ..."""
    return torch.arange(count) ^ 1


def swapped(faces: Batch) -> Batch:
    """Rows of shards as pairs, each to become its partner."""
    rows = partners(len(faces["photo"]))
    return with_pairs(
        None, faces, {field: value[rows.to(value.device)] for field, value in faces.items()}
    )


def figures(faces: Batch, drawn: Tensor) -> dict[str, float]:
    """How near edits come to the true partner, medians over the faces where they are defined.

    Args:
        faces: rows of shards.
        drawn: each turned to the pose of its partner, [B, 3, S, S] in [-1, 1].

    Returns:
        `edit_psnr_db` on the person, `inner_ghost` and `inner_return` (see `metrics.ghost`).
    """
    rows = partners(len(drawn))
    photos = faces["photo"].permute(0, 2, 3, 1).cpu().numpy()  # [B, S, S, 3]
    persons = (faces["alpha"] > 127).cpu().numpy()
    results = to_photos(drawn)
    values: dict[str, list[float]] = {"edit_psnr_db": [], "inner_ghost": [], "inner_return": []}
    for row, other in enumerate(rows.tolist()):
        arguments = (results[row], photos[row], photos[other], persons[row], persons[other])
        values["edit_psnr_db"].append(psnr(results[row], photos[other], persons[other]))
        values["inner_ghost"].append(inner_ghost(*arguments))
        values["inner_return"].append(inner_return(*arguments))
    return {name: float(np.nanmedian(values)) for name, values in values.items()}
