"""Auxiliary losses of inverters: distances of pictures in the features of frozen nets."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.bisenet import BiSeNet
from unripple.models.irse import Backbone, crop_for_identity
from unripple.models.lpips import LPIPS, Taps, Weights
from unripple.models.perceptual import FeatureDistance
from unripple.training import moco
from unripple.training.loop import frozen
from unripple.training.precision import autocast
from unripple.zoo import networks
from unripple.zoo.zoo import Zoo

Distance = Callable[[Tensor, Tensor], Tensor]


class AuxiliaryLosses:
    """Named distances between pictures and targets, each with a weight.

    Args:
        distances: name -> function of (picture, target), both [B, 3, S, S], giving a scalar.
        weights: name -> weight in the total loss.
    """

    def __init__(
        self,
        distances: Mapping[str, Distance] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.distances, self.weights = dict(distances or {}), dict(weights or {})

    def __call__(self, picture: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Every distance, unweighted."""
        with autocast(picture.device):
            return {name: distance(picture, target) for name, distance in self.distances.items()}

    def total(self, figures: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of what a call gave."""
        return torch.stack([self.weights[name] * value for name, value in figures.items()]).sum()


def add_published(parser: argparse.ArgumentParser) -> None:
    """Options of the losses whose networks are published ones, all off by default."""
    add = parser.add_argument
    add("--lpips", type=float, default=0.0, help="weight of LPIPS")
    add("--lpips-files", nargs=2, default=("vgg16", "lpips_vgg"), metavar=("TRUNK", "HEAD"),
        help="names of published files that were fetched, or paths")  # fmt: skip
    add("--moco", type=float, default=0.0, help="weight of MoCo's cosine, for what is no face")
    add("--moco-file", type=Path, help="moco_v2_800ep_pretrain.pth.tar")


def load(chosen: argparse.Namespace) -> AuxiliaryLosses:
    """The losses whose weight on the command line is above 0.

    Args:
        chosen: with `perceptual` and `identity` (weights), `models` (folder) and `device`, and what
            `add_published` adds.

    Raises:
        BadCheckpoint: a loss is asked for whose network is not there.
        BadConfig: one is asked for whose file is not named.
    """
    able = {"perceptual": perceptual, "identity": identity, "lpips": lpips, "moco": moco.distance}
    asked = {name: weight for name in able if (weight := getattr(chosen, name, 0.0))}
    return AuxiliaryLosses({name: able[name](chosen) for name in asked}, asked)


def lpips(chosen: argparse.Namespace) -> Distance:
    """LPIPS as published, at the size that it is asked about, 256 px at most."""
    trunk, head = chosen.lpips_files
    zoo = Zoo({"lpips_trunk": trunk, "lpips_head": head})
    taps, weights = zoo.load("lpips_trunk").net, zoo.load("lpips_head").net
    assert isinstance(taps, Taps) and isinstance(weights, Weights)
    net = frozen(LPIPS(taps, weights), chosen.device)

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        per_picture: Tensor = net(picture, target)
        return per_picture.mean()

    return distance


def perceptual(chosen: argparse.Namespace) -> Distance:
    """Distance of the features of our trained parser."""
    parser = networks.load("parser", chosen.models / "parser.safetensors", torch.device("cpu")).net
    assert isinstance(parser, BiSeNet)
    feature_distance = frozen(FeatureDistance(parser), chosen.device)

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        per_picture: Tensor = feature_distance(picture, target)
        return per_picture.mean()

    return distance


def identity(chosen: argparse.Namespace) -> Distance:
    """1 - cosine between the embeddings of our trained identity net."""
    path = chosen.models / "identity.safetensors"
    net = networks.load("identity", path, torch.device("cpu")).net
    assert isinstance(net, Backbone)
    frozen_net = frozen(net, chosen.device)

    def embed(picture: Tensor) -> Tensor:
        vectors: Tensor = frozen_net(crop_for_identity(picture, frozen_net.input_size))
        return vectors.float()

    def distance(picture: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            target_vectors = embed(target)
        return 1 - F.cosine_similarity(embed(picture), target_vectors).mean()

    return distance
