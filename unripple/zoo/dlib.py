"""dlib's file of its face net (serialised C++ objects) to weights; nothing in it is executed.

Layers lie in the order in which a picture meets them, each under its name: whole numbers as a byte
that counts bytes and those bytes, little end first, then tensors as four sizes and plain floats.

Source: `dlib/serialize.h`, `dlib/cuda/tensor_tools.cpp` and `dlib/dnn/layers.h` of davisking/dlib.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import BadCheckpoint
from unripple.models.dlib_face import NUMBERS, STEM, WIDTHS, convolutions

_BEGIN = re.compile(rb"\x01\x01\x01.loss_metric")
_LAYERS = re.compile(rb"(?<=\x05)con_\d|(?<=\x07)affine_|(?<=\x04)fc_\d")
_TENSOR = 2  # version of a tensor's own format
_MOST_VALUES = 8_000_000


def read_dlib(path: Path) -> dict[str, Tensor]:
    """Read the face net.

    Returns:
        Its weights by the names of `unripple.models.dlib_face.DlibFace`, float32.

    Raises:
        BadCheckpoint: it is no such file, or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read ({error.strerror or error})") from error
    if not _BEGIN.match(data):
        raise BadCheckpoint(f"{path}: not dlib's face recognition net; get it again")
    try:
        return _state(list(_layers(data)))
    except (ValueError, IndexError) as error:
        raise BadCheckpoint(f"{path}: damaged ({error}); get it again") from error


def _layers(data: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Names and parameters of the layers that have any, in order."""
    at = 0
    while found := _LAYERS.search(data, at):
        values, at = _tensor(data, found.end())
        yield found.group().decode()[:3], values


def _tensor(data: bytes, at: int) -> tuple[np.ndarray, int]:
    """A tensor, flat, and where it ends."""
    while True:  # a fully connected layer says its sizes first
        version, start = _number(data, at)
        sizes = []
        for _ in range(4):
            size, start = _number(data, start)
            sizes.append(size)
        count = math.prod(sizes)
        if version == _TENSOR and sizes[2:] == [1, 1] and count > 0:
            break
        _, at = _number(data, at)
    if count > _MOST_VALUES or start + 4 * count > len(data):
        raise ValueError(f"a tensor of {count} values does not fit")
    return np.frombuffer(data, "<f4", count, start), start + 4 * count


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A whole number, and where it ends."""
    count = data[at] & 0x0F
    if not 1 <= count <= 8 or at + 1 + count > len(data):
        raise ValueError(f"no number at byte {at}")
    value = int.from_bytes(data[at + 1 : at + 1 + count], "little")
    return (-value if data[at] & 0x80 else value), at + 1 + count


def _state(layers: list[tuple[str, np.ndarray]]) -> dict[str, Tensor]:
    names = convolutions()
    words = [word for word, _ in layers]
    if words != ["con", "aff"] * len(names) + ["fc_"]:
        raise ValueError(f"{len(layers)} layers with weights, {2 * len(names) + 1} expected")
    state = {}
    for number, (name, (inputs, outputs, side)) in enumerate(zip(names, _shapes(), strict=True)):
        own, affine = layers[2 * number][1], layers[2 * number + 1][1]
        weight, bias = np.split(own, [own.size - outputs])
        scale, shift = np.split(affine.astype(np.float64), 2)
        folded = scale[:, None, None, None] * weight.reshape(outputs, inputs, side, side)
        state[f"{name}.weight"] = _float(folded)
        state[f"{name}.bias"] = _float(scale * bias + shift)
    state["numbers.weight"] = _float(layers[-1][1].reshape(-1, NUMBERS).T)
    return state


def _shapes() -> Iterator[tuple[int, int, int]]:
    """Channels in, channels out and side of every convolution."""
    outputs, inputs, side = STEM
    yield inputs, outputs, side
    for before, after in zip((outputs, *WIDTHS[:-1]), WIDTHS, strict=True):
        yield before, after, 3
        yield after, after, 3


def _float(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
