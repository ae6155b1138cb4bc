"""Frozen nets that judge pictures in the losses of encoder and HFGI."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.bisenet import BiSeNet
from unripple.models.irse import Backbone, crop_for_identity
from unripple.models.perceptual import FeatureDistance
from unripple.training.loop import frozen
from unripple.training.precision import autocast
from unripple.zoo import networks

Judge = Callable[[Tensor, Tensor], Tensor]


class Critic:
    """Named distances between pictures and targets, each with a weight.

    Args:
        judges: name -> function of (picture, target), both [B, 3, S, S], giving a scalar.
        weights: name -> weight in the total loss.
    """

    def __init__(
        self, judges: Mapping[str, Judge] | None = None, weights: Mapping[str, float] | None = None
    ) -> None:
        self.judges, self.weights = dict(judges or {}), dict(weights or {})

    def __call__(self, picture: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Every distance, unweighted."""
        with autocast(picture.device):
            return {name: judge(picture, target) for name, judge in self.judges.items()}


def load(chosen: argparse.Namespace) -> Critic:
    """The critics whose weight on the command line is above 0.

    Args:
        chosen: with `perceptual` and `identity` (weights), `models` (folder) and `device`.

    Raises:
        BadCheckpoint: a critic is asked for whose weights are not there.
    """
    judges: dict[str, Judge] = {}
    if chosen.perceptual:
        judges["perceptual"] = perceptual(chosen)
    if chosen.identity:
        judges["identity"] = identity(chosen)
    return Critic(judges, {name: getattr(chosen, name) for name in judges})


def perceptual(chosen: argparse.Namespace) -> Judge:
    """Distance of the features of our trained parser."""
    parser = networks.load("parser", chosen.models / "parser.safetensors", torch.device("cpu")).net
    assert isinstance(parser, BiSeNet)
    distance = frozen(FeatureDistance(parser), chosen.device)

    def judge(picture: Tensor, target: Tensor) -> Tensor:
        per_picture: Tensor = distance(picture, target)
        return per_picture.mean()

    return judge


def identity(chosen: argparse.Namespace) -> Judge:
    """1 - cosine between the embeddings of our trained identity net."""
    path = chosen.models / "identity.safetensors"
    net = networks.load("identity", path, torch.device("cpu")).net
    assert isinstance(net, Backbone)
    judging = frozen(net, chosen.device)

    def embed(picture: Tensor) -> Tensor:
        vectors: Tensor = judging(crop_for_identity(picture, judging.input_size))
        return vectors.float()

    def judge(picture: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = embed(target)
        return 1 - F.cosine_similarity(embed(picture), wanted).mean()

    return judge
