"""Train the inpainter: a LaMa that paints the background behind a person.

Backgrounds are the shards' plates, holes are other people's silhouettes. The net corrects a first
guess: smooth colours with texture borrowed from elsewhere in the picture. First comes pure
reconstruction, on crops around the rims of holes: a turned head uncovers nothing else, and a crop
costs a quarter. Then come whole pictures; pixels step back behind the colours of small blocks, and
the fill has to have as strong a texture as the truth, please a patch discriminator that is told
which patches hold fill, and match its features and, where the models folder has a parser, the
parser's deep, wide ones.

The terms are balanced by their gradients at the picture: each gets a fixed share of the norm of the
reconstruction's, so no weight depends on how well a discriminator of a few minutes does.

Source: Suvorov et al. 2022; the weights there suit days on many GPUs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import Photo
from unripple.models.discriminator import PatchDiscriminator
from unripple.models.lama import Lama, correct
from unripple.models.perceptual import FeatureDistance
from unripple.ops.borrow import first_guess
from unripple.training import ema, grids, holes, randomise, randomised_net
from unripple.training.fills import HeldOutFills, photos
from unripple.training.loop import (
    Batch,
    Figures,
    adam,
    frozen,
    optimizer_step,
    parameters,
    to_device,
)
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards
from unripple.training.single import SingleNet, decay_at, in_parts
from unripple.training.textures import texture_loss

SIZES: dict[str, Any] = {"ngf": 24, "n_downsampling": 2, "n_blocks": 4}
DISCRIMINATOR_SIZES: dict[str, Any] = {"ndf": 24, "n_layers": 2}
"""Its patches are 34 px wide: it sees texture, not scenes."""
FIELDS = ("plate", "alpha")
VALIDATION_PEOPLE = 48
RANDOMISED = 0.5  # share of the plates

KNOWN_WEIGHT = 0.2  # what is known is kept by the stage anyway; it only helps to learn
RIM_WEIGHT = 3.0  # a turned head uncovers the rim of the hole, never its middle
WHOLE_FROM = 0.1  # share of the budget spent on crops
ADVERSARIAL_FROM = 0.15
SHARES = {"texture": 0.5, "adversarial": 0.5, "matching": 0.3, "perceptual": 0.3}
FINE_LATER = 0.25  # what is left of pixels and gradients in the second phase
R1_EVERY = 8
R1_WEIGHT = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the inpainter."""
    add = parser.add_argument
    add("--lr", type=float, default=1e-3)
    add("--crop", type=int, default=64, help="side of the crops of the first phase; 0: none")
    randomised_net.add_share(parser, RANDOMISED, what="plates that are plain or unlike ours")
    for name, share in SHARES.items():
        add(f"--{name}", type=float, default=share, help="share of the gradient, second phase")


def build(chosen: argparse.Namespace) -> InpainterTask:
    """Open the data, and the parser if there is one, and build the nets."""
    return InpainterTask(
        FaceShards(chosen.data, FIELDS, "train", chosen.device),
        FaceShards(chosen.data, FIELDS, "val", chosen.device),
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        crop=chosen.crop,
        randomise_share=chosen.randomise,
        shares={name: getattr(chosen, name) for name in SHARES},
        perceptual=wide_features(chosen.models / "parser.safetensors", chosen.device),
    )


def wide_features(parser: Path, device: str) -> FeatureDistance | None:
    """The distance in a trained parser's three deepest levels, or None without a parser."""
    if not parser.exists():
        return None
    from unripple.zoo import networks

    net: Any = networks.load("parser", parser, torch.device(device)).net
    return frozen(FeatureDistance(net, levels=(2, 3, 4)), device)


