"""Parts come back as the very values that went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unripple.conventions import StoreError
from unripple.io.artifact import decode_part, encode_part

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
ARRAYS = st.one_of(
    *(
        arrays.arrays(dtype, SHAPES)
        for dtype in (np.uint8, np.bool_, np.float32, np.float64, np.int64)
    )
)


def roundtrip(folder: Path, part: object) -> object:
    ending, data = encode_part(part)  # type: ignore[arg-type]
    path = folder / f"part{ending}"
    path.write_bytes(data)
    return decode_part(path)


@given(array=ARRAYS)
def test_any_array_comes_back(array: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    back = roundtrip(tmp_path_factory.mktemp("parts"), array)
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype and back.shape == array.shape
    assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize(
    ("array", "ending"),
    [
        (np.zeros((3, 4, 3), np.uint8), ".png"),
        (np.zeros((3, 4), np.uint8), ".png"),
        (np.ones((3, 4), np.bool_), ".png"),
        (np.zeros((3, 4), np.float32), ".npy"),
        (np.zeros((4, 3, 4), np.uint8), ".npy"),
    ],
)
def test_pictures_and_masks_are_png(array: np.ndarray, ending: str) -> None:
    assert encode_part(array)[0] == ending


def test_figures_are_json_without_nan(tmp_path: Path) -> None:
    figures = {"seam": 1.25, "identity": None}
    assert roundtrip(tmp_path, figures) == figures
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_part({"seam": float("nan")})


@pytest.mark.parametrize("name", ["part.png", "part.npy", "part.json"])
def test_damage_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00garbage")
    with pytest.raises(StoreError, match=name):
        decode_part(tmp_path / name)
