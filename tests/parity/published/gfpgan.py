"""GFPGAN's restored face, bytes to bytes, as published with its stored noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unripple.models.gfpgan import GFPGAN, sizes_from_state
from unripple.ops.restoring import restorer_input
from unripple.ops.tensors import to_photo

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "restore.gfpgan"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The network's input, its auxiliary and its last picture, and that one's bytes in BGR."""
    with torch.device("meta"):
        net = GFPGAN(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    photo = np.ascontiguousarray(golden.inputs["image_bgr"].numpy()[..., ::-1])
    seen = restorer_input(photo, net.size, device=device)
    auxiliary: dict[int, Tensor] = {}
    with running(device, dtype):
        restored = net(seen, on_resolution=auxiliary.__setitem__)
    return {
        "net_input": seen,
        # "Not clamped", says the golden of it, but the stored one is: the published conversion to
        # bytes clamps its argument in place.
        "restored": restored.clamp(-1, 1),
        **{f"rgb_{side}": picture for side, picture in auxiliary.items()},
        "restored_bgr": to_photo(restored)[..., ::-1],
    }
