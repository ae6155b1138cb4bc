"""A tiny TFLite file, written by the schema's own builders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite

F32, F16, I32 = 0, 1, 2


def conv_net(
    weight: np.ndarray, bias: np.ndarray, *, stride: int = 2, code: int | None = None
) -> bytes:
    """A picture [1, 8, 8, 3], one "same" convolution with a ReLU, its half-precision weights.

    Args:
        weight: float16 [out, H, W, 3], as the format keeps it.
        bias: float16 [out].
        stride: of the convolution.
        code: operation to claim instead of a convolution.
    """
    b = flatbuffers.Builder(1024)
    buffers = _buffers(b, [b"", weight.tobytes(), bias.tobytes()])
    out = weight.shape[0]
    tensors = [
        _tensor(b, [1, 8, 8, 3], F32, 0),
        _tensor(b, weight.shape, F16, 1),
        _tensor(b, weight.shape, F32, 0),
        _tensor(b, bias.shape, F16, 2),
        _tensor(b, bias.shape, F32, 0),
        _tensor(b, [1, 8 // stride, 8 // stride, out], F32, 0),
    ]
    tflite.Conv2DOptionsStart(b)
    tflite.Conv2DOptionsAddPadding(b, tflite.Padding.SAME)
    tflite.Conv2DOptionsAddStrideH(b, stride)
    tflite.Conv2DOptionsAddStrideW(b, stride)
    tflite.Conv2DOptionsAddFusedActivationFunction(b, tflite.ActivationFunctionType.RELU)
    options = tflite.Conv2DOptionsEnd(b)
    operators = [
        _operator(b, 0, [1], 2),
        _operator(b, 0, [3], 4),
        _operator(b, 1, [0, 2, 4], 5, options),
    ]
    codes = [
        _code(b, tflite.BuiltinOperator.DEQUANTIZE),
        _code(b, tflite.BuiltinOperator.CONV_2D if code is None else code),
    ]
    graph = _subgraph(b, tensors, [0], [5], operators)
    return _model(b, codes, graph, buffers)


def _vector(b: Any, start: Any, items: Sequence[int], *, numbers: bool = False) -> int:
    start(b, len(items))
    for item in reversed(items):
        b.PrependInt32(int(item)) if numbers else b.PrependUOffsetTRelative(item)
    return b.EndVector()


def _buffers(b: Any, contents: Sequence[bytes]) -> list[int]:
    ends = []
    for content in contents:
        data = b.CreateByteVector(content) if content else None
        tflite.BufferStart(b)
        if data is not None:
            tflite.BufferAddData(b, data)
        ends.append(tflite.BufferEnd(b))
    return ends


def _tensor(b: Any, shape: Sequence[int], kind: int, buffer: int) -> int:
    sizes = _vector(b, tflite.TensorStartShapeVector, shape, numbers=True)
    tflite.TensorStart(b)
    tflite.TensorAddShape(b, sizes)
    tflite.TensorAddType(b, kind)
    tflite.TensorAddBuffer(b, buffer)
    return tflite.TensorEnd(b)


def _operator(
    b: Any, code: int, inputs: Sequence[int], output: int, options: int | None = None
) -> int:
    ins = _vector(b, tflite.OperatorStartInputsVector, inputs, numbers=True)
    outs = _vector(b, tflite.OperatorStartOutputsVector, [output], numbers=True)
    tflite.OperatorStart(b)
    tflite.OperatorAddOpcodeIndex(b, code)
    tflite.OperatorAddInputs(b, ins)
    tflite.OperatorAddOutputs(b, outs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(b, tflite.BuiltinOptions.Conv2DOptions)
        tflite.OperatorAddBuiltinOptions(b, options)
    return tflite.OperatorEnd(b)


def _code(b: Any, builtin: int) -> int:
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(builtin, 127))
    tflite.OperatorCodeAddBuiltinCode(b, builtin)
    return tflite.OperatorCodeEnd(b)


def _subgraph(
    b: Any,
    tensors: Sequence[int],
    inputs: Sequence[int],
    outputs: Sequence[int],
    operators: Sequence[int],
) -> int:
    held = _vector(b, tflite.SubGraphStartTensorsVector, tensors)
    ins = _vector(b, tflite.SubGraphStartInputsVector, inputs, numbers=True)
    outs = _vector(b, tflite.SubGraphStartOutputsVector, outputs, numbers=True)
    ops = _vector(b, tflite.SubGraphStartOperatorsVector, operators)
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, held)
    tflite.SubGraphAddInputs(b, ins)
    tflite.SubGraphAddOutputs(b, outs)
    tflite.SubGraphAddOperators(b, ops)
    return tflite.SubGraphEnd(b)


def _model(b: Any, codes: Sequence[int], graph: int, buffers: Sequence[int]) -> bytes:
    code = _vector(b, tflite.ModelStartOperatorCodesVector, codes)
    graphs = _vector(b, tflite.ModelStartSubgraphsVector, [graph])
    held = _vector(b, tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, code)
    tflite.ModelAddSubgraphs(b, graphs)
    tflite.ModelAddBuffers(b, held)
    b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
    return bytes(b.Output())
