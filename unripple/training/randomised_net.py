"""What the trainings share whose pictures are randomised in part; see `randomise`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from unripple.ops.tensors import to_levels
from unripple.training import grids, randomise
from unripple.training.shards import FaceShards
from unripple.training.single import FaceNet, task_arguments

FIELDS = ("photo", "plate", "labels", "alpha", "inverse_depth")
"""What shards must give."""


class RandomisedNet(FaceNet):
    """Task of one net that learns from rendered faces, some of them randomised.

    Args:
        net: what to train.
        faces: shards with `fields`, to learn from and to be judged by.
        randomise_share: share of the pictures that are randomised; None for `randomised`.
        options: see `FaceNet`.
    """

    randomised: float = 0.5

    def __init__(
        self,
        net: nn.Module,
        *faces: FaceShards,
        randomise_share: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(net, *faces, **options)
        self.randomise_share = self.randomised if randomise_share is None else randomise_share
        photo, labels = randomise.partly_randomised(known(self.held_out), 1.0, torch.Generator())
        self.held_out_far = {"photo": to_levels(photo), "labels": labels}

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Options of its own."""
        super().add_arguments(parser)
        add_share(parser, cls.randomised)

    @classmethod
    def build(cls, chosen: argparse.Namespace) -> Self:
        """Open the data and build the net."""
        arguments = task_arguments(chosen, cls.fields)
        faces = (arguments.pop("data"), arguments.pop("held_out"))
        own: Any = cls  # which builds its net by itself
        return own(*faces, randomise_share=chosen.randomise, **arguments)

    def partly_randomised(
        self, batch: Mapping[str, Tensor], rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Photos [B, 3, S, S] in [-1, 1] and labels [B, S, S]; the first rows are randomised."""
        return randomise.partly_randomised(known(batch), self.randomise_share, rng)

    def notes(self) -> str:
        """For the card; subclasses say the rest before it."""
        return f"{self.randomise_share:.0%} of them in random hair, clothes, light and places."


def add_share(
    parser: argparse.ArgumentParser,
    default: float,
    *,
    what: str = "pictures in random hair, clothes, light and places",
) -> None:
    """The option `--randomise`."""
    parser.add_argument("--randomise", type=float, default=default, help=f"share of the {what}")


def known(batch: Mapping[str, Tensor]) -> randomise.Faces:
    """What shards say of faces, as `randomise` takes it."""
    return randomise.Faces(
        photo=grids.from_uint8(batch["photo"]),
        plate=grids.from_uint8(batch["plate"]),
        labels=batch["labels"],
        alpha=batch["alpha"][:, None].float() / 255,
        inverse_depth=batch["inverse_depth"][:, None].float(),
    )
