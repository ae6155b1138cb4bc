"""Pictures seen through homogeneous maps, and what of them can be compared.

Maps are float64 [3, 3] and send (x, y, 1) of one picture to another, in pixels from the top-left
corner, so the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo

_WIDE_PX = 8.0  # from here on three means are a bell to a tenth of its height, and far faster


def to_index(places: Floats) -> Floats:
    """The same map where pixels are counted from the centre of the first one, as OpenCV does."""
    half = np.array(((1, 0, 0.5), (0, 1, 0.5), (0, 0, 1.0)))
    return np.linalg.inv(half) @ places @ half


def look(picture: Floats | Photo, places: Floats, width: int, height: int) -> Floats:
    """A picture as seen through a map, bicubically; its border is repeated beyond it.

    Args:
        picture: [h, w] or [h, w, 3].
        places: output pixels -> pixels of the picture, [3, 3].
        width, height: of the output, px.

    Returns:
        float32 [height, width] or [height, width, 3].
    """
    return cv2.warpPerspective(
        picture.astype(np.float32),
        to_index(places),
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def covered(places: Floats, size: tuple[int, int], edited: tuple[int, int]) -> Mask:
    """Which pixels of the photograph the edited picture shows.

    Args:
        places: photograph -> edited picture.
        size: height and width of the photograph, px.
        edited: height and width of the edited picture, px.
    """
    height, width = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    x, y, w = np.tensordot(places, np.stack((columns, rows, np.ones_like(rows))), 1)
    x, y = x / w, y / w
    return (x >= 0.5) & (y >= 0.5) & (x <= edited[1] - 0.5) & (y <= edited[0] - 0.5)


def luminance(picture: Photo) -> Floats:
    """float32 [H, W] in 0 .. 255."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def shrunk(picture: Floats, longer_px: float) -> Floats:
    """A picture whose longer side is at most so long, area-correct."""
    scale = longer_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(8, round(side * scale)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def resizing(size: tuple[int, ...], other: tuple[int, ...]) -> Floats:
    """The map between a picture and the same one in another size (heights and widths)."""
    return np.diag((other[1] / size[1], other[0] / size[0], 1.0))


def normalised(grey: Floats, sigma_px: float) -> Floats:
    """Structure without brightness and contrast: mean 0 and deviation 1 in every neighbourhood.

    The offset of 4 levels keeps the noise of flat places small.
    """
    mean = wide_blur(grey, sigma_px)
    power = wide_blur(grey * grey, sigma_px) - mean * mean
    return (grey - mean) / (np.sqrt(np.maximum(power, 0)) + 4.0)


def wide_blur(values: Floats, sigma_px: float) -> Floats:
    """A Gaussian blur, and where it is wide nearly one: three means in a row cost the same always.

    Args:
        values: float32 [H, W] or [H, W, C].
        sigma_px: of the Gaussian.

    Source: the central limit theorem; widths by Kovesi 2010, "Fast almost-Gaussian filtering".
    """
    if sigma_px < _WIDE_PX:
        return cv2.GaussianBlur(values, (0, 0), sigma_px)
    ideal = np.sqrt(4 * sigma_px**2 + 1)  # three means of this width have the wanted deviation
    narrow = max(1, int((ideal - 1) // 2) * 2 + 1)
    # Widths are odd: so many of the three are the narrower one that the deviation fits best.
    narrow_ones = round((3 * (narrow + 2) ** 2 - 3 - 12 * sigma_px**2) / (4 * narrow + 4))
    for number in range(3):
        width = narrow if number < narrow_ones else narrow + 2
        values = cv2.blur(values, (width, width))
    return values


def mapped(places: Floats, points: Floats) -> Floats:
    """Send points [..., 2] through a map."""
    x, y, w = np.moveaxis(points @ places[:, :2].T + places[:, 2], -1, 0)
    return np.stack((x / w, y / w), axis=-1)


def unit(places: Floats) -> Floats:
    """The same map with a one in its last corner."""
    return places / places[2, 2]


def centres(width: int, height: int) -> Floats:
    """The centres of a picture's pixels, [height, width, 2]."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.stack((columns, rows), axis=-1)


def magnification(places: Floats) -> float:
    """By how much a map magnifies lengths near the origin."""
    return float(np.sqrt(abs(np.linalg.det(places[:2, :2]))))


def soft_for(picture: Floats, places: Floats) -> Floats:
    """Blur a picture as far as a map shrinks it, so that looking through the map does not alias."""
    scale = magnification(places)
    if scale <= 1.05:
        return picture
    return cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(scale**2 - 1))


def shrunk_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """A smaller mask of all that a mask touches, and a pixel around."""
    small = cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return cv2.dilate(small, np.ones((3, 3))) > 0
