"""Train the generator: regression from the known factors of a face to its render.

The face world's factors are drawn from normal codes, so a network that maps them to pictures is a
StyleGAN2 whose latent space has exact labels; on a few cores regression gets there in an hour where
adversarial training would need days. The network is the published class: factors take the first
entries of z, and one entry is constant so that the pixel norm in front of the mapping keeps scale.
Sizes grow: train at 64 px, then start 128 px from those weights (`--init`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from unripple import faceworld
from unripple.conventions import Face, Photo
from unripple.models.stylegan2 import Generator, sizes_from_state
from unripple.training import cards, ema, grids, losses
from unripple.training.adversarial import PersonDiscriminator
from unripple.training.augment import swap_sides
from unripple.training.latents import (
    CHANNELS,
    LR_MLP,
    MAPPING_LAYERS,
    PUBLISHED_LR_MLP,
    STYLE_DIM,
    code,
    grow,
    mean_w,
    rescale_mapping,
    small_generator,
    trained_state,
)
from unripple.training.loop import Batch, Figures, adam, optimizer_step, parameters, to_device
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards

VALIDATION_FACES = 64
ADVERSARIAL_FROM = 0.7  # of the budget


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the generator."""
    add = parser.add_argument
    add("--size", type=int, default=128, help="side of the pictures, px")
    add("--freeze-mapping", action="store_true", help="keep the mapping of --init as it is")
    add("--lr", type=float, default=4e-3)
    add(
        "--compile",
        action="store_true",
        help="fuse arithmetic (a minute first, then a fifth faster)",
    )
    add("--features", type=float, default=4.0, help="weight that eyes, nose and mouth add to 1")
    add("--adversarial", type=float, default=0.0, help="weight on the person, last 30%% (try .03)")


def build(chosen: argparse.Namespace) -> GeneratorTask:
    """Open the data and build the nets."""
    return GeneratorTask(
        FaceShards(chosen.data, GeneratorTask.FIELDS, "train", chosen.device),
        FaceShards(chosen.data, GeneratorTask.FIELDS, "val", chosen.device),
        size=chosen.size,
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        freeze_mapping=chosen.freeze_mapping,
        features=chosen.features,
        adversarial=chosen.adversarial,
        compiled=chosen.compile,
    )


def paint(net: Generator, z: Tensor) -> Tensor:
    """z [B, style_dim] -> pictures float32 [B, 3, S, S], the same w for every layer, no noise."""
    w_plus = net.map(z)[:, None].expand(-1, net.n_codes, -1)
    return net.synthesize(w_plus, noise="none")


def mirror_some(batch: Batch, flipped: Tensor) -> Batch:
    """Faces of which some are seen in a mirror: `photo`, `labels` and `factors` change together.

    Args:
        batch: photo [B, 3, S, S], labels [B, S, S], factors [B, K].
        flipped: which rows, bool [B].
    """

    def chosen(field: str, changed: Tensor) -> Tensor:
        return torch.where(flipped.view(-1, *[1] * (changed.ndim - 1)), changed, batch[field])

    return {
        "photo": chosen("photo", batch["photo"].flip(-1)),
        "labels": chosen("labels", swap_sides(batch["labels"]).flip(-1)),
        "factors": chosen("factors", faceworld.mirrored(batch["factors"])),
    }


