"""DPT-Hybrid against the published network and its prediction script."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unripple.models.dpt import DPT, HYBRID, sizes_from_state

from .goldens import Golden, read_golden


@pytest.mark.slow
def test_dpt_hybrid_matches_the_published_network(shared: Path) -> None:
    golden = read_golden(shared, "dpt_hybrid")
    with torch.device("meta"):
        net = DPT(**HYBRID)
    net.load_state_dict(golden.state, strict=True, assign=True)
    net.eval()
    with torch.inference_mode():
        outputs = {f"depth_{name}": net(golden.inputs[name]) for name in ("x", "x_rect")}
        net_input = _published_input(golden)
        outputs["net_input"] = net_input[0]
        depth = net(net_input)[:, None]  # [1, 1, h, w]
    size = golden.inputs["image"].shape[:2]
    prediction = F.interpolate(depth, size=size, mode="bicubic", align_corners=False)[0, 0]
    spread = prediction.max() - prediction.min()
    png16 = (65535 * (prediction - prediction.min()) / spread).numpy().astype(np.uint16)
    golden.check({**outputs, "prediction": prediction, "png16": png16})


def test_sizes_are_read_from_the_published_state(shared: Path) -> None:
    golden = read_golden(shared, "dpt_hybrid")
    rest = {"mlp_ratio": 4.0, "grid": 24, "features": 256, "head_width": 32, "n_classes": 1000}
    assert sizes_from_state(golden.state) == HYBRID | rest


def _published_input(golden: Golden) -> torch.Tensor:
    image = golden.inputs["image"].numpy() / 255.0
    height, width = image.shape[:2]
    scale = min((384 / height, 384 / width), key=lambda s: abs(1 - s))
    sides = [int(np.round(scale * side / 32) * 32) for side in (width, height)]
    resized = cv2.resize(image, sides, interpolation=cv2.INTER_CUBIC)
    picture = torch.from_numpy((resized - 0.5) / 0.5).permute(2, 0, 1)  # [3, h, w]
    return picture[None].float()
