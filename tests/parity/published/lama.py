"""LaMa's generator, and the painting of a hole in a photo, as published."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unripple.models.lama import Lama, sizes_from_state
from unripple.stages.inpaint import inpaint, lama_fill

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running, watched  # noqa: TID252

OP = "inpaint.lama"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The generator's picture; and the photo with its hole filled, as floats and as bytes."""
    with torch.device("meta"):
        net = Lama(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    x = golden.inputs["x"].to(device)
    photo, hole = golden.inputs["image"].numpy(), golden.inputs["mask"].numpy() > 0
    height, width = hole.shape
    with running(device, dtype):
        generated = net(x[:, :3], x[:, 3:])
        calls = watched(net)
        result = inpaint(photo, hole, lama_fill(net))
    _, painted = calls[0]
    shown = painted[0, :, :height, :width].permute(1, 2, 0).cpu().numpy()  # [H, W, 3]
    inpainted = np.where(hole[..., None], shown, photo.astype(np.float32) / 255)
    return {"generated": generated, "inpainted": inpainted, "result": result}