class GeneratorTask:
    """Regression of renders from factors; see `loop.Task`."""

    role = "generator"
    FIELDS = ("photo", "labels", "factors")

    def __init__(
        self,
        data: FaceShards,
        held_out: FaceShards,
        *,
        size: int,
        batch_size: int,
        device: str = "cpu",
        lr: float = 4e-3,
        freeze_mapping: bool = False,
        features: float = 4.0,
        adversarial: float = 0.0,
        compiled: bool = False,
    ) -> None:
        self.data, self.size, self.batch_size, self.device = data, size, batch_size, device
        self.progress, self.adversarial = 0.0, adversarial
        self.weights = losses.part_weights(features=features).to(device)
        # Validation compares runs, so its weights follow no option.
        self.validation_weights = losses.part_weights().to(device)
        self.net = small_generator(size)
        self.net.style.requires_grad_(not freeze_mapping)
        to_device(self.net, device)
        self.average = ema.shadow(self.net)
        self.paint = torch.compile(paint) if compiled else paint
        self.nets: dict[str, nn.Module] = {"generator": self.net}
        self.ema: dict[str, nn.Module] = {"generator": self.average}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": adam(parameters(self.net), lr)
        }
        if adversarial:
            self.discriminator = PersonDiscriminator(device)
            self.nets["critic"] = self.discriminator.net
            self.optimizers["critic"] = self.discriminator.optimizer
        faces = held_out.first(VALIDATION_FACES)
        self.held_out = self.prepare(faces, self.validation_weights)
        self.person = (
            losses.shrink((faces["labels"] != Face.BACKGROUND).float()[:, None], size) > 0.5
        )

    def start_from(self, path: Path) -> None:
        """Start from another generator of this size or a smaller one."""
        state = trained_state(path)
        for net in (self.net, self.average):
            grow(net, state)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces, half of them mirrored."""
        batch = self.data.batch(self.batch_size, rng)
        flipped = torch.rand(self.batch_size, generator=rng) < 0.5
        return mirror_some(batch, flipped.to(self.data.device))

    def prepare(self, batch: Batch, part_weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A raw batch -> (z, pictures [B, 3, S, S], pixel weights [B, 1, S, S]) on the device."""
        photo = grids.from_uint8(batch["photo"].to(self.device))
        weights = losses.pixel_weights(batch["labels"].to(self.device), part_weights)
        z = code(batch["factors"].to(self.device))
        return z, losses.shrink(photo, self.size), losses.shrink(weights, self.size)

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of Adam on the pyramid loss."""
        z, target, weights = self.prepare(batch, self.weights)
        with autocast(self.device):
            picture = self.paint(self.net, z)
        loss = losses.pyramid_l1(picture - target, weights)
        figures = {"loss": loss.detach()}
        adversarial = self.adversarial > 0 and self.progress > ADVERSARIAL_FROM
        if adversarial:
            person = (weights > 0.65).float()  # between background and person
            fooling = self.discriminator.generator_loss(picture, target, person)
            figures["fooling"] = fooling
            loss = loss + self.adversarial * fooling
        optimizer_step(loss, self.optimizers["generator"])
        if adversarial:
            figures["critic"] = self.discriminator.train_step(picture, target, person, step)
        late = self.progress > 0.5
        ema.follow(self.average, self.net, 0.999 if late else min(0.995, (1 + step) / (10 + step)))
        return figures

    @torch.no_grad()
    def render(self, z: Tensor) -> Tensor:
        """Pictures of the averaged net."""
        with autocast(self.device):
            return paint(self.average, z)

    def validate(self) -> dict[str, float]:
        """Loss, and mean absolute error on the person and everywhere (pictures of range 0 to 1)."""
        z, target, weights = self.held_out
        picture = self.render(z)
        return {
            "loss": float(losses.pyramid_l1(picture - target, weights)),
            "person_l1": losses.masked_l1(picture, target, self.person),
            "l1": float((picture - target).abs().mean()) / 2,
        }

    def sample(self) -> Photo:
        """Two rows of renders, each over its predictions."""
        z, target, _ = self.held_out
        half = min(12, len(z) // 2)
        one, two = slice(0, half), slice(half, 2 * half)
        return grids.rows(target[one], self.render(z[one]), target[two], self.render(z[two]))

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged net with its mean w, in the published units of the mapping."""
        state = rescale_mapping(self.average.state_dict(), LR_MLP / PUBLISHED_LR_MLP)
        about = {
            "role": self.role,
            "arch": "stylegan2.Generator",
            "size": str(self.size),
            "sizes": json.dumps(sizes_from_state(state)),
        }
        state |= {"latent_avg": mean_w(self.average)}
        return [cards.save_half(folder / f"{self.role}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            f"StyleGAN2 at {self.size} px, w of {STYLE_DIM}, {MAPPING_LAYERS} mapping layers, "
            f"channels {CHANNELS}; regression from the face world's factors to its renders, so z "
            "is `training.generator.code(factors)`. No noise: the background's detail is no factor."
        )
