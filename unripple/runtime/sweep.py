"""A sweep: one edit over a range of degrees, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from unripple.conventions import Photo
from unripple.io.colour import to_srgb
from unripple.io.config import Edit, check_knob
from unripple.io.photo import read_photo
from unripple.io.published_names import edit_of_moves
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.runtime.result import LAST_STEP, joined

COMPOSED = "compose"


def degrees_between(low: float, high: float, frames: int) -> list[float]:
    """Evenly spaced degrees, both ends included; `high` may be the smaller one.

    Raises:
        BadConfig: an end is no degree, or there are too few or too many frames.
    """
    low, high = (check_knob("degree", end, where="degree") for end in (low, high))
    frames = check_knob("sweep.frames", frames, where="frames")
    return [round(float(degree), 6) for degree in np.linspace(low, high, frames)]


def there_and_back(frames: Sequence[Any]) -> list[Any]:
    """The frames, and without a pause at either end the way back."""
    return [*frames, *frames[-2:0:-1]]


def sweep(
    editor: Editor,
    source: Source,
    edit_at: str | Callable[[float], Edit],
    degrees: Sequence[float],
    *,
    crop: bool = False,
) -> Iterator[Photo]:
    """Edit one photo at one degree after the other.

    Args:
        editor: what it keeps serves all frames.
        source: the photo.
        edit_at: a direction's name, or the edit at a degree.
        degrees: how far to go, one frame each.
        crop: show the aligned crop instead of the full photo.

    Yields:
        The pixels of `Editor.edit` at that degree, in sRGB, uint8 [H, W, 3].

    Raises:
        UnrippleError: the photo cannot be done.
    """
    last = COMPOSED if crop else LAST_STEP
    limit = editor.config["limits"]["megapixels"]
    profile = None
    for degree in degrees:
        edit = edit_at(degree) if callable(edit_at) else edit_of_moves("edit", {edit_at: degree})
        if crop:
            picture: Any = editor.run(source, last, edit)[last]["picture"]
        else:
            picture = joined(editor.run_faces(source, last, edit))
            if profile is None:
                profile = read_photo(source.path, max_megapixels=limit).metadata.space or b""
            picture = to_srgb(picture, profile or None)
        yield picture
