"""The losses of StyleFeatureEditor's trainings, each with its weight.

Those of the source (`arguments/training_arguments.py`): L2, LPIPS and LPIPS at three scales,
identity, ID-ViT, MoCo, and the adversarial term with its lazy R1; and two of ours, which need no
published weights. A loss whose weight is 0 loads nothing. The discriminator is ours
(`training.adversarial`): the source starts from StyleGAN2-ADA's own, which nobody has for the
embedded generator.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import BadCheckpoint
from unripple.models.layers.resnet50 import ResNet50, trunk_sizes
from unripple.models.lpips import LPIPS
from unripple.training import auxiliary, losses
from unripple.training.adversarial import PersonDiscriminator
from unripple.training.auxiliary import AuxiliaryLosses, Distance
from unripple.training.loop import Batch, frozen
from unripple.zoo.zoo import Zoo

LPIPS_SIDES_PX = (256, 128, 64)
MOCO_SIDE_PX = 224
MOCO_PREFIX = "module.encoder_q."
ID_VIT_GAIN = 1e4  # as in the metric of that name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The weights of the losses between pictures."""
    add = parser.add_argument_group("losses, by their weights").add_argument
    add("--l2", type=float, default=1.0, help="squared difference")
    add("--pyramid", type=float, default=1.0, help="difference at four sizes, and its edges")
    add("--perceptual", type=float, default=0.0, help="features of our parser")
    add("--identity", type=float, default=0.0, help="cosine of our identity net")
    add("--lpips", type=float, default=0.0, help="LPIPS of the published VGG16")
    add("--lpips-scale", type=float, default=0.0, help="its sum over 256, 128 and 64 px")
    add("--id-vit", type=float, default=0.0, help="of the published ViT")
    add("--moco", type=float, default=0.0, help="cosine of MoCo's ResNet-50")
    add("--moco-weights", type=Path, help="its moco_v2_800ep_pretrain.pt")
    add("--adversarial", type=float, default=0.0, help="a discriminator of the person, with R1 "
        "every 16 steps")  # fmt: skip
    add("--adversarial-from", type=int, default=0, help="step from which on it takes part "
        "(published: 45000)")  # fmt: skip


def load(chosen: argparse.Namespace) -> AuxiliaryLosses:
    """The losses whose weight on the command line is above 0, the adversarial one aside.

    Raises:
        BadCheckpoint: a loss is asked for whose network is not there.
    """
    makers: dict[str, Callable[[argparse.Namespace], Distance]] = {
        "l2": lambda _: square,
        "pyramid": lambda _: pyramid,
        "perceptual": auxiliary.perceptual,
        "identity": auxiliary.identity,
        "lpips": lambda chosen: lpips(chosen, LPIPS_SIDES_PX[:1]),
        "lpips_scale": lambda chosen: lpips(chosen, LPIPS_SIDES_PX),
        "id_vit": id_vit,
        "moco": moco,
    }
    weights = {name: getattr(chosen, name) for name in makers if getattr(chosen, name)}
    return AuxiliaryLosses({name: makers[name](chosen) for name in weights}, weights)


