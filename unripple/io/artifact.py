"""An artifact: what one stage made of one photo, as named parts, and how parts become bytes.

A part is an array or a dict of figures. uint8 [H, W] and [H, W, 3] and bool [H, W] are stored as
PNG, all other arrays as .npy, figures as JSON. Reading gives back the very values.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from unripple.conventions import StoreError
from unripple.io.metadata import NOTHING, Metadata
from unripple.io.photo import encode_png

Array: TypeAlias = npt.NDArray[Any]
Part: TypeAlias = Array | Mapping[str, Any]
Artifact: TypeAlias = Mapping[str, Part]


def _is_picture(array: Array) -> bool:
    if array.size == 0:
        return False  # PNG knows no empty pictures
    if array.dtype == np.bool_:
        return array.ndim == 2
    if array.dtype != np.uint8:
        return False
    return array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)


def encode_part(part: Part, metadata: Metadata = NOTHING) -> tuple[str, bytes]:
    """A part as (file name ending, bytes). Metadata goes into colour pictures only."""
    if isinstance(part, Mapping):
        text = json.dumps(part, indent=1, sort_keys=True, allow_nan=False)
        return ".json", (text + "\n").encode()
    if _is_picture(part):
        if part.ndim == 2:
            return ".png", encode_png(part)
        return ".png", encode_png(part, metadata)
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(part) if part.ndim else part, allow_pickle=False)
    return ".npy", buffer.getvalue()


def decode_part(path: Path, data: bytes | None = None) -> Part:
    """Read one part back.

    Args:
        path: the part's file; its ending says how it is stored.
        data: the file's bytes, where they were read already.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        content = path.read_bytes() if data is None else data
        if path.suffix == ".json":
            return json.loads(content)
        if path.suffix == ".png":
            with Image.open(io.BytesIO(content)) as picture:
                return np.array(picture)
        array: Array = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise StoreError(
            f"{path}: damaged or missing ({error}); "
            "`unripple verify --repair` makes way for a rerun"
        ) from error
    return array
