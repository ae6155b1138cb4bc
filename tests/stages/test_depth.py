"""depth: the network's size and the picture's."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.stages.depth import depth, net_size


class Brightness(torch.nn.Module):
    """Bright is near."""

    def __init__(self) -> None:
        super().__init__()
        self.saw = torch.empty(0)

    def forward(self, picture: Tensor) -> Tensor:
        self.saw = picture
        return picture.mean(1)


@pytest.mark.parametrize("net_size_px", [64, 128])
def test_depth_comes_back_at_the_pictures_size(net_size_px: int) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 16:48] = 255
    network = Brightness()
    found = depth(picture, network, net_size_px=net_size_px)
    assert network.saw.shape == (1, 3, net_size_px, net_size_px)
    assert found.dtype == np.float32 and found.shape == (64, 64)
    assert found[30:34, 30:34].min() > 0.9 and found[:10].max() < -0.9


def test_at_its_own_size_the_network_sees_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    network = Brightness()
    found = depth(picture, network, net_size_px=32)
    expected = picture.transpose(2, 0, 1) / 127.5 - 1
    assert network.saw[0].numpy() == pytest.approx(expected, abs=1e-6)
    assert found == pytest.approx(expected.mean(0), abs=1e-6)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (512, 384)), ((128, 128), (384, 384)), ((300, 200), (384, 256))],
)
def test_sides_are_multiples_of_32(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert net_size(*size, 384) == expected


def test_published_sizes_and_input(goldens: Path) -> None:
    folder = goldens / "dpt_hybrid"
    facts = json.loads((folder / "golden.json").read_text())
    for width, height, wide, high in facts["constants"][
        "resize_cases_width_height_newwidth_newheight"
    ]:
        assert net_size(width, height, 384) == (wide, high)
    spec = importlib.util.spec_from_file_location("fill", goldens / "fill.py")
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    image = fill.tensor("image", facts["inputs"]["image"], facts["seed"])
    network = Brightness()
    depth(image, network, net_size_px=384)
    check = facts["checks"]["net_input"]
    expected = np.load(folder / "outputs.npz")["net_input"].ravel()
    seen = network.saw[0].numpy()
    assert list(seen.shape) == check["shape"]
    assert np.allclose(seen.ravel()[:: check["stride"]], expected, check["rtol"], check["atol"])
