"""Weights files: safetensors with metadata, read and checked. Knows no torch until it loads one."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadCheckpoint

if TYPE_CHECKING:
    from torch import Tensor

_LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors format


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata and the tensor table of a weights file, without reading the weights.

    Metadata values that are JSON are decoded.

    Returns:
        metadata, and tensor name -> {"dtype", "shape", "data_offsets"}.

    Raises:
        BadCheckpoint: the file is missing, no safetensors, or cut short.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _LONGEST_HEADER):
                raise ValueError("the header is longer than the file")
            table = json.loads(file.read(length))
        metadata = table.pop("__metadata__", {})
        end = max((entry["data_offsets"][1] for entry in table.values()), default=0)
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path}: no such weights file; {_ADVICE}") from error
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise BadCheckpoint(f"{path}: no safetensors file ({error}); {_ADVICE}") from error
    if size != 8 + length + end:
        raise BadCheckpoint(
            f"{path}: cut short or padded: {size} bytes, its header asks for {8 + length + end}; "
            f"{_ADVICE}"
        )
    return {key: _decoded(value) for key, value in metadata.items()}, table


_ADVICE = "get the file again, or name another one under `models` in config.yaml"


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
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

    Raises:
        BadCheckpoint: the file is missing, foreign or cut short.
    """
    import safetensors
    from safetensors.torch import load_file

    read_header(path)
    try:
        state: Mapping[str, Tensor] = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise BadCheckpoint(f"{path}: cannot be loaded ({error}); {_ADVICE}") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
