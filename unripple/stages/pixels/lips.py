"""Where the edges of a rendered face's lips are: by the parser, who knows such faces best.

The mesh net knows photographs. On rendered faces it lays lips up to 4 px of 128 beside themselves,
above all under a moustache, where the parser is right to a quarter of a px.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Face, Floats, Labels
from unripple.ops.mesh import (
    LIP_CORNERS,
    LOWER_LIP_BOTTOM,
    LOWER_LIP_EDGE,
    UPPER_LIP_EDGE,
    UPPER_LIP_TOP,
)

_EDGES = (
    (Face.UPPER_LIP, True, UPPER_LIP_TOP),
    (Face.UPPER_LIP, False, UPPER_LIP_EDGE),
    (Face.LOWER_LIP, True, LOWER_LIP_EDGE),
    (Face.LOWER_LIP, False, LOWER_LIP_BOTTOM),
)
"""Edges of the lips: of which part, whether it is its upper one, and the mesh's points there."""
_MIDDLE = 0.6  # of the half width: where an edge is read
_LEAST_COLUMNS = 3
_TOP_PX = 0.6
"""At 128: by how much the parser begins the upper lip too early. Read off 32 rendered people."""
_TO_CORNERS = 1.6  # how broadly the middle's shift holds towards the corners, which stay


def with_lips_of(labels: Labels, mesh: Floats) -> Floats:
    """A mesh whose lips lie at the heights at which the parser sees them.

    Args:
        labels: parts of the face, uint8 [S, S].
        mesh: its points, px, [468, 2].

    Returns:
        The same, [468, 2]; the mesh itself where the parser does not see both lips.
    """
    left, right = mesh[list(LIP_CORNERS), 0]
    middle, half = (left + right) / 2, max(abs(right - left) / 2, 1.0)
    columns = np.arange(
        max(0, int(np.ceil(middle - _MIDDLE * half))),
        min(labels.shape[1], int(middle + _MIDDLE * half)),
    )
    moved = mesh.copy()
    for part, upper, numbers in _EDGES:
        heights = _edge(labels[:, columns] == part, upper=upper)
        if part == Face.UPPER_LIP and upper:
            heights = heights + _TOP_PX * len(labels) / 128
        if np.isfinite(heights).sum() < _LEAST_COLUMNS:
            return mesh
        points = mesh[list(numbers)]
        order = points[:, 0].argsort()
        own = np.interp(columns + 0.5, points[order, 0], points[order, 1])
        along = (points[:, 0] - middle) / half
        share = np.clip(_TO_CORNERS * (1 - along**2), 0, 1)
        moved[list(numbers), 1] += share * np.nanmedian(heights - own)
    return moved


def _edge(part: Floats, *, upper: bool) -> Floats:
    """The height of a part's edge in every column, px; nan where it has none."""
    seen = part.any(0)
    rows = part.argmax(0) if upper else len(part) - part[::-1].argmax(0)
    found: Floats = np.where(seen, rows, np.nan)
    return found
