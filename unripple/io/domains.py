"""Drawn domains: where an edit of a characteristic is allowed to stay, as people draw it.

One picture per characteristic in a folder, `<characteristic>.png`, black where the edit stays and
white elsewhere, drawn on an aligned face of any size.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from unripple.conventions import BadConfig
from unripple.outside import Unfit, explained, read_bytes
from unripple.paths import data_folder

EMBEDDED, NONE = "embedded", "none"
ENDING = ".png"
_LARGEST_PX = 100_000_000


def domains_folder(chosen: str) -> Path | None:
    """The folder that a config means: "embedded", "none" (None), or a folder.

    Raises:
        BadConfig: there is no such folder.
    """
    if chosen == NONE:
        return None
    if chosen == EMBEDDED:
        return data_folder() / "domains" / EMBEDDED
    if not Path(chosen).is_dir():
        raise BadConfig(f"config: domains: no folder {chosen!r}; or write {EMBEDDED} or {NONE}")
    return Path(chosen)


def domain_file(folder: Path | None, attribute: str) -> Path | None:
    """The drawing of a characteristic, or None where nobody drew one.

    Raises:
        BadConfig: it is a folder, a pipe, a device.
    """
    path = None if folder is None else folder / f"{attribute}{ENDING}"
    if path is None or not path.exists():
        return None
    if not path.is_file():
        raise BadConfig(f"{path}: is no file; draw the domain as a picture, or take this away")
    return path


def read_domain(path: Path) -> npt.NDArray[np.uint8]:
    """The levels of a drawing, uint8 [H, W]: of its blue, which the source looks at, too.

    Raises:
        BadConfig: the file is no picture.
    """
    with explained(path, BadConfig, "cannot be read as a drawn domain; draw it again"):
        data = read_bytes(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about bombs, which are refused
            with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
                if picture.width * picture.height > _LARGEST_PX:
                    raise Unfit(f"it is {picture.width} x {picture.height} px large")
                return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., 2])
