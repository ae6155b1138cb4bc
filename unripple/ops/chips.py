"""A face cut out upright, as dlib's net wants it, from the points of a face mesh.

Source: dlib's `get_face_chip_details` for its five points: the corners of both eyes, and where the
nose meets the lip; `find_similarity_transform` (Umeyama 1991) lays them on their places.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Affine, Floats, Photo
from unripple.ops.geometry import resample

_POINTS = (263, 362, 33, 133, 2)  # of the mesh: picture-right eye, picture-left eye, nose
_PLACES = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
"""Where dlib has them, sides of a face's box."""
_PADDING = 0.25  # around that box


def chip(picture: Photo, mesh: Floats, *, size_px: int) -> Photo:
    """Cut out a face.

    Args:
        picture: uint8 [H, W, 3].
        mesh: its points, see `ops.mesh.mesh_of`, [468, 3] px.
        size_px: side of the chip.

    Returns:
        uint8 [size, size, 3].
    """
    places = (_PLACES + _PADDING) / (1 + 2 * _PADDING) * size_px
    affine = similarity(places, mesh[list(_POINTS), :2])
    cut: Photo = resample(picture, affine, width=size_px, height=size_px)
    return cut


def similarity(points: Floats, others: Floats) -> Affine:
    """The turn, scale and shift that bring points [N, 2] nearest to others, by least squares."""
    middle, other_middle = points.mean(0), others.mean(0)
    # In the plane a turn with a scale is a product of complex numbers.
    own = (points - middle) @ (1, 1j)
    other = (others - other_middle) @ (1, 1j)
    factor = np.vdot(own, other) / np.vdot(own, own).real
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack((linear, other_middle - linear @ middle))
