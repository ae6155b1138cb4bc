"""A head that is an ellipsoid with a nose, for tests."""

from __future__ import annotations

import numpy as np

from unripple.ops.head import Head

_ROWS, _COLUMNS = np.mgrid[-0.95:0.96:0.05, -0.65:0.66:0.05]
_INSIDE = 1 - (_COLUMNS / 0.7) ** 2 - (_ROWS / 1.0) ** 2
_Z = 0.7 * np.sqrt(np.clip(_INSIDE, 0, None))
_NOSE = 0.25 * np.exp(-(((_COLUMNS) / 0.1) ** 2) - (((_ROWS - 0.25) / 0.15) ** 2))
HEAD = Head(
    surface=np.stack([_COLUMNS, _ROWS, _Z + _NOSE], -1)[_INSIDE > 0],
    landmarks=np.array(
        [
            [-0.3, 0.0, 0.63],
            [0.3, 0.0, 0.63],
            [0.0, 0.25, 0.93],
            [-0.23, 0.6, 0.55],
            [0.23, 0.6, 0.55],
        ]
    ),
    chin_y=0.93,
    brow_y=-0.23,
    half_width=0.62,
)
