"""Train HFGI's aligner and residual encoder on top of a frozen generator and encoder.

The residual is what the inversion lost: photo minus G(e4e(photo)). The residual encoder turns it
into a scale and a shift of one layer's features, so that the picture comes back. For edits the
residual lies in the wrong place, so the aligner learns to move it: part of the residuals are warped
at random, shown together with the inversion, and must come back unwarped. Warping every residual
holds the reconstruction down; `--warped` of them is enough.

Source: Wang et al. 2022, "High-Fidelity GAN Inversion for Image Attribute Editing", section 3.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import Photo
from unripple.models import hfgi
from unripple.models.e4e import Encoder
from unripple.models.stylegan2 import Generator
from unripple.training import cards, critics, ema, grids, losses
from unripple.training.encoders import SIZE, load_encoder
from unripple.training.latents import CHANNELS, load_generator
from unripple.training.loop import Batch, Figures, adam, autocast, minimise, parameters, place
from unripple.training.shards import FaceShards, FolderPhotos, open_photos
from unripple.training.single import decay_at

INJECT_AFTER = 7  # code index of the first styled convolution of the 64 px block
STRIDES = (2, 1)  # residuals of 128 px -> conditions of 64 px
ALIGNER_WIDTHS = (16, 16, 32, 48)
RESIDUAL_WIDTHS = (16, 32, 32)
VALIDATION_FACES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the aligner and the residual encoder."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="run folder or safetensors")
    add("--lr", type=float, default=2e-3)
    add("--warped", type=float, default=0.4, help="share of the residuals that are warped")
    add("--align", type=float, default=0.5, help="weight of the aligner's own loss")
    add("--perceptual", type=float, default=0.0, help="weight of the parser's features")
    add("--identity", type=float, default=0.0, help="weight of the identity net's cosine")


def build(chosen: argparse.Namespace) -> HfgiTask:
    """Open the data and the frozen nets, and build the two that learn."""
    device = chosen.device
    return HfgiTask(
        open_photos(chosen.data, size=SIZE, split="train", device=device),
        open_photos(chosen.data, size=SIZE, split="val", device=device),
        load_generator(chosen.generator, device),
        load_encoder(chosen.encoder, device),
        critic=critics.load(chosen),
        batch_size=chosen.batch,
        device=device,
        lr=chosen.lr,
        warped=chosen.warped,
        align_weight=chosen.align,
    )


def random_homographies(count: int, strength: float = 0.06) -> Tensor:
    """Small random perspective maps of the plane [-1, 1] x [-1, 1], float32 [count, 3, 3]."""
    spread = strength * torch.tensor([[1.0, 0.8, 1.2], [0.8, 1.0, 1.2], [0.6, 0.6, 0.0]])
    return torch.eye(3) + spread * torch.randn(count, 3, 3)


def warp(pictures: Tensor, maps: Tensor) -> Tensor:
    """Sample each picture where its homography sends the output's pixels; outside is zero.

    Args:
        pictures: [B, C, H, W].
        maps: [B, 3, 3], output to input coordinates, (x, y, 1) in [-1, 1].

    Returns:
        [B, C, H, W].
    """
    height, width = pictures.shape[-2:]
    y = (torch.arange(height, device=pictures.device) * 2 + 1) / height - 1
    x = (torch.arange(width, device=pictures.device) * 2 + 1) / width - 1
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    points = torch.stack((columns, rows, torch.ones_like(rows)), dim=-1)  # [H, W, 3]
    moved = torch.einsum("hwk,bjk->bhwj", points, maps.to(pictures))
    grid = moved[..., :2] / moved[..., 2:].clamp_min(0.2)  # [B, H, W, 2]
    return F.grid_sample(pictures, grid, align_corners=False)


class HfgiTask:
    """Reconstruction with a self-supervised aligner; see `loop.Task`."""

    role = "hfgi"

    def __init__(
        self,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        *,
        critic: critics.Critic,
        batch_size: int,
        device: str = "cpu",
        lr: float = 2e-3,
        warped: float = 0.4,
        align_weight: float = 0.5,
    ) -> None:
        self.data, self.batch_size, self.device = data, batch_size, device
        self.generator, self.critic = generator, critic
        self.encoder, self.latent_avg = encoder
        self.warped, self.align_weight, self.progress = warped, align_weight, 0.0
        aligner = hfgi.Aligner(ALIGNER_WIDTHS)
        residual = hfgi.ResidualEncoder(RESIDUAL_WIDTHS, CHANNELS[64], STRIDES)
        residual.exact = False
        self.net = place(nn.ModuleDict({"aligner": aligner, "residual": residual}), device)
        self.average = ema.shadow(self.net)
        self.nets: dict[str, nn.Module] = {"hfgi": self.net}
        self.ema: dict[str, nn.Module] = {"hfgi": self.average}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"hfgi": adam(parameters(self.net), lr)}
        self.held_out = held_out.first(VALIDATION_FACES)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos."""
        return self.data.batch(self.batch_size, rng)

    @torch.no_grad()
    def invert(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """The frozen part: (w_plus [B, L, W], its picture [B, 3, S, S] clamped to [-1, 1])."""
        with autocast(self.device):
            w_plus = self.encoder(photo).float() + self.latent_avg
            picture = self.generator.synthesize(w_plus, noise="none")
        return w_plus, picture.float().clamp(-1, 1)

    def consult(
        self, net: nn.ModuleDict, w_plus: Tensor, residual: Tensor, picture: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(aligned residual, picture with the residual's scale and shift injected)."""
        with autocast(self.device):
            aligned = net["aligner"](residual, picture)
            scale, shift = net["residual"](aligned)
            restored = self.generator.synthesize(
                w_plus,
                noise="none",
                inject={INJECT_AFTER: lambda features: hfgi.fuse(features, scale, shift)},
            )
        return aligned.float(), restored.float()

    def train_step(self, batch: Batch, step: int) -> Figures:
        """Reconstruct through the aligned residual; the aligner must undo the warp."""
        photo = grids.from_uint8(batch["photo"].to(self.device))
        w_plus, picture = self.invert(photo)
        residual = photo - picture
        moved = torch.rand(len(photo)) < self.warped
        maps = torch.where(moved[:, None, None], random_homographies(len(photo)), torch.eye(3))
        aligned, restored = self.consult(self.net, w_plus, warp(residual, maps), picture)
        figures = {
            "pyramid": losses.pyramid_l1(restored - photo),
            "square": (restored - photo).square().mean(),
            "align": (aligned - residual).abs().mean(),
            **self.critic(restored, photo),
        }
        weights = {"pyramid": 1.0, "square": 1.0, "align": self.align_weight, **self.critic.weights}
        total = torch.stack([weights[name] * value for name, value in figures.items()]).sum()
        minimise(total, self.optimizers["hfgi"], clip=1.0)
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of both inversions, and what the aligner mends of a fixed small shift."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        w_plus, picture = self.invert(photo)
        residual = photo - picture
        aligned, restored = self.consult(self.average, w_plus, residual, picture)
        shift = torch.eye(3).repeat(len(photo), 1, 1)
        shift[:, 0, 2] = 8 / photo.shape[-1]  # 4 px to the left
        shifted = warp(residual, shift)
        mended, _ = self.consult(self.average, w_plus, shifted, picture)
        return {
            "psnr_db": losses.psnr(restored, photo),
            "psnr_e4e_db": losses.psnr(picture, photo),
            "l1": float((restored - photo).abs().mean()) / 2,
            "align": float((aligned - residual).abs().mean()),
            "align_shifted": float((mended - residual).abs().mean()),
            "left_shifted": float((shifted - residual).abs().mean()),
        }

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos over e4e's inversions over the restored ones."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))[:12]
        w_plus, picture = self.invert(photo)
        _, restored = self.consult(self.average, w_plus, photo - picture, picture)
        return grids.rows(photo, picture, restored)

    def export(self, folder: Path) -> list[Path]:
        """Write both nets into one file, under the published prefixes."""
        state = {
            prefix + name: value
            for prefix, net in (("grid_align.", "aligner"), ("residue.", "residual"))
            for name, value in self.average[net].state_dict().items()
        }
        about = {
            "role": self.role,
            "arch": "hfgi.Aligner hfgi.ResidualEncoder",
            "size": str(SIZE),
            "inject_after": str(INJECT_AFTER),
        }
        return [cards.save_half(folder / f"{self.role}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            "HFGI's aligner and residual encoder at 128 px; conditions of 64 px act after code "
            f"{INJECT_AFTER}. {self.warped:.0%} of the residuals were warped in training."
        )
