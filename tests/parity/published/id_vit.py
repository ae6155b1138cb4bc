"""ViTs_face's vectors, and the metric of StyleFeatureEditor on them, as published."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unripple.metrics.features import id_vit_distance
from unripple.models import id_vit

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "sfe.id_vit"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Vectors of both pictures, their distance pair by pair, and over the batch."""
    state = {key: value for key, value in golden.state.items() if key != "loss.weight"}
    net, inputs = network(id_vit, "IdViT", state, device), golden.on(device)
    with running(device, dtype):
        vectors = {word: net(inputs[word]).cpu().numpy() for word in ("a", "b")}
    pairs = [id_vit_distance(a, b) for a, b in zip(vectors["a"], vectors["b"], strict=True)]
    return {
        "feature_a": vectors["a"],
        "feature_b": vectors["b"],
        "metric": np.asarray(pairs),
        "metric_batch": np.mean(pairs),
    }
