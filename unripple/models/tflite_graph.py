"""A small network that was published as a TFLite graph, run operation by operation in torch.

The graph is a list of plain records (see `unripple.zoo.tflite`), so that one class serves every
such network and no runtime beside torch is needed. Values are [B, C, H, W]; where the graph leaves
pictures for vectors (reshape), they are laid out [B, ...] with channels last, as the source has it.

Source: the operators' definitions in tensorflow/lite/kernels (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Record: TypeAlias = Mapping[str, Any]

_WIRING = ("kind", "input", "inputs", "output", "activation")
"""Words of a record beside the options of its operation."""
_WEIGHTS = ("weight", "bias", "slope")
"""Options that name a weight."""


class TfliteGraph(nn.Module):
    """The network.

    Args:
        graph: `inputs`, `outputs` (numbers of values), `input_shape` ([1, H, W, 3]) and
            `operations`, as `unripple.zoo.tflite.read_tflite` gives them.
        shapes: of the weights by name.
    """

    def __init__(self, graph: Record, shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        self.graph = graph
        self.input_size = (int(graph["input_shape"][1]), int(graph["input_shape"][2]))
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(tuple(shape))))
        self._last_use = _last_uses(graph)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Run the graph.

        Args:
            picture: float [B, 3, H, W] of the graph's input size, in the network's own range.

        Returns:
            the outputs in the file's order: [B, C, H, W], or [B, ...] behind a reshape.
        """
        (first,) = self.graph["inputs"]
        values: dict[int, Tensor] = {first: picture}
        for position, record in enumerate(self.graph["operations"]):
            options = {word: value for word, value in record.items() if word not in _WIRING}
            options |= {word: self.weight(record[word]) for word in _WEIGHTS if word in record}
            inputs = [values[index] for index in _inputs(record)]
            result = _KINDS[record["kind"]](*inputs, **options)
            values[record["output"]] = _ACTIVATIONS[record.get("activation", "none")](result)
            for used in _inputs(record):
                if self._last_use[used] == position:  # memory is that of the widest level only
                    values.pop(used, None)
        return [values[index] for index in self.graph["outputs"]]

    def weight(self, name: str) -> Tensor:
        """A weight by its name in the graph."""
        return self.get_parameter(name)


def _inputs(record: Record) -> list[int]:
    return list(record["inputs"]) if "inputs" in record else [record["input"]]


def _last_uses(graph: Record) -> dict[int, int]:
    """Value -> position of the last operation that reads it; outputs are read at the end."""
    last: dict[int, int] = {}
    for position, record in enumerate(graph["operations"]):
        last |= dict.fromkeys(_inputs(record), position)
    return last | dict.fromkeys(graph["outputs"], len(graph["operations"]))


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding of one side length: the odd pixel goes behind."""
    missing = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


def _padded(
    x: Tensor, padding: str, kernel: Sequence[int], stride: Sequence[int], value: float = 0.0
) -> Tensor:
    if padding == "valid":
        return x
    top, bottom = _same(x.shape[2], kernel[0], stride[0])
    left, right = _same(x.shape[3], kernel[1], stride[1])
    return F.pad(x, (left, right, top, bottom), value=value) if max(top, bottom, left, right) else x


def _conv(
    x: Tensor,
    *,
    weight: Tensor,
    bias: Tensor,
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: str,
    groups: int = 1,
) -> Tensor:
    spread = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    return F.conv2d(_padded(x, padding, spread, stride), weight, bias, stride, 0, dilation, groups)


def _depthwise_conv(x: Tensor, *, weight: Tensor, **options: Any) -> Tensor:
    return _conv(x, weight=weight, groups=len(weight), **options)


def _transpose_conv(
    x: Tensor, *, weight: Tensor, bias: Tensor, stride: Sequence[int], padding: str
) -> Tensor:
    full = F.conv_transpose2d(x, weight, bias, stride=stride)
    if padding == "valid":
        return full
    high, wide = (size * by for size, by in zip(x.shape[2:], stride, strict=True))
    top, left = (full.shape[2] - high) // 2, (full.shape[3] - wide) // 2
    return full[:, :, top : top + high, left : left + wide]


def _max_pool(x: Tensor, *, size: list[int], stride: list[int], padding: str) -> Tensor:
    return F.max_pool2d(_padded(x, padding, size, stride, value=-math.inf), size, stride)


def _average_pool(x: Tensor, *, size: list[int], stride: list[int], padding: str) -> Tensor:
    pooled = F.avg_pool2d(_padded(x, padding, size, stride), size, stride)
    if padding == "valid" or pooled.shape[2:] == x.shape[2:]:
        return pooled
    # Pixels outside the picture do not count: undo their share.
    ones = _padded(torch.ones_like(x[:1, :1]), padding, size, stride)
    return pooled / F.avg_pool2d(ones, size, stride)


def _resize(x: Tensor, *, size: Sequence[int], align_corners: bool, half_pixel: bool) -> Tensor:
    if align_corners or half_pixel:
        return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)
    # The old convention: pixel i of the result looks at i * scale, without the half-pixel shift.
    for axis, length in zip((2, 3), size, strict=True):
        place = torch.arange(length, device=x.device) * (x.shape[axis] / length)
        low = place.floor().long()
        high = (low + 1).clamp(max=x.shape[axis] - 1)
        share = (place - low).to(x.dtype).reshape([-1 if a == axis else 1 for a in range(4)])
        x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share
    return x


def _reshape(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    last = x.permute(0, 2, 3, 1) if x.ndim == 4 else x  # [B, H, W, C]
    return last.reshape(len(x), *shape[1:])


def _depth_to_space(x: Tensor, *, block: int) -> Tensor:
    batch, channels, high, wide = x.shape
    split = x.reshape(batch, block, block, channels // block**2, high, wide)
    moved = split.permute(0, 3, 4, 1, 5, 2)  # [B, C, H, block, W, block]
    return moved.reshape(batch, -1, high * block, wide * block)


def _pad(x: Tensor, *, amount: Sequence[int]) -> Tensor:
    _, _, top, bottom, left, right, front, back = amount
    return F.pad(x, (left, right, top, bottom, front, back))


def _concatenation(*parts: Tensor, axis: int) -> Tensor:
    axis = axis % parts[0].ndim
    return torch.cat(parts, (0, 2, 3, 1)[axis] if parts[0].ndim == 4 else axis)


def _prelu(x: Tensor, *, slope: Tensor) -> Tensor:
    return F.prelu(x, slope)


_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "relu_n1": lambda x: x.clamp(-1, 1),
    "relu6": F.relu6,
}
_KINDS: Mapping[str, Callable[..., Tensor]] = {
    "conv_2d": _conv,
    "depthwise_conv_2d": _depthwise_conv,
    "transpose_conv": _transpose_conv,
    "max_pool_2d": _max_pool,
    "average_pool_2d": _average_pool,
    "add": torch.add,
    "mul": torch.mul,
    "relu": F.relu,
    "hard_swish": F.hardswish,
    "logistic": torch.sigmoid,
    "prelu": _prelu,
    "pad": _pad,
    "resize_bilinear": _resize,
    "reshape": _reshape,
    "concatenation": _concatenation,
    "depth_to_space": _depth_to_space,
}


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of the network that fits some weights; the graph itself is in the metadata."""
    return {"shapes": {name: tuple(value.shape) for name, value in state.items()}}
