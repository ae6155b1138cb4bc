"""DPT-Large against the published network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple.models.dpt import DPT, sizes_from_state

from .goldens import read_golden


@pytest.mark.slow
def test_dpt_large_matches_the_published_network(shared: Path) -> None:
    golden = read_golden(shared, "dpt_large")
    with torch.device("meta"):
        net = DPT(**sizes_from_state(golden.state))
    net.load_state_dict(golden.state, strict=True, assign=True)
    net.eval()
    with torch.inference_mode():
        golden.check({f"depth_{name}": net(golden.inputs[name]) for name in ("x", "x_rect")})
