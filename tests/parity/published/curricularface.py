"""CurricularFace's identity vector, before and after its length is made 1, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.curricularface import CurricularFace, sizes_from_state

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "id.curricularface"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The embeddings of aligned faces, of length 1 and of any length."""
    with torch.device("meta"):
        net = CurricularFace(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    with running(device, dtype):
        faces = golden.inputs["x"].to(device)
        return {"embedding": net(faces), "prenorm": net.before_norm(faces)}
