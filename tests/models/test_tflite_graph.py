"""Every operation of a TFLite graph against its definition."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.tflite_graph import TfliteGraph

GENERATOR = torch.Generator().manual_seed(0)


def values(*shape: int) -> Tensor:
    return torch.rand(shape, generator=GENERATOR) * 2 - 1


def run(picture: Tensor, *operations: dict[str, Any], **weights: Tensor) -> Tensor:
    """The last result; operation i makes value i + 1, of value i where it does not say."""
    records = [{"input": i, "output": i + 1, **one} for i, one in enumerate(operations)]
    for record in records:
        if "inputs" in record:
            del record["input"]
    graph = {
        "inputs": [0],
        "outputs": [len(records)],
        "input_shape": [1, *picture.shape[2:], picture.shape[1]],
        "operations": records,
    }
    net = TfliteGraph(graph, {name: w.shape for name, w in weights.items()})
    net.load_state_dict(weights)
    (result,) = net(picture)
    return result


CONV = {"weight": "w", "bias": "b", "dilation": [1, 1], "activation": "none"}


@pytest.mark.parametrize(
    ("side", "stride", "before", "after"), [(8, 2, 0, 1), (9, 2, 1, 1), (8, 1, 1, 1), (7, 3, 1, 1)]
)
def test_same_padding_puts_the_odd_pixel_behind(
    side: int, stride: int, before: int, after: int
) -> None:
    x, w, b = values(1, 3, side, side), values(5, 3, 3, 3), values(5)
    found = run(x, {"kind": "conv_2d", **CONV, "stride": [stride] * 2, "padding": "same"}, w=w, b=b)
    wanted = F.conv2d(F.pad(x, (before, after, before, after)), w, b, stride=stride)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-6)


def test_depthwise_convolutions_keep_channels_apart() -> None:
    x, w, b = values(2, 4, 6, 6), values(4, 1, 3, 3), values(4)
    record = {"kind": "depthwise_conv_2d", **CONV, "stride": [1, 1], "padding": "valid"}
    assert torch.allclose(run(x, record, w=w, b=b), F.conv2d(x, w, b, groups=4), atol=1e-6)


def test_a_transposed_convolution_doubles_the_side() -> None:
    x, w, b = values(1, 3, 4, 4), values(3, 2, 2, 2), values(2)
    record = {"kind": "transpose_conv", "weight": "w", "bias": "b", "stride": [2, 2]}
    found = run(x, {**record, "padding": "same"}, w=w, b=b)
    assert found.shape == (1, 2, 8, 8)
    # With a kernel as large as the stride, every pixel of the result comes from one pixel.
    pixel = torch.einsum("c,cohw->ohw", x[0, :, 1, 2], w) + b[:, None, None]
    assert torch.allclose(found[0, :, 2:4, 4:6], pixel, atol=1e-6)


def test_pools_ignore_what_lies_outside() -> None:
    x = -torch.ones(1, 1, 3, 3)
    pool = {"size": [2, 2], "stride": [2, 2], "padding": "same"}
    assert torch.equal(run(x, {"kind": "max_pool_2d", **pool}), -torch.ones(1, 1, 2, 2))
    assert torch.equal(run(x, {"kind": "average_pool_2d", **pool}), -torch.ones(1, 1, 2, 2))


def test_the_old_resize_has_no_half_pixel_shift() -> None:
    x = torch.tensor([0.0, 10.0]).reshape(1, 1, 1, 2).expand(1, 1, 2, 2)
    record = {"kind": "resize_bilinear", "size": [2, 4]}
    old = run(x, {**record, "align_corners": False, "half_pixel": False})
    assert old[0, 0, 0].tolist() == [0, 5, 10, 10]
    new = run(x, {**record, "align_corners": False, "half_pixel": True})
    assert new[0, 0, 0].tolist() == [0, 2.5, 7.5, 10]


def test_channels_are_last_behind_a_reshape() -> None:
    x = values(2, 6, 2, 3)
    flat = run(x, {"kind": "reshape", "shape": [1, 18, 2]})
    assert torch.equal(flat, x.permute(0, 2, 3, 1).reshape(2, 18, 2))


def test_depth_to_space_has_channels_innermost() -> None:
    x = torch.arange(8.0).reshape(1, 8, 1, 1)
    found = run(x, {"kind": "depth_to_space", "block": 2})
    assert found[0, 0].tolist() == [[0, 2], [4, 6]]
    assert found[0, 1].tolist() == [[1, 3], [5, 7]]


def test_padding_reaches_channels_too() -> None:
    x = values(1, 2, 3, 3)
    found = run(x, {"kind": "pad", "amount": [0, 0, 1, 0, 0, 2, 0, 3]})
    assert found.shape == (1, 5, 4, 5)
    assert torch.equal(found[:, :2, 1:, :3], x)
    assert found.abs().sum() == pytest.approx(float(x.abs().sum()))


def test_parts_are_joined_along_channels() -> None:
    x = values(1, 2, 3, 3)
    found = run(x, {"kind": "relu"}, {"kind": "concatenation", "inputs": [0, 1], "axis": 3})
    assert torch.equal(found, torch.cat((x, x.relu()), 1))


def test_a_value_lives_as_long_as_it_is_read() -> None:
    x = values(1, 2, 3, 3)
    found = run(
        x,
        {"kind": "logistic"},
        {"kind": "hard_swish"},
        {"kind": "mul", "inputs": [0, 2]},
        {"kind": "add", "inputs": [1, 3], "activation": "relu6"},
    )
    wanted = (x.sigmoid() + x * F.hardswish(x.sigmoid())).clamp(0, 6)
    assert torch.allclose(found, wanted, atol=1e-6)
