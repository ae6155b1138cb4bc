"""Phase 1 of StyleFeatureEditor: the inverter, on top of a frozen generator and a frozen e4e.

Of every photo two pictures are drawn, one by codes and features, one by the codes alone; both are
to be the photo. The features are held near those of the codes, and the codes near the true ones
(near e4e's, where photos are plain), so that both can be edited.
"""

from __future__ import annotations

import json
from typing import NamedTuple, Unpack

import torch
from torch import Tensor

from unripple.conventions import Photo
from unripple.models import sfe
from unripple.models.e4e import Encoder
from unripple.models.stylegan2 import Generator
from unripple.training import grids, losses, sfe_nets
from unripple.training.latents import code, w_statistics
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.sfe_losses import shown
from unripple.training.sfe_task import PhaseStep, SfeOptions, SfeTask
from unripple.training.shards import FaceShards, FolderPhotos


class Leashes(NamedTuple):
    """Weights of what holds features and codes, beside the pictures that they give.

    Attributes:
        feat_rec, feat_rec_l1: squared and absolute distance of the features from the codes' own.
        l2_latent: squared distance of the codes from the true ones, in spreads of w.
        plain: share of the codes' own pictures in the losses between pictures; published: a half.
        ramp: steps over which the features are let in (published: 10,000); 0 lets them in at once,
            since the fuser begins as a plain sum.
    """

    feat_rec: float = 0.01
    feat_rec_l1: float = 0.0
    l2_latent: float = 1.0
    plain: float = 0.5
    ramp: int = 0

    def admitted(self, step: int) -> float:
        """Share of the features that enters the generator, beside those of the codes."""
        return min(1.0, step / self.ramp) if self.ramp else 1.0


class Drawn(NamedTuple):
    """What comes of photos.

    Attributes:
        w_plus: codes, mean added, [B, L, W].
        own: features that they draw by themselves, [B, C, h, h].
        fused: those with the predicted ones, likewise.
        restored, plain: pictures by features, and by codes alone, [B, 3, S, S].
    """

    w_plus: Tensor
    own: Tensor
    fused: Tensor
    restored: Tensor
    plain: Tensor


class InverterTask(SfeTask[sfe.Inverter]):
    """The inverter; see `loop.Task`.

    Args:
        data, held_out: photos; shards have the factors that the true codes follow from.
        generator: frozen.
        encoder: frozen e4e, and the mean w of its codes.
        leashes: see there.
        options: see `SfeOptions`.
    """

    role = "inverter"
    arch = "sfe.Inverter"

    def __init__(
        self,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        *,
        leashes: Leashes | None = None,
        **options: Unpack[SfeOptions],
    ) -> None:
        net = sfe_nets.small_inverter()
        super().__init__(net, data, held_out, generator, encoder, **options)
        self.leashes = leashes or Leashes()
        self.spread = w_statistics(generator)[1]

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos."""
        return self.data.batch(self.batch_size, rng)

    def inverted(
        self, net: sfe.Inverter, photo: Tensor, admitted: float = 1.0, *, plainly: bool = True
    ) -> Drawn:
        """Encode photos and draw them again.

        Args:
            net: the one that learns, or its average.
            photo: [B, 3, S, S] in [-1, 1].
            admitted: share of the features that enters the generator.
            plainly: whether to draw the codes alone, too; if not, `plain` is `restored`.
        """
        with autocast(self.device):
            codes, predicted = net(photo)
            w_plus = codes + self.latent_avg
            styles = self.generator.styles(w_plus)
            own, picture = sfe_nets.lower(self.generator, styles, predicted.shape[-1])
            fused = net.fuser(predicted, own)
            entering = fused if admitted == 1 else torch.lerp(own.float(), fused.float(), admitted)
            entered = [entering, own] if plainly else [entering]
            # Both pictures share what lies below the features.
            pictures = sfe_nets.upper(
                self.generator,
                [style.repeat(len(entered), 1) for style in styles],
                torch.cat(entered),
                picture.repeat(len(entered), 1, 1, 1),
            )
            restored, plain = pictures[: len(photo)], pictures[-len(photo) :]
        return Drawn(w_plus, own.float(), fused.float(), restored, plain)

    @torch.no_grad()
    def target_codes(self, batch: Batch, photo: Tensor) -> Tensor:
        """The true codes of rendered photos, e4e's of others, [B, 1 or L, W]."""
        if "factors" in batch:
            return self.generator.map(code(batch["factors"].to(self.device))).float()[:, None]
        return self.codes(photo)

    def leash_losses(self, drawn: Drawn, batch: Batch, photo: Tensor) -> dict[str, Tensor]:
        """How far features and codes have gone, by the names in `Leashes`."""
        apart = drawn.fused - drawn.own
        beside = (drawn.w_plus - self.target_codes(batch, photo)) / self.spread
        return {
            "feat_rec": apart.square().mean(),
            "feat_rec_l1": apart.abs().mean(),
            "l2_latent": beside.square().mean(),
        }

    def take(self, batch: Batch, step: int) -> PhaseStep:
        """Draw the photos in both ways."""
        photo = grids.from_uint8(batch["photo"].to(self.device))
        plain = self.leashes.plain
        drawn = self.inverted(self.net, photo, self.leashes.admitted(step), plainly=plain > 0)
        figures = {
            **self.auxiliary(drawn.restored, photo),
            **self.leash_losses(drawn, batch, photo),
        }
        if plain:
            pictures = self.auxiliary(drawn.plain, photo)
            figures["plain"] = self.auxiliary.total(pictures)
        weights = {name: (1 - plain) * weight for name, weight in self.auxiliary.weights.items()}
        weights |= self.leashes._asdict()
        return PhaseStep(figures, weights, drawn.restored, photo, shown(batch, photo))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of both pictures, and how far codes and features are off, on held-out people."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        drawn = self.inverted(self.average, photo)
        leashes = self.leash_losses(drawn, self.held_out, photo)
        return {
            "psnr_db": losses.psnr(drawn.restored, photo),
            "psnr_codes_db": losses.psnr(drawn.plain, photo),
            **{name: float(value) for name, value in leashes.items()},
        }

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos, their drawings by the codes alone, and by codes and features."""
        photo = grids.from_uint8(self.looked_at()["photo"].to(self.device))
        drawn = self.inverted(self.average, photo)
        return grids.rows(photo, drawn.plain, drawn.restored)

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {**super().metadata(), "arguments": json.dumps({"strides": sfe_nets.STRIDES})}

    def notes(self) -> str:
        """For the card."""
        side_px = sfe_nets.SIZE // 2
        return (
            f"StyleFeatureEditor's inverter at {sfe_nets.SIZE} px: codes relative to the "
            f"generator's mean, and features of {side_px} px, which enter its convolution "
            f"{sfe.entered(side_px)}."
        )