def zeroed(net: Lama) -> Lama:
    """The net with a last layer of zeros: training starts from the first guess."""
    last = [layer for layer in net.model if isinstance(layer, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return net


def reconstruction(picture: Tensor, target: Tensor, hole: Tensor, *, fine: float) -> Tensor:
    """How far a painted picture is from the truth: colours of 4 px blocks, pixels, gradients.

    Args:
        picture, target: [B, 3, S, S] in [0, 1].
        hole: [B, 1, S, S]; its rim counts most, the known least.
        fine: weight of pixels and gradients. Where texture cannot be known they ask for none, so
            they have to step back before any texture can appear.

    Returns:
        A scalar.
    """
    weights = KNOWN_WEIGHT + (1 - KNOWN_WEIGHT) * hole + (RIM_WEIGHT - 1) * holes.rim(hole)
    # Of mean 1, so that a small hole's loss is of the size of a large one's.
    weights = weights / weights.mean()
    difference = picture - target
    across = difference[..., 1:] - difference[..., :-1]
    down = difference[..., 1:, :] - difference[..., :-1, :]
    edges = (across.abs() * weights[..., 1:]).mean() + (down.abs() * weights[..., 1:, :]).mean()
    pixels = (difference.abs() * weights).mean()
    # Colours of blocks can be guessed from what surrounds a hole; single pixels cannot.
    blocks = (F.avg_pool2d(difference, 4).abs() * F.avg_pool2d(weights, 4)).mean()
    return blocks + fine * (pixels + 0.5 * edges)


def patches_with(hole: Tensor, logits: Tensor) -> Tensor:
    """Which patches of a discriminator see some of the hole, float 0 or 1, shaped as its logits."""
    return F.adaptive_max_pool2d(hole, logits.shape[2:])


def discriminator_loss(real: Tensor, fake: Tensor, hole: Tensor) -> Tensor:
    """Non-saturating loss; patches of the painted picture that hold no fill count as real.

    Source: section 2.2.2, `mask_as_fake_target` of advimman/lama.
    """
    filled = patches_with(hole, fake)
    return (
        F.softplus(-real).mean()
        + (F.softplus(fake) * filled).mean()
        + (F.softplus(-fake) * (1 - filled)).mean()
    )


def feature_matching(fake: list[Tensor], real: list[Tensor]) -> Tensor:
    """Distance of a discriminator's features, each layer relative to its own size."""
    layers = [
        # Relative: layers differ in scale by orders, and the discriminator may change it at will.
        (a.float() - b.float()).abs().mean() / b.float().abs().mean().clamp_min(1e-4)
        for a, b in zip(fake, real, strict=True)
    ]
    return torch.stack(layers).mean()


class InpainterTask(SingleNet):
    """See `loop.Task`. Pictures are in [0, 1] here, as LaMa takes them.

    Args:
        data, held_out: shards with `plate` and `alpha`.
        batch_size: whole pictures per step; of crops there are twice as many.
        device: where the nets live.
        lr: of both nets.
        crop: side of the crops of the first phase, a multiple of 32; 0 takes whole pictures.
        randomise_share: of the plates that are plain, gradients, out of focus or patterned.
        shares: gradients of the later terms, in shares of the reconstruction's.
        perceptual: distance of pictures in [-1, 1] in wide features.
        sizes, discriminator_sizes: of the nets.
    """

    role = "inpainter"
    arch = "lama.Lama"

    def __init__(
        self,
        data: FaceShards,
        held_out: FaceShards,
        *,
        batch_size: int,
        device: str = "cpu",
        lr: float = 1e-3,
        crop: int = 64,
        randomise_share: float = RANDOMISED,
        shares: dict[str, float] | None = None,
        perceptual: FeatureDistance | None = None,
        sizes: dict[str, Any] = SIZES,
        discriminator_sizes: dict[str, Any] = DISCRIMINATOR_SIZES,
    ) -> None:
        self.net_sizes, self.crop, self.whole_batch = sizes, crop, batch_size
        super().__init__(zeroed(Lama(**sizes)), batch_size=batch_size, device=device, lr=lr)
        self.discriminator = to_device(PatchDiscriminator(**discriminator_sizes), device)
        self.nets["discriminator"] = self.discriminator
        self.optimizers["discriminator"] = adam(
            parameters(self.discriminator), lr, betas=(0.5, 0.99)
        )
        self.shares = SHARES | (shares or {})
        self.randomise_share = randomise_share
        self.perceptual = perceptual
        self.data = data
        faces = held_out.first(2 * VALIDATION_PEOPLE)
        self.held_out = HeldOutFills.of(faces["plate"], faces["alpha"])

    def draw(self, rng: torch.Generator) -> Batch:
        """Random plates, half of them mirrored, with holes of other people; crops of them first."""
        cropped = self.crop > 0 and self.progress < WHOLE_FROM
        self.batch_size = 2 * self.whole_batch if cropped else self.whole_batch
        plates, people = (self.data.batch(self.batch_size, rng) for _ in range(2))
        plate = plates["plate"]
        flipped = torch.rand(len(plate), 1, 1, 1, generator=rng).to(plate.device) < 0.5
        plate = torch.where(flipped, plate.flip(3), plate).float() / 255
        if count := round(self.randomise_share * self.batch_size):
            plate[:count] = randomise.other_plates(2 * plate[:count] - 1, rng) / 2 + 0.5
        hole = holes.mixed(people["alpha"], rng)
        guess = first_guess(plate * (1 - hole), hole)
        if cropped:
            layers = holes.rim_crops(torch.cat((plate, hole, guess), dim=1), self.crop, rng)
            plate, hole, guess = layers[:, :3], layers[:, 3:4], layers[:, 4:]
        return {"plate": plate, "hole": hole, "guess": guess}

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of the painter, and in the later phase of the discriminator."""
        self.net.train()
        plate = batch["plate"].contiguous(memory_format=torch.channels_last)
        hole, guess = batch["hole"], batch["guess"]
        with autocast(self.device):
            picture = correct(self.net, guess.contiguous(memory_format=torch.channels_last), hole)
        second_phase = self.progress >= ADVERSARIAL_FROM
        l1 = reconstruction(picture, plate, hole, fine=FINE_LATER if second_phase else 1.0)
        figures = {"l1": l1}
        # Gradients meet at the picture, where terms can be weighed by their norms; one backward
        # pass then takes their sum through the network.
        gradient = torch.autograd.grad(l1, picture, retain_graph=True)[0]
        if second_phase:
            painted = torch.lerp(plate, picture, hole.expand_as(plate))
            figures["critic"], true_features = self.discriminator_step(
                painted.detach(), plate, hole, step
            )
            figures |= (terms := self.second_phase_terms(painted, plate, hole, true_features))
            gradient = gradient + self.balanced(terms, picture, gradient)
        optimizer = self.optimizers[self.role]
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(picture, gradient)
        optimizer.step()
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    def discriminator_step(
        self, painted: Tensor, plate: Tensor, hole: Tensor, step: int
    ) -> tuple[Tensor, list[Tensor]]:
        """One step of the discriminator, now and then with a gradient penalty (R1).

        Returns:
            Its loss, and its features of the plates.
        """
        self.discriminator.requires_grad_(True)
        penalised = step % R1_EVERY == 0
        real_input = plate.detach().clone().requires_grad_(penalised)
        with autocast(self.device):
            real, features = self.discriminator(real_input * 2 - 1)
            fake, _ = self.discriminator(painted * 2 - 1)
        loss = total = discriminator_loss(real, fake, hole)
        if penalised:
            # R1 (Mescheder et al. 2018) on real pictures alone, times its period: the same on
            # average.
            gradient = torch.autograd.grad(real.sum(), real_input, create_graph=True)[0]
            total = loss + R1_WEIGHT * R1_EVERY * gradient.square().sum((1, 2, 3)).mean()
        optimizer_step(total, self.optimizers["discriminator"], clip=5.0)
        self.discriminator.requires_grad_(False)
        return loss, [feature.detach() for feature in features]

    def second_phase_terms(
        self, painted: Tensor, plate: Tensor, hole: Tensor, true_features: list[Tensor]
    ) -> dict[str, Tensor]:
        """What is asked for beside the reconstruction in the second phase.

        Args:
            painted: plates with their fill, [B, 3, S, S] in [0, 1].
            plate: the truth.
            hole: [B, 1, S, S].
            true_features: the discriminator's features of the truth.
        """
        with autocast(self.device):
            logits, features = self.discriminator(painted * 2 - 1)
        filled = patches_with(hole, logits)
        terms = {
            "texture": texture_loss(painted, plate, hole),
            "adversarial": (F.softplus(-logits) * filled).sum() / filled.sum().clamp_min(1),
            "matching": feature_matching(features, true_features),
        }
        if self.perceptual is not None and self.shares["perceptual"] > 0:
            with autocast(self.device):
                terms["perceptual"] = self.perceptual(painted * 2 - 1, plate * 2 - 1).mean()
        return terms

    def balanced(self, terms: dict[str, Tensor], picture: Tensor, reference: Tensor) -> Tensor:
        """The terms' gradients at the picture, each of its share of the norm of `reference`."""
        total = torch.zeros_like(reference)
        for name, term in terms.items():
            gradient = torch.autograd.grad(term, picture, retain_graph=True)[0]
            total += gradient * (
                self.shares[name] * reference.norm() / gradient.norm().clamp_min(1e-12)
            )
        return total

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Unused: `train_step` here needs gradients term by term."""
        raise NotImplementedError

    @torch.no_grad()
    def paint(self, plate: Tensor, hole: Tensor) -> Tensor:
        """Fill plates in [0, 1] by the averaged net; the known stays as it is."""
        both = torch.cat((plate, hole, first_guess(plate * (1 - hole), hole)), dim=1)
        with autocast(self.device):
            return in_parts(self._paint, both)

    def _paint(self, layers: Tensor) -> Tensor:
        plate, hole, guess = layers[:, :3], layers[:, 3:4], layers[:, 4:]
        picture = correct(self.average, guess, hole)
        return torch.lerp(plate, picture.clamp(0, 1), hole.expand_as(plate))

    def validate(self) -> dict[str, float]:
        """Figures of the fill where a turned head uncovers it, of the guess and of Telea's fill."""
        plate, hole = self.held_out.plate.to(self.device), self.held_out.hole.to(self.device)
        fills = {
            "": photos(self.paint(plate, hole)),
            "guess_": photos(first_guess(plate * (1 - hole), hole)),
            "telea_": self.held_out.baseline,
        }
        return {
            f"{whose}{name}": value
            for whose, fill in fills.items()
            for name, value in self.held_out.figures(fill).items()
        }

    def sample(self) -> Photo:
        """Plates with holes, the guess, the fill, Telea's fill, the truth."""
        plate, hole = self.held_out.plate[:12].to(self.device), self.held_out.hole[:12]
        hole = hole.to(self.device)
        guess, own = first_guess(plate * (1 - hole), hole).cpu(), self.paint(plate, hole).cpu()
        baseline = torch.from_numpy(self.held_out.baseline[:12]).permute(0, 3, 1, 2).float() / 255
        plate, hole = plate.cpu(), hole.cpu()
        return grids.rows(
            *(2 * row - 1 for row in (plate * (1 - hole), guess, own, baseline, plate))
        )

    def metadata(self) -> dict[str, str]:
        """Also that the net corrects a first guess."""
        return super().metadata() | {"corrects": "true"}

    def notes(self) -> str:
        """For the card."""
        wide = "and the parser's deep features" if self.perceptual is not None else "no parser"
        return (
            f"LaMa {self.net_sizes} at 128 px on rendered plates, {self.randomise_share:.0%} of "
            "them randomised (plain, gradients, out of focus); holes are 75% silhouettes, 15% "
            f"bands, 10% strokes. L1 on picture and gradients, crops of {self.crop} px until "
            f"{WHOLE_FROM:.0%} of the budget; from {ADVERSARIAL_FROM:.0%} the strength of texture, "
            f"a patch discriminator with feature matching, {wide}; shares of the gradient "
            f"{self.shares}. "
            "Figures are taken where the person stood and, at the other pose, no longer stands."
        )
