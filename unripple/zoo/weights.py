"""Weights files: safetensors with metadata, read and checked. Knows no torch until it loads one."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadCheckpoint
from unripple.outside import Unfit, cause_of, json_of, opened

if TYPE_CHECKING:
    from torch import Tensor

_LONGEST_HEADER = 20_000_000  # bytes: a hundred thousand tensors; the format allows 100 MB
_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E5M2": 1, "F8_E4M3": 1, "C64": 8} | {
    f"{kind}{8 * width}": width for kind in "IU" for width in (1, 2, 4, 8)
}
_WIDTHS["BOOL"] = 1


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata and the tensor table of a weights file, without reading the weights.

    Metadata values that are JSON are decoded. A file that kept its size and time of change within
    one process is not read twice: every photo of a stage asks again.

    Returns:
        metadata, and tensor name -> {"dtype", "shape", "data_offsets"}.

    Raises:
        BadCheckpoint: the file is missing, no safetensors, or cut short.
    """
    try:
        about = path.stat()
    except OSError:
        return _read_header(path)  # says what is wrong
    metadata, table = _kept_header(
        path, about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
    )
    return dict(metadata), dict(table)


@lru_cache(maxsize=64)
def _kept_header(path: Path, *_state: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return _read_header(path)


def _read_header(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _LONGEST_HEADER):
                raise Unfit("the header is longer than the file, or than any")
            table = json_of(file.read(length).decode())
        metadata = _metadata(table)
        end = _end(table)
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path}: no such weights file; {_ADVICE}") from error
    except Exception as error:  # a damaged file may fail anywhere
        raise BadCheckpoint(
            f"{path}: no safetensors file ({cause_of(error)}); {_ADVICE}"
        ) from error
    if size != 8 + length + end:
        raise BadCheckpoint(
            f"{path}: cut short or padded: {size} bytes, its header asks for {8 + length + end}; "
            f"{_ADVICE}"
        )
    return {key: _decoded(value) for key, value in metadata.items()}, table


def _metadata(table: Any) -> dict[str, str]:
    """What the header says beside its tensors, taken out of it."""
    if not isinstance(table, dict):
        raise Unfit("its header is no table of tensors")
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise Unfit("its metadata are not texts by name")
    return metadata


def _end(table: Mapping[str, Any]) -> int:
    """Where the last tensor ends; each begins where the one before it does.

    Raises:
        Unfit: a tensor is not as long as its shape says, or two overlap, or bytes between them
            belong to none.
    """
    places = sorted((*_place(name, entry), name) for name, entry in table.items())
    end = 0
    for start, stop, name in places:
        if start != end:
            raise Unfit(f"{name[:60]} begins at byte {start}, the tensor before it ends at {end}")
        end = stop
    return end


def _place(name: str, entry: Any) -> tuple[int, int]:
    try:
        width, shape, (start, stop) = _WIDTHS[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not all(type(one) is int and one >= 0 for one in (*shape, start, stop)):
            raise ValueError("a size is no whole number")
    except (KeyError, TypeError, ValueError) as error:
        raise Unfit(f"its header does not say what {name[:60]} is ({error})") from error
    if stop - start != math.prod(shape) * width:
        raise Unfit(
            f"{name[:60]} has {stop - start} bytes, {shape} {entry['dtype']} asks for others"
        )
    return start, stop


_ADVICE = "get the file again, or name another one under `models` in config.yaml"


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def size_px(metadata: Mapping[str, Any], path: Path) -> int:
    """The side of the pictures that a network was trained for, px: the metadata's word `size`.

    Raises:
        BadCheckpoint: the file does not say.
    """
    size = metadata.get("size")
    if not isinstance(size, int) or size < 1:
        raise BadCheckpoint(f"{path}: its metadata must give `size`, a side in px; found {size!r}")
    return size


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, floats as float32, on the CPU.

    Tensors that are float32 already are views of the file, which is read when they are used: large
    weights are never in memory twice.

    Raises:
        BadCheckpoint: the file is missing, foreign or cut short.
    """
    from safetensors.torch import load_file

    read_header(path)
    try:
        state: Mapping[str, Tensor] = load_file(path)
    except Exception as error:  # the library's own, the system's, or torch's
        raise BadCheckpoint(f"{path}: cannot be loaded ({cause_of(error)}); {_ADVICE}") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


_ALIGNED_TO = 64
"""Bytes; where the tensors begin in a file that we write."""


def write_state(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a weights file, one tensor after the other, and wait until it is on the disk.

    Not atomic by itself. The float types stay as they are. The library's own writer would hold a
    second copy of all tensors.

    Args:
        path: a name that nobody else uses yet.
        state: tensors of any layout in memory.
        metadata: what the file says about itself, values of JSON.

    Raises:
        OSError: the disk is full or not writable; the file is then of no use.
        KeyError: a tensor of a type that the format lacks.
    """
    header, names = _header(state, metadata)
    with path.open("wb") as file:
        file.write(header)
        for name in names:
            file.write(_bytes_of(state[name]))
        file.flush()
        os.fsync(file.fileno())


def written_bytes(state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> int:
    """How large `write_state` makes the file."""
    tensors = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    return len(_header(state, metadata)[0]) + tensors


def _header(state: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> tuple[bytes, list[str]]:
    """The head of the file, and the order of its tensors.

    Those come first that keep the next one aligned as memory is, then wide types before narrow
    ones: a view of the file then computes to the same bits as a copy in memory, and as fast.
    """
    sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in state.items()}
    names = sorted(
        state,
        key=lambda name: (sizes[name] % _ALIGNED_TO != 0, -state[name].element_size(), name),
    )
    table: dict[str, Any] = {
        "__metadata__": {"format": "pt"} | {key: json.dumps(metadata[key]) for key in metadata}
    }
    end = 0
    for name in names:
        tensor = state[name]
        start, end = end, end + sizes[name]
        table[name] = {
            "dtype": TYPES[str(tensor.dtype).removeprefix("torch.")],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNED_TO)
    return struct.pack("<Q", len(text)) + text, names


def _bytes_of(tensor: Tensor) -> memoryview:
    import torch

    array: Any = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
    return memoryview(array)


TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
"""torch's number types that a weights file may have, and what the format calls them."""
