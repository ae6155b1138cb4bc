"""MoCo's features as a loss, for trainings on what is no face: cars, animals, churches.

Source: He et al. 2020, Chen et al. 2020 (MoCo v2, ResNet-50, 800 epochs; CC BY-NC 4.0); as a loss
Tov et al. 2021 and Alaluf et al. 2022. The network is torchvision's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, BadConfig
from unripple.training.loop import frozen
from unripple.zoo.containers import read_container

SIZE = 224
PREFIX = "module.encoder_q."
HEAD = "fc."


def distance(chosen: argparse.Namespace) -> Callable[[Tensor, Tensor], Tensor]:
    """1 - cosine between the features of picture and target, a function of both.

    Args:
        chosen: with `moco_file` and `device`.

    Raises:
        BadConfig: no file is named.
        BadCheckpoint: it holds another network.
    """
    if chosen.moco_file is None:
        raise BadConfig("--moco needs --moco-file: its moco_v2_800ep_pretrain.pth.tar")
    net = frozen(network(trunk_state(chosen)), chosen.device)

    def features(pictures: Tensor) -> Tensor:
        # [B, 2048]; flattened, not squeezed: one picture is a batch, too.
        return net(F.interpolate(pictures, size=SIZE)).float().flatten(1)

    def of_pictures(picture: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(target)
        return 1 - F.cosine_similarity(features(picture), wanted).mean()

    return of_pictures


def trunk_state(chosen: argparse.Namespace) -> dict[str, Tensor]:
    """The query encoder without its head, by torchvision's key names.

    Raises:
        BadCheckpoint: there is none.
    """
    content = read_container(chosen.moco_file)
    state = content.get("state_dict", {}) if isinstance(content, dict) else {}
    own = {k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)}
    if not own:
        raise BadCheckpoint(f"{chosen.moco_file}: no keys {PREFIX}*: name MoCo's by --moco-file")
    return {key: value for key, value in own.items() if not key.startswith(HEAD)}


def network(state: dict[str, Tensor]) -> Any:
    """ResNet-50 up to its average.

    Raises:
        BadCheckpoint: the weights are another network's.
    """
    from torchvision.models import resnet50  # seconds to import

    net: Any = resnet50(weights=None)
    net.fc = nn.Identity()
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise BadCheckpoint(f"--moco-file: {' '.join(str(error).split())[:200]}") from error
    return net
