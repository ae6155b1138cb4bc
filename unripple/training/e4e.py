"""Train the e4e encoder: from an aligned photo to w_plus codes near W.

Two phases. `--phase codes` needs no finished generator: it regresses the w that a frozen mapping
gives for the factors of each face. `--phase pictures` goes on with the generator: reconstruction,
perceptual and identity terms, a cost on deltas that are let in code by code, and, if asked for, a
discriminator that keeps codes where the mapping would put them. The second phase also takes a plain
folder of aligned photos, the layout of the published training.

Source: Tov et al. 2021, "Designing an Encoder for StyleGAN Image Manipulation".
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple import faceworld
from unripple.conventions import BadCheckpoint, Photo, UnrippleError
from unripple.models.discriminator import LatentDiscriminator
from unripple.models.e4e import sizes_from_state
from unripple.models.stylegan2 import Generator
from unripple.training import auxiliary, cards, checkpoint, ema, framing, grids, losses, start
from unripple.training.encoders import (
    N_CODES,
    SIZE,
    UNITS,
    WIDTHS,
    Units,
    admitted_deltas,
    small_encoder,
)
from unripple.training.latents import STYLE_DIM, code, load_generator, w_statistics
from unripple.training.loop import Batch, Figures, adam, optimizer_step, parameters, to_device
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards, FolderPhotos, has_shards
from unripple.training.single import decay_at

FIELDS = ("photo", "labels", "factors")
VALIDATION_FACES = 32
POSE_WEIGHT = 4.0  # yaw and pitch move every pixel of the face


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the encoder."""
    add = parser.add_argument
    add("--phase", choices=("codes", "pictures"), default="pictures")
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--lr", type=float, default=1e-3)
    add("--codes-weight", type=float, default=0.3, help="of the true w, in phase pictures")
    add("--perceptual", type=float, default=0.0, help="weight of the parser's features")
    add("--identity", type=float, default=0.0, help="weight of the identity net's cosine")
    add("--delta", type=float, default=0.02, help="weight of the deltas' size")
    add("--adversarial", type=float, default=0.0, help="weight of the latent discriminator")


def build(chosen: argparse.Namespace) -> EncoderTask:
    """Open the data, the generator and the auxiliary losses, and build the net.

    Raises:
        UnrippleError: a plain folder of photos is asked to train phase `codes`.
    """
    data: FaceShards | FolderPhotos
    held_out: FaceShards | FolderPhotos
    if has_shards(chosen.data):
        data = FaceShards(chosen.data, FIELDS, "train", chosen.device)
        held_out = FaceShards(chosen.data, FIELDS, "val", chosen.device)
    elif chosen.phase == "codes":
        raise UnrippleError("phase codes needs shards: plain photos have no known factors")
    else:
        data = FolderPhotos(chosen.data, SIZE, "train", chosen.device)
        held_out = FolderPhotos(chosen.data, SIZE, "val", chosen.device)
    generator = load_generator(chosen.generator, chosen.device)
    if chosen.phase == "pictures" and generator.n_codes != N_CODES:
        raise BadCheckpoint(
            f"{chosen.generator} draws {generator.size} px; phase pictures needs {SIZE} px"
        )
    return EncoderTask(
        data,
        held_out,
        generator,
        auxiliary=auxiliary.load(chosen),
        phase=chosen.phase,
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        codes_weight=chosen.codes_weight,
        delta_weight=chosen.delta,
        adversarial=chosen.adversarial,
    )


