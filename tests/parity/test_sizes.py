"""The published sizes, read from the published state dicts alone: no weight is filled."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from unripple.models import (
    bisenet,
    dpt,
    e4e,
    hfgi,
    hyperstyle,
    irse,
    lama,
    sfe,
    stylegan2,
    w_encoder,
)
from unripple.models.layers.irse import UNITS_50, WIDTHS_50

from .goldens import read_facts
from .parts import part

DPT_REST = {"mlp_ratio": 4.0, "grid": 24, "features": 256, "head_width": 32, "n_classes": 1000}
GENERATOR = {
    "size": 1024,
    "style_dim": 512,
    "n_mlp": 8,
    "channels": stylegan2.CHANNELS_1024,
}
ENCODER = {"size": 256, "widths": WIDTHS_50, "units": UNITS_50, "style_dim": 512, "n_codes": 18}
LAMA = {
    "ngf": 64,
    "n_downsampling": 3,
    "n_blocks": 18,
    "global_ratio": 0.75,
    "max_features": 512,
}

SIZES = [
    ("stylegan2", "", stylegan2, GENERATOR),
    ("e4e", "encoder.", e4e, ENCODER),
    ("e4e", "decoder.", stylegan2, GENERATOR),
    ("hfgi", "grid_align.", hfgi, {"widths": (16, 32, 48, 64)}),
    ("hfgi", "residue.", hfgi, {"widths": (32, 48, 64), "out_channels": 512}),
    ("arcface", "", irse,
     {"input_size": 112, "widths": WIDTHS_50, "units": UNITS_50, "embedding": 512}),
    ("sfe", "inverter.", sfe,
     {"widths": WIDTHS_50, "units": UNITS_50, "style_dim": 512, "n_codes": 18, "features": 512,
      "blocks": 5}),
    ("sfe", "encoder.", sfe, {"width": 512, "blocks": 5}),
    ("hyperstyle", "w_encoder.", w_encoder,
     {"widths": WIDTHS_50, "units": UNITS_50, "style_dim": 512}),
    ("hyperstyle", "hypernet.", hyperstyle,
     {"layers": hyperstyle.TUNED, "channels": stylegan2.CHANNELS_1024, "separable": False,
      "widths": (64, 64, 128, 256, 512), "units": (3, 4, 6, 3), "code": 512,
      "shared_inner": 128, "inner": 256, "halvings": 4}),
    ("bisenet", "", bisenet,
     {"n_classes": 19, "widths": (64, 64, 128, 256, 512), "stem_stride": 4}),
    ("lama", "", lama, LAMA),
    ("dpt_hybrid", "", dpt, dpt.HYBRID | DPT_REST),
    ("dpt_large", "", dpt,
     DPT_REST | {"token_width": 1024, "depth": 24, "level_widths": (256, 512, 1024, 1024)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prefix", "module", "sizes"), SIZES, ids=[f"{name}-{p}" for name, p, *_ in SIZES]
)
def test_published_sizes(
    goldens: Path, name: str, prefix: str, module: ModuleType, sizes: dict[str, Any]
) -> None:
    layout = read_facts(goldens / name)["state"]
    state = {key: torch.empty(spec["shape"], device="meta") for key, spec in layout.items()}
    assert module.sizes_from_state(part(state, prefix)) == sizes
