"""From one person to another: what lies between two photos, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple.conventions import Photo
from unripple.io.artifact import Artifact
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.runtime.work import Work
from unripple.stages import keeping
from unripple.stages.edit import EditSettings, who_draws
from unripple.stages.inverters import INVERTERS

Numbers = npt.NDArray[Any]

OFFSETS = ("difference", "layer_codes")
"""What is kept of a photo that tells its own generator from the common one."""
DETAILS = ("residual", "features")
"""What is kept of a photo that has a place in the picture."""


def shares_between(frames: int) -> list[float]:
    """How much of the second photo each frame has, both ends included."""
    return [round(float(share), 6) for share in np.linspace(0, 1, frames)]


def between(editor: Editor, one: Source, other: Source, shares: Sequence[float]) -> Iterator[Photo]:
    """Draw what lies between the aligned crops of two photos.

    Codes are a straight line from one to the other, and so are the offsets of the generator's
    weights, where a photo has a generator of its own. Details with a place in the picture cannot
    be averaged, or both faces would show: each photo's are carried along as by an edit, and the two
    pictures fade over.

    Args:
        editor: what it keeps serves all frames.
        one, other: the photos.
        shares: how much of the second each frame has, from 0, the inversion of the first, to 1,
            that of the second.

    Yields:
        uint8 [S, S, 3].

    Raises:
        UnrippleError: a photo cannot be inverted.
    """
    ends = [editor.run(source, "invert") for source in (one, other)]
    for share in shares:
        if share in (0, 1):
            picture: Any = ends[int(share)]["invert"]["picture"]
            yield picture
        else:
            yield _frame(editor, ends, share)


def _frame(editor: Editor, ends: Sequence[Mapping[str, Artifact]], share: float) -> Photo:
    """One frame within."""
    projected = _mixed([end["project"] for end in ends], share, ("w_plus", "guide"))
    codes: Artifact = {**projected, "about": {"turn": False}}
    inverted = [end["invert"] for end in ends]
    if not any(name in inverted[0] for name in DETAILS):
        own = {**inverted[0], **_mixed(inverted, share, OFFSETS)}
        return _drawn(editor, ends[0]["align"], own, codes)
    faded = [
        weight * _drawn(editor, end["align"], end["invert"], codes).astype(np.float32)
        for weight, end in zip((1 - share, share), ends, strict=True)
    ]
    picture: Photo = np.rint(faded[0] + faded[1]).astype(np.uint8)
    return picture


def _mixed(artifacts: Sequence[Artifact], share: float, names: Sequence[str]) -> dict[str, Numbers]:
    """The named parts that the artifacts have, float32, on the line between them."""
    mixed = {}
    for name in names:
        if name in artifacts[0]:
            first, last = (np.asarray(one[name], np.float32) for one in artifacts)
            mixed[name] = first + np.float32(share) * (last - first)
    return mixed


def _drawn(editor: Editor, aligned: Artifact, inverted: Artifact, codes: Artifact) -> Photo:
    """Codes drawn by the inverter, as an edit of a photo."""
    settings = {**editor.config["edit"], **who_draws(editor.config), "keep": keeping.NONE}
    inputs = {"align": aligned, "invert": inverted, "translate": codes}
    work = Work(settings, inputs, editor.zoo)
    method = INVERTERS[editor.config["invert"]["method"]]
    return method.edit(work, EditSettings.of(settings)).picture
