"""e4e against the published encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple.models.e4e import Encoder, sizes_from_state
from unripple.models.layers.irse import UNITS_50, WIDTHS_50

from .goldens import read_golden
from .parts import part


@pytest.mark.slow
def test_e4e_matches_the_published_encoder(shared: Path) -> None:
    golden = read_golden(shared, "e4e")
    state = part(golden.state, "encoder.")
    sizes = sizes_from_state(state)
    assert sizes == {
        "size": 256, "widths": WIDTHS_50, "units": UNITS_50, "style_dim": 512, "n_codes": 18
    }  # fmt: skip
    net = Encoder(**sizes)
    net.load_state_dict(state, strict=True)
    net.eval()
    with torch.inference_mode():
        codes = net(golden.inputs["image"]) + golden.state["latent_avg"]
    golden.check({"codes": codes})
