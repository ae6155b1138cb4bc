"""The identity net against the published IR-SE50 and its crop."""

from __future__ import annotations

from pathlib import Path

import torch

from unripple.models.irse import Backbone, crop_for_identity, sizes_from_state
from unripple.models.layers.irse import UNITS_50, WIDTHS_50

from .goldens import read_golden


def test_arcface_matches_the_published_embedding(shared: Path) -> None:
    golden = read_golden(shared, "arcface")
    sizes = sizes_from_state(golden.state)
    assert sizes == {"input_size": 112, "widths": WIDTHS_50, "units": UNITS_50, "embedding": 512}
    net = Backbone(**sizes)
    net.load_state_dict(golden.state, strict=True)
    net.eval()
    with torch.inference_mode():
        embedding = net(crop_for_identity(golden.inputs["image"]))
    golden.check({"embedding": embedding})
