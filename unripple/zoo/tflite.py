"""TFLite files (TensorFlow's format for phones) to a plain list of operations and their tensors.

Only what small networks for pictures are made of is known: convolutions, pooling, resizing,
arithmetic. The file is read by the schema's own package; nothing from it is executed.

Source: schema.fbs of tensorflow/tensorflow (Apache-2.0), through the package `tflite`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.conventions import BadCheckpoint

Array: TypeAlias = npt.NDArray[Any]
Graph: TypeAlias = dict[str, Any]

_TYPES: Mapping[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f2"),
    2: np.dtype("<i4"),
}  # TensorType
_PADDING = ("same", "valid")
_ACTIVATION = ("none", "relu", "relu_n1", "relu6")
_TRANSPOSED = b"Convolution2DTransposeBias"  # MediaPipe's own operation
_MOST_VALUES = 50_000_000


def read_tflite(path: Path) -> tuple[Graph, dict[str, Tensor]]:
    """Read a network.

    Returns:
        its graph as plain JSON values, see `unripple.models.tflite_graph`, and its weights by the
        names that the graph uses, float16 or float32 as in the file: convolutions [out, in, H, W],
        biases and slopes [C].

    Raises:
        BadCheckpoint: it is no such file, damaged, or uses an operation that we do not know.
    """
    data = _bytes(path)
    try:
        return _Reader(data).network()
    except BadCheckpoint as error:
        raise BadCheckpoint(f"{path}: {error}") from None
    except ImportError as error:
        raise BadCheckpoint(
            f"{path}: needs the package tflite to be read; pip install tflite"
        ) from error
    except Exception as error:  # flatbuffers checks nothing: any index of a damaged file may fail
        raise BadCheckpoint(
            f"{path}: damaged, or no TFLite file ({type(error).__name__}: {error}); get it again"
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read ({error.strerror or error})") from error
    if data[4:8] != b"TFL3":
        raise BadCheckpoint(f"{path}: no TFLite file; get it again")
    return data


class _Reader:
    """One file on its way."""

    def __init__(self, data: bytes) -> None:
        import tflite

        self.schema: Any = tflite
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.part = self.model.Subgraphs(0)
        names = vars(tflite.BuiltinOperator)
        self.names = {code: name for name, code in names.items() if isinstance(code, int)}
        self.constants: dict[int, Array] = {}
        self.weights: dict[str, Tensor] = {}

    def network(self) -> tuple[Graph, dict[str, Tensor]]:
        operations: list[Graph] = []
        for index in range(self.part.OperatorsLength()):
            operation = self._operation(self.part.Operators(index))
            if operation is not None:
                operations.append(operation)
        graph = {
            "inputs": [int(i) for i in self.part.InputsAsNumpy()],
            "outputs": [int(i) for i in self.part.OutputsAsNumpy()],
            "input_shape": self._shape(int(self.part.InputsAsNumpy()[0])),
            "operations": operations,
        }
        return graph, self.weights

    def _shape(self, index: int) -> list[int]:
        return [int(n) for n in self.part.Tensors(index).ShapeAsNumpy()]

    def _operation(self, operator: Any) -> Graph | None:
        """One operation, or None where its result is a constant."""
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        kind = self.names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "?")
        inputs = [int(i) for i in operator.InputsAsNumpy()]
        (output,) = (int(i) for i in operator.OutputsAsNumpy())
        if kind in ("DEQUANTIZE", "DENSIFY"):
            self.constants[output] = self._constant(inputs[0])
            return None
        if kind == "CUSTOM":
            return self._transposed(operator, code.CustomCode(), inputs, output)
        translate = _OPERATIONS.get(kind)
        if translate is None:
            raise BadCheckpoint(f"uses the operation {kind}, which is not known here")
        return {"kind": kind.lower(), "output": output, **translate(self, operator, inputs)}

    def options(self, operator: Any, name: str) -> Any:
        table, options = operator.BuiltinOptions(), getattr(self.schema, name)()
        options.Init(table.Bytes, table.Pos)
        return options

    def _constant(self, index: int) -> Array:
        """The values of a tensor that the file holds, as they are stored."""
        if index in self.constants:
            return self.constants[index]
        tensor = self.part.Tensors(index)
        buffer = self.model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            raise BadCheckpoint(f"tensor {index} holds no values")
        if tensor.Type() not in _TYPES:
            raise BadCheckpoint(f"tensor {index} is of type {tensor.Type()}, which is not known")
        values: Array = np.frombuffer(buffer.DataAsNumpy().tobytes(), _TYPES[tensor.Type()])
        shape = self._shape(index)
        if tensor.Sparsity() is not None:
            return _dense(tensor.Sparsity(), values, shape)
        return values.reshape(shape)

    def numbers(self, index: int) -> list[int]:
        return [int(n) for n in self._constant(index).ravel()]

    def is_constant(self, index: int) -> bool:
        buffer = self.model.Buffers(self.part.Tensors(index).Buffer())
        return index in self.constants or buffer.DataLength() > 0

    def weight(self, index: int, order: tuple[int, ...] | None = None) -> str:
        """Keep a tensor as a weight, its axes in another order; its name."""
        values = self._constant(index)
        values = values.ravel() if order is None else values.transpose(order)
        name = f"w{index}"
        self.weights[name] = torch.from_numpy(np.array(values, order="C"))
        return name

    def _transposed(self, operator: Any, code: bytes, inputs: list[int], output: int) -> Graph:
        if code != _TRANSPOSED:
            raise BadCheckpoint(f"uses the operation {code.decode()}, which is not known here")
        raw = operator.CustomOptionsAsNumpy().tobytes()
        padding, stride_w, stride_h = struct.unpack_from("<iii", raw)
        return {
            "kind": "transpose_conv",
            "output": output,
            "input": inputs[0],
            "weight": self.weight(inputs[1], (3, 0, 1, 2)),  # [out, H, W, in] -> [in, out, H, W]
            "bias": self.weight(inputs[2]),
            "stride": [stride_h, stride_w],
            "padding": _PADDING[padding - 1],  # counted from 1 there
        }


def _dense(sparsity: Any, values: Array, shape: list[int]) -> Array:
    """A tensor written out, of which the file holds non-zero blocks.

    Dimensions are walked in the stored order; behind the tensor's own come those within a block,
    which `BlockMap` says the owners of.
    """
    order = [int(i) for i in sparsity.TraversalOrderAsNumpy()]
    blocked = [int(i) for i in sparsity.BlockMapAsNumpy()] if sparsity.BlockMapLength() else []
    _check_count(math.prod(shape))
    places = [np.zeros((1, 0), np.int64)]
    sizes: list[int] = []
    for level in range(sparsity.DimMetadataLength()):
        meta = sparsity.DimMetadata(level)
        before = places[-1]
        if meta.Format() == 0:  # dense: every index
            size = meta.DenseSize()
            _check_count(size * len(before))
            index = np.tile(np.arange(size), len(before))
            owner = np.repeat(np.arange(len(before)), size)
            sizes.append(size)
        else:  # compressed rows: segments of indices
            ends, index = _vector(meta, "ArraySegments"), _vector(meta, "ArrayIndices")
            owner = np.repeat(np.arange(len(before)), np.diff(ends))
            sizes.append(-1)
        _check_count(len(index))
        places.append(np.concatenate([before[owner], index[:, None]], 1))
    walked = places[-1]
    n = len(shape)
    where = np.zeros((len(walked), n), np.int64)
    for level, axis in enumerate(order):
        if axis < n:
            block = sizes[order.index(n + blocked.index(axis))] if axis in blocked else 1
            where[:, axis] += walked[:, level] * block
        else:
            where[:, blocked[axis - n]] += walked[:, level]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(where.T)] = values
    return dense


def _check_count(count: int) -> None:
    if count > _MOST_VALUES:
        raise BadCheckpoint(f"claims a tensor of {count} values; no such network has so many")


def _vector(meta: Any, name: str) -> Array:
    """One of a level's index vectors, which may be of 8, 16 or 32 bits."""
    import tflite

    kind, table = getattr(meta, f"{name}Type")(), getattr(meta, name)()
    chosen = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}[kind]()
    chosen.Init(table.Bytes, table.Pos)
    return chosen.ValuesAsNumpy().astype(np.int64)


