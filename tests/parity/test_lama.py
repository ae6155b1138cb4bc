"""LaMa's generator against the published inpainter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from unripple.models.lama import Lama, sizes_from_state

from .goldens import Golden, read_golden


def test_lama_matches_the_published_generator(shared: Path) -> None:
    golden = read_golden(shared, "lama")
    net = Lama(**sizes_from_state(golden.state))
    net.load_state_dict(golden.state, strict=True)
    net.eval()
    with torch.inference_mode():
        generated = net(golden.inputs["x"][:, :3], golden.inputs["x"][:, 3:])
        inpainted = _published_prediction(net, golden)
    result = np.clip(255 * inpainted, 0, 255).astype(np.uint8)
    golden.check({"generated": generated, "inpainted": inpainted, "result": result})


def _published_prediction(net: Lama, golden: Golden) -> np.ndarray:
    image = golden.inputs["image"].numpy().astype(np.float32) / 255
    height, width = image.shape[:2]
    padding = ((0, -height % 8), (0, -width % 8))
    image = np.pad(image, (*padding, (0, 0)), mode="symmetric")
    hole = np.pad(golden.inputs["mask"].numpy() > 0, padding, mode="symmetric")
    picture = torch.from_numpy(image).permute(2, 0, 1)[None]  # [1, 3, H, W]
    mask = torch.from_numpy(hole.astype(np.float32))[None, None]
    blended = mask * net(picture * (1 - mask), mask) + (1 - mask) * picture
    return blended[0].permute(1, 2, 0).numpy()[:height, :width]  # [H, W, 3]
