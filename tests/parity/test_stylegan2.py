"""StyleGAN2 against the published generator."""

from __future__ import annotations

from pathlib import Path

import torch

from unripple.models.stylegan2 import CHANNELS_1024, Generator, sizes_from_state

from .goldens import read_golden


def test_stylegan2_matches_the_published_generator(shared: Path) -> None:
    golden = read_golden(shared, "stylegan2")
    sizes = sizes_from_state(golden.state)
    assert sizes == {"size": 1024, "style_dim": 512, "n_mlp": 8, "channels": CHANNELS_1024}
    net = Generator(**sizes)
    net.load_state_dict(golden.state, strict=True)
    with torch.inference_mode():
        w = net.map(golden.inputs["z"])
        image = net.synthesize(golden.inputs["latents"], noise="stored")
    golden.check({"w": w, "image": image})
