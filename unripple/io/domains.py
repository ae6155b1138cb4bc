"""Drawn domains: where an edit of a characteristic is allowed to stay, as people draw it.

One picture per characteristic in a folder, `<characteristic>.png`, black where the edit stays and
white elsewhere, drawn on an aligned face of any size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from unripple.conventions import BadConfig
from unripple.home import data_folder

EMBEDDED, NONE = "embedded", "none"
ENDING = ".png"


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


def domain_file(folder: Path | None, carac: str) -> Path | None:
    """The drawing of a characteristic, or None where nobody drew one."""
    path = None if folder is None else folder / f"{carac}{ENDING}"
    return path if path is not None and path.exists() else None


def read_domain(path: Path) -> npt.NDArray[np.uint8]:
    """The levels of a drawing, uint8 [H, W]: of its blue, which the source looks at, too.

    Raises:
        BadConfig: the file is no picture.
    """
    try:
        with Image.open(path) as picture:
            return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., 2])
    except (OSError, SyntaxError) as error:
        raise BadConfig(f"{path}: cannot be read as a drawn domain ({error})") from error