def square(picture: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference."""
    return (picture - target).square().mean()


def pyramid(picture: Tensor, target: Tensor) -> Tensor:
    """See `losses.pyramid_l1`."""
    return losses.pyramid_l1(picture - target)


def lpips(chosen: argparse.Namespace, sides_px: tuple[int, ...]) -> Distance:
    """LPIPS with VGG16, a sum over pictures of these sides."""
    zoo = Zoo({"lpips_trunk": "vgg16", "lpips_head": "lpips_vgg"})
    trunk, head = zoo.load("lpips_trunk").net, zoo.load("lpips_head").net
    net = frozen(LPIPS(trunk, head), chosen.device)  # type: ignore[arg-type]

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        pairs = ((resized(picture, side), resized(target, side)) for side in sides_px)
        return torch.stack([net(*pair).mean() for pair in pairs]).sum()

    return distance


def resized(pictures: Tensor, side_px: int) -> Tensor:
    """Pictures of a side: averaged down, as in the source, or bilinearly enlarged."""
    if pictures.shape[-1] >= side_px:
        return F.adaptive_avg_pool2d(pictures, side_px)
    size = (side_px, side_px)
    return F.interpolate(pictures, size=size, mode="bilinear", align_corners=False)


def id_vit(chosen: argparse.Namespace) -> Distance:
    """Squared difference of the ViT's vectors."""
    net = frozen(Zoo({"id_vit": "id_vit"}).load("id_vit").net, chosen.device)

    def vector(picture: Tensor) -> Tensor:
        found: Tensor = net(picture * 0.5 + 0.5)  # it takes [0, 1]
        return found.float()

    return lambda picture, target: ID_VIT_GAIN * square(vector(picture), vector(target))


def moco(chosen: argparse.Namespace) -> Distance:
    """1 - cosine of MoCo's vectors, of pictures at 224 px, nearest, as HyperStyle has it.

    Raises:
        BadCheckpoint: its weights are not named, or are others.
    """
    if chosen.moco_weights is None:
        raise BadCheckpoint("--moco: name the file of its weights by --moco-weights")
    net = frozen(moco_trunk(chosen.moco_weights), chosen.device)

    def vector(picture: Tensor) -> Tensor:
        return net.features(F.interpolate(picture, size=(MOCO_SIDE_PX, MOCO_SIDE_PX)))

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        return 1 - F.cosine_similarity(vector(picture), vector(target)).mean()

    return distance


def moco_trunk(path: Path) -> ResNet50:
    """MoCo's query encoder without its head, from the published file.

    Raises:
        BadCheckpoint: there is none.
    """
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        state = {
            name.removeprefix(MOCO_PREFIX): value
            for name, value in held.get("state_dict", held).items()
            if name.startswith(MOCO_PREFIX) and not name.startswith(f"{MOCO_PREFIX}fc.")
        }
        net = ResNet50(*trunk_sizes(state))
        net.load_state_dict(state)
    except Exception as error:  # a damaged or foreign file may fail anywhere
        reason = " ".join(str(error).split())[:200]
        raise BadCheckpoint(
            f"--moco-weights {path}: no MoCo v2 checkpoint of a ResNet-50 ({reason}); its keys "
            f"begin with {MOCO_PREFIX}"
        ) from error
    return net


class Adversary:
    """The adversarial term of both phases.

    Args:
        weight: in the loss; 0 is none, and costs nothing.
        first_step: from which on it takes part.
        device: where the discriminator lives.
    """

    def __init__(self, weight: float, first_step: int, device: str) -> None:
        self.weight, self.first_step = weight, first_step
        self.judge = PersonDiscriminator(device) if weight else None

    @property
    def nets(self) -> dict[str, torch.nn.Module]:
        """What belongs into checkpoints."""
        return {} if self.judge is None else {"discriminator": self.judge.net}

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Likewise."""
        return {} if self.judge is None else {"discriminator": self.judge.optimizer}

    def fooled(
        self, picture: Tensor, target: Tensor, shown: Tensor, step: int
    ) -> dict[str, Tensor]:
        """The term, by its name in the losses, where it takes part."""
        if self.judge is None or step < self.first_step:
            return {}
        return {"adversarial": self.judge.generator_loss(picture, target, shown)}

    def learn(self, picture: Tensor, target: Tensor, shown: Tensor, step: int) -> dict[str, Tensor]:
        """One step of the discriminator, where it takes part; its loss."""
        if self.judge is None or step < self.first_step:
            return {}
        return {"discriminator": self.judge.train_step(picture, target, shown, step)}


def shown(batch: Batch, pictures: Tensor) -> Tensor:
    """What a discriminator sees of the last pictures of a batch: the person, or all where its
    outline is not known. [B, 1, S, S] in [0, 1]."""
    if "alpha" not in batch or len(batch["alpha"]) != len(pictures):
        return torch.ones_like(pictures[:, :1])
    return batch["alpha"].to(pictures.device).float()[:, None] / 255
