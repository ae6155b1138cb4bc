"""Laws of the depth network that hold for any weights."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from unripple.models.dpt import DPT, PATCH, resized_positions, sizes_from_state, transformer
from unripple.models.layers.dpt_fusion import Reassemble
from unripple.models.layers.dpt_resnetv2 import StdConv2dSame, pad_same
from unripple.models.layers.transformer import VisionTransformer
from unripple.zoo.empty import shapes_only

PURE: dict[str, Any] = {
    "token_width": 64,
    "depth": 4,
    "mlp_ratio": 2.0,
    "grid": 4,
    "level_widths": (16, 16, 24, 24),
    "features": 16,
    "head_width": 8,
    "n_classes": 0,
}
HYBRID: dict[str, Any] = PURE | {
    "level_widths": (32, 64, 24, 24),
    "stem_widths": (16, 32, 64, 96),
    "stem_blocks": (1, 2, 1),
}
BOTH = pytest.mark.parametrize("sizes", [PURE, HYBRID], ids=["pure", "hybrid"])


def built(sizes: dict[str, Any]) -> DPT:
    torch.manual_seed(0)
    return DPT(**sizes)


@BOTH
@pytest.mark.parametrize("size", [(64, 64), (96, 32), (128, 128)])
def test_every_pixel_gets_a_depth(sizes: dict[str, Any], size: tuple[int, int]) -> None:
    depth = built(sizes).eval()(torch.rand(2, 3, *size) * 2 - 1)
    assert depth.shape == (2, *size)
    assert depth.dtype == torch.float32
    assert depth.min() >= 0


@BOTH
def test_sizes_are_read_from_the_state(sizes: dict[str, Any]) -> None:
    net = built(sizes).eval()
    assert sizes_from_state(net.state_dict()) == sizes
    twin = DPT(**sizes_from_state(net.state_dict())).eval()
    twin.load_state_dict(net.state_dict(), strict=True)
    picture = torch.rand(1, 3, 64, 64)
    assert torch.equal(twin(picture), net(picture))


@BOTH
def test_all_weights_learn_but_those_that_the_published_code_never_calls(
    sizes: dict[str, Any],
) -> None:
    net = built(sizes)
    for module in net.modules():  # the zero start of the bottlenecks hides what lies behind it
        if isinstance(module, torch.nn.GroupNorm):
            torch.nn.init.ones_(module.weight)
    (net(torch.randn(2, 3, 64, 64)) - 5).square().mean().backward()
    idle = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    unit = "scratch.refinenet4.resConfUnit1"
    never = {f"{unit}.conv{n}.{part}" for n in (1, 2) for part in ("weight", "bias")}
    assert idle == never | {"pretrained.model.norm.weight", "pretrained.model.norm.bias"}


@BOTH
def test_bf16_autocast_stays_near_the_exact_depth(sizes: dict[str, Any]) -> None:
    net = built(sizes).eval()
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    exact = net(picture)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = net(picture)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.02, rtol=0)


def test_positions_stay_as_they_are_on_their_own_grid() -> None:
    table = torch.randn(1, 1 + 9, 5)
    assert torch.equal(resized_positions(table, (3, 3)), table)


def test_positions_of_a_wider_grid_keep_the_class_and_run_along_the_rows() -> None:
    table = torch.zeros(1, 1 + 4, 1)
    table[0, :, 0] = torch.tensor([7.0, 0.0, 1.0, 0.0, 1.0])  # two rows: left 0, right 1
    wide = resized_positions(table, (2, 4))[0, :, 0]
    row = [0.0, 0.25, 0.75, 1.0]
    torch.testing.assert_close(wide, torch.tensor([7.0, *row, *row]))


@pytest.mark.parametrize("size", [1, 4, 7, 8])
@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 1), (3, 2), (7, 2)])
def test_same_padding_gives_the_rounded_up_size(size: int, kernel: int, stride: int) -> None:
    padded = pad_same(torch.ones(1, 1, size, size), kernel, stride, value=0.0)
    pooled = F.avg_pool2d(padded, kernel, stride)
    assert pooled.shape[2:] == (math.ceil(size / stride),) * 2


def test_same_padding_puts_the_odd_pixel_after() -> None:
    padded = pad_same(torch.ones(1, 1, 4, 4), 7, 2, value=0.0)[0, 0]
    assert padded[2].tolist() == [0.0] * 2 + [1.0] * 4 + [0.0] * 3


def test_standardised_weights_ignore_their_scale_and_offset() -> None:
    torch.manual_seed(0)
    conv = StdConv2dSame(4, 6, 3, stride=2)
    picture = torch.randn(1, 4, 9, 9)
    before = conv(picture)
    with torch.no_grad():
        conv.weight.mul_(torch.rand(6, 1, 1, 1) + 1).add_(torch.randn(6, 1, 1, 1))
    torch.testing.assert_close(conv(picture), before, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(("level", "side"), [(1, 16), (2, 8), (3, 4), (4, 2)])
def test_tokens_become_maps_of_four_sizes(level: int, side: int) -> None:
    maps = Reassemble(64, 12, level=level)(torch.randn(2, 1 + 16, 64), (4, 4))
    assert maps.shape == (2, 12, side, side)


@pytest.mark.parametrize(
    "wrong", [{"token_width": 100}, {"depth": 6}, {"level_widths": (16, 64, 24, 24)}]
)
def test_impossible_sizes_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        DPT(**HYBRID | wrong)


def test_the_transformer_of_published_sizes_is_timms_to_the_bit() -> None:
    torch.manual_seed(0)
    sizes = {"width": 768, "depth": 2, "grid": 2, "n_classes": 3}
    theirs: Any = transformer(**sizes, mlp_ratio=4.0).eval()
    assert type(theirs).__module__.startswith("timm.")
    ours = VisionTransformer(**sizes, heads=12, hidden=3072, patch_px=PATCH).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    a = b = torch.randn(1, 5, 768)
    with torch.inference_mode():
        for mine, other in zip(ours.blocks, theirs.blocks, strict=True):
            a, b = mine(a), other(b)
    assert torch.equal(a, b)


def test_the_embedded_depth_imports_no_timm() -> None:
    code = (
        "import sys; from unripple.zoo.zoo import Zoo\n"
        "Zoo().load('depth'); print('timm' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_published_sizes_are_built_without_values() -> None:
    with shapes_only():
        net = DPT(depth=4)
    assert all(parameter.is_meta for parameter in net.parameters())