def _conv(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    options = reader.options(operator, "Conv2DOptions")
    return {
        "input": inputs[0],
        "weight": reader.weight(inputs[1], (0, 3, 1, 2)),  # [out, H, W, in] -> [out, in, H, W]
        **_convolution(reader, options, inputs),
    }


def _depthwise(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    options = reader.options(operator, "DepthwiseConv2DOptions")
    return {
        "input": inputs[0],
        "weight": reader.weight(inputs[1], (3, 0, 1, 2)),  # [1, H, W, C] -> [C, 1, H, W]
        **_convolution(reader, options, inputs),
    }


def _convolution(reader: _Reader, found: Any, inputs: list[int]) -> Graph:
    return {
        "bias": reader.weight(inputs[2]),
        "stride": [found.StrideH(), found.StrideW()],
        "dilation": [found.DilationHFactor(), found.DilationWFactor()],
        "padding": _PADDING[found.Padding()],
        "activation": _ACTIVATION[found.FusedActivationFunction()],
    }


def _pool(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    options = reader.options(operator, "Pool2DOptions")
    return {
        "input": inputs[0],
        "size": [options.FilterHeight(), options.FilterWidth()],
        "stride": [options.StrideH(), options.StrideW()],
        "padding": _PADDING[options.Padding()],
    }


def _two(options: str) -> Callable[[_Reader, Any, list[int]], Graph]:
    def of_operator(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
        own = reader.options(operator, options)
        if any(reader.is_constant(index) for index in inputs):
            raise BadCheckpoint("adds or multiplies a constant, which is not known here")
        return {"inputs": inputs, "activation": _ACTIVATION[own.FusedActivationFunction()]}

    return of_operator


def _one(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:  # noqa: ARG001
    return {"input": inputs[0]}


def _prelu(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:  # noqa: ARG001
    return {"input": inputs[0], "slope": reader.weight(inputs[1])}


def _pad(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:  # noqa: ARG001
    return {"input": inputs[0], "amount": reader.numbers(inputs[1])}


def _resize(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    options = reader.options(operator, "ResizeBilinearOptions")
    return {
        "input": inputs[0],
        "size": reader.numbers(inputs[1]),
        "align_corners": bool(options.AlignCorners()),
        "half_pixel": bool(options.HalfPixelCenters()),
    }


def _reshape(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    return {"input": inputs[0], "shape": reader._shape(int(operator.OutputsAsNumpy()[0]))}


def _concatenation(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    return {"inputs": inputs, "axis": reader.options(operator, "ConcatenationOptions").Axis()}


def _depth_to_space(reader: _Reader, operator: Any, inputs: list[int]) -> Graph:
    options = reader.options(operator, "DepthToSpaceOptions")
    return {"input": inputs[0], "block": options.BlockSize()}


_OPERATIONS: Mapping[str, Callable[[_Reader, Any, list[int]], Graph]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "ADD": _two("AddOptions"),
    "MUL": _two("MulOptions"),
    "RELU": _one,
    "HARD_SWISH": _one,
    "LOGISTIC": _one,
    "PRELU": _prelu,
    "PAD": _pad,
    "RESIZE_BILINEAR": _resize,
    "RESHAPE": _reshape,
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _depth_to_space,
}
