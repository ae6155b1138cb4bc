"""What both phases of StyleFeatureEditor's training are made of; see `loop.Task`.

A net of one role learns over a frozen generator and a frozen e4e. Its pictures are judged by the
weighted losses between pictures, by what the phase adds to them, and by a discriminator where one
takes part.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Required, TypedDict, Unpack

import torch
from torch import Tensor

from unripple.models.e4e import Encoder
from unripple.models.stylegan2 import Generator
from unripple.training import ema, framing, sfe_nets, true_pairs
from unripple.training.auxiliary import AuxiliaryLosses
from unripple.training.loop import Batch, Figures, Net, optimizer_step
from unripple.training.sfe_losses import Adversary
from unripple.training.shards import FaceShards, FolderPhotos
from unripple.training.single import OneNet, decay_at

VALIDATION_FACES, SHOWN = 64, 12


class SfeOptions(TypedDict, total=False):
    """What both phases take.

    Attributes:
        auxiliary: the losses between pictures.
        batch_size: pictures per step.
        device: where everything lives.
        optimizer, lr: see `sfe_nets.optimizer`.
        adversary: the adversarial term; without one there is none.
        name: of the exported files; the role by default.
        special: pictures to look at in place of held-out people, uint8 [N, 3, S, S].
    """

    auxiliary: Required[AuxiliaryLosses]
    batch_size: Required[int]
    device: str
    optimizer: str
    lr: float
    adversary: Adversary
    name: str
    special: Tensor | None


class PhaseStep(NamedTuple):
    """What came of a batch.

    Attributes:
        figures: losses by their names, scalars.
        weights: of each of them.
        picture, target: what was drawn and what it should be, [B, 3, S, S] in [-1, 1].
        person: where a discriminator looks at both, [B, 1, S, S] in [0, 1].
    """

    figures: dict[str, Tensor]
    weights: dict[str, float]
    picture: Tensor
    target: Tensor
    person: Tensor


class SfeTask(OneNet[Net], true_pairs.PoseEdits):
    """One net over a frozen generator and a frozen e4e; see `loop.Task`.

    Args:
        net: what to train.
        data, held_out: photos.
        generator: frozen.
        encoder: frozen e4e, and the mean w of its codes.
        options: see `SfeOptions`.
    """

    def __init__(
        self,
        net: Net,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        **options: Unpack[SfeOptions],
    ) -> None:
        device, batch_size = options.get("device", "cpu"), options["batch_size"]
        kind, lr = options.get("optimizer", "ranger"), options.get("lr", 3e-3)
        OneNet.__init__(
            self,
            net,
            batch_size=batch_size,
            device=device,
            optimizer=lambda own: sfe_nets.optimizer(kind, own, lr),
        )
        true_pairs.PoseEdits.__init__(self, generator, encoder, device)
        self.size_px = sfe_nets.SIZE
        self.data, self.held_out = data, held_out.first(VALIDATION_FACES)
        self.auxiliary, self.name = options["auxiliary"], options.get("name", self.role)
        self.adversary = options.get("adversary") or Adversary(0.0, 0, device)
        self.special = options.get("special")
        self.nets |= self.adversary.nets
        self.optimizers |= self.adversary.optimizers

    def looked_at(self) -> Batch:
        """What `sample` shows: the special pictures, or some of the held-out people."""
        if self.special is not None:
            return {"photo": self.special}
        return {name: value[:SHOWN] for name, value in self.held_out.items()}

    @abstractmethod
    def take(self, batch: Batch, step: int) -> PhaseStep:
        """Draw a batch by the net that learns, and say how far off that is."""

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of the net, then one of the discriminator, where it takes part."""
        self.net.train()
        taken = self.take(batch, step)
        seen = (taken.picture, taken.target, taken.person)
        figures = taken.figures | self.adversary.fooled(*seen, step)
        weights = taken.weights | {"adversarial": self.adversary.weight}
        total = torch.stack([weights[name] * value for name, value in figures.items()]).sum()
        optimizer_step(total, self.optimizers[self.role], clip=sfe_nets.GRADIENT_NORM)
        figures |= self.adversary.learn(*seen, step)
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {**super().metadata(), **framing.about()}