class EncoderTask:
    """Both phases of the encoder; see `loop.Task`."""

    role = "encoder"

    def __init__(
        self,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        *,
        auxiliary: auxiliary.AuxiliaryLosses,
        phase: str,
        batch_size: int,
        device: str = "cpu",
        lr: float = 1e-3,
        codes_weight: float = 0.3,
        delta_weight: float = 0.02,
        adversarial: float = 0.0,
    ) -> None:
        self.data, self.batch_size, self.device = data, batch_size, device
        self.generator, self.auxiliary, self.phase = generator, auxiliary, phase
        self.codes_weight, self.delta_weight = codes_weight, delta_weight
        self.adversarial, self.progress = adversarial, 0.0
        units = Units(*w_statistics(generator)).to(device)
        self.latent_avg, self.spread = units.latent_avg, units.spread
        self.weights = losses.part_weights(background=0.5).to(device)
        self.net = to_device(small_encoder(), device)
        self.factor_head = nn.Linear(STYLE_DIM, faceworld.EMBED_WIDTH).to(device)
        self.discriminator = LatentDiscriminator(STYLE_DIM).to(device)
        self.nets: dict[str, nn.Module] = {
            "encoder": self.net,
            "factor_head": self.factor_head,
            "discriminator": self.discriminator,
            "units": units,
        }
        self.average = ema.shadow(self.net)
        self.ema: dict[str, nn.Module] = {"encoder": self.average}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "encoder": adam(parameters(self.net, self.factor_head), lr),
            "discriminator": adam(parameters(self.discriminator), 2e-4, (0.0, 0.99)),
        }
        self.held_out = held_out.first(VALIDATION_FACES)

    def start_from(self, path: Path) -> None:
        """Start from the phase before; an exported encoder comes without its factor head."""
        start.load(start.averaged(path, self.role), path, self.net, self.average)
        if path.is_dir():
            state = checkpoint.read(path / checkpoint.NAME)["nets"]["factor_head"]
            self.factor_head.load_state_dict(state)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces."""
        return self.data.batch(self.batch_size, rng)

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of the phase's losses, then the average."""
        photo = grids.from_uint8(batch["photo"].to(self.device))
        with autocast(self.device):
            codes = self.net(jitter(photo), delta_codes=self.admitted()).float()
        figures: dict[str, Tensor] = {}
        if "factors" in batch:
            figures |= self.code_losses(codes, batch["factors"].to(self.device))
        if self.phase == "codes":
            loss = figures["codes"] + 0.5 * figures["factors"]
        else:
            figures |= self.picture_losses(codes, photo, batch.get("labels"))
            loss = self.picture_total(figures)
        optimizer_step(loss, self.optimizers["encoder"], clip=5.0)
        if self.adversarial and self.phase == "pictures":
            figures["discriminator"] = self.discriminator_step(codes.detach())
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    def code_losses(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        """Distance to the w that the mapping gives, and whether the factors can be read off w."""
        z = code(factors)
        with torch.no_grad():
            target = (self.generator.map(z).float() - self.latent_avg) / self.spread
        near = codes[:, :1] if self.phase == "codes" else codes
        embedded = faceworld.embed(factors)
        weight = torch.ones_like(embedded[:1])
        weight[:, :2] = POSE_WEIGHT
        read = self.factor_head(codes[:, 0] / self.spread)
        return {
            "codes": (near / self.spread - target[:, None]).square().mean(),
            "factors": ((read - embedded).square() * weight).mean(),
        }

    def picture_losses(
        self, codes: Tensor, photo: Tensor, labels: Tensor | None
    ) -> dict[str, Tensor]:
        """Reconstruction, auxiliary losses, and the cost of leaving W."""
        with autocast(self.device):
            picture = self.generator.synthesize(codes + self.latent_avg, noise="none").float()
        weights = None
        if labels is not None:
            weights = losses.pixel_weights(labels.to(self.device), self.weights)
        deltas = (codes[:, 1:] - codes[:, :1]) / self.spread
        figures = {
            "pyramid": losses.pyramid_l1(picture - photo, weights),
            "delta": deltas.square().mean(),
            **self.auxiliary(picture, photo),
        }
        if self.adversarial:
            figures["adversarial"] = F.softplus(-self.discriminator(codes / self.spread)).mean()
        return figures

    def picture_total(self, figures: dict[str, Tensor]) -> Tensor:
        """The weighted sum of phase `pictures`."""
        weights = {
            "pyramid": 1.0,
            "delta": self.delta_weight,
            "codes": self.codes_weight,
            "factors": 0.5 * self.codes_weight,
            "adversarial": self.adversarial,
            **self.auxiliary.weights,
        }
        return torch.stack([weights[name] * value for name, value in figures.items()]).sum()

    def discriminator_step(self, codes: Tensor) -> Tensor:
        """One logistic step with R1 on w of the mapping."""
        z = code(faceworld.sample_factors(len(codes), int(torch.randint(1 << 40, ()))))
        real = self.generator.map(z.to(self.device)).detach().float() - self.latent_avg
        real = (real / self.spread).requires_grad_(True)
        real_logits = self.discriminator(real)
        fake_logits = self.discriminator(codes.flatten(0, 1) / self.spread)
        (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
        loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        total = loss + 5.0 * gradient.square().sum(1).mean()
        optimizer_step(total, self.optimizers["discriminator"])
        return loss.detach()

    def admitted(self) -> int:
        """Codes beyond the first that the encoder may use by now."""
        return 0 if self.phase == "codes" else admitted_deltas(self.progress, N_CODES)

    @torch.no_grad()
    def encode(self, photo: Tensor) -> Tensor:
        """w_plus by the averaged net, deltas as far as the training let them in."""
        with autocast(self.device):
            codes: Tensor = self.average(photo, delta_codes=self.admitted()).float()
        return codes

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Errors of codes, pose and pictures on held-out people."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        codes = self.encode(photo)
        figures: dict[str, float] = {}
        if "factors" in self.held_out:
            factors = self.held_out["factors"].to(self.device)
            figures |= {k: float(v) for k, v in self.code_losses(codes, factors).items()}
            yaw = self.factor_head(codes[:, 0] / self.spread)[:, 0] / 1.7
            figures["yaw_deg"] = float((yaw - factors[:, 0]).abs().mean()) * faceworld.YAW_MAX_DEG
        if self.phase == "pictures":
            picture = self.inversion(codes)
            figures["l1"] = float((picture - photo).abs().mean()) / 2
            figures["psnr_db"] = losses.psnr(picture, photo)
            if "labels" in self.held_out:
                person = (self.held_out["labels"].to(self.device) != 0)[:, None].float()
                figures["person_l1"] = losses.masked_l1(picture, photo, person)
        return figures

    @torch.no_grad()
    def inversion(self, codes: Tensor) -> Tensor:
        """Pictures of codes (without latent_avg)."""
        with autocast(self.device):
            picture = self.generator.synthesize(codes + self.latent_avg, noise="none")
        return picture.float()

    def sample(self) -> Photo:
        """Photos over their inversions, at the generator's size."""
        n_codes = self.generator.n_codes
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))[:24]
        picture = self.inversion(self.encode(photo)[:, :n_codes])
        photo = losses.shrink(photo, picture.shape[-1])
        half = len(photo) // 2
        return grids.rows(photo[:half], picture[:half], photo[half:], picture[half:])

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged encoder and the mean w that its codes are relative to."""
        state = self.average.state_dict()
        about = {
            "role": self.role,
            "arch": "e4e.Encoder",
            "size": str(SIZE),
            "sizes": json.dumps(sizes_from_state(state)),
            **framing.about(),
        }
        state |= {"latent_avg": self.latent_avg}
        return [cards.save_half(folder / f"{self.role}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            f"e4e encoder at {SIZE} px, widths {WIDTHS}, units {UNITS}; codes are relative to "
            "latent_avg. Trained on the true w of rendered faces, then on reconstruction through "
            "the generator with a cost on deltas."
        )


def jitter(photo: Tensor, strength: float = 0.04) -> Tensor:
    """Noise of a random strength per picture, so that codes do not hang on single pixels."""
    amount = strength * torch.rand(len(photo), 1, 1, 1, device=photo.device)
    return photo + amount * torch.randn_like(photo)
