"""What an editor did to a photograph beside the edit: colours, bytes and sharpness.

Geometry is found by registration, see `ops.pairing`; here are the figures of the rest.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Mask, Photo
from unripple.metrics.figures import Figure
from unripple.metrics.regions import MIN_PIXELS, fine, kept, rms, same_size

DRIFT_FIGURES = {
    "drift_zoom": Figure("zoom of the whole picture", 0.0, "%"),
    "drift_shift": Figure("shift of the whole picture's middle", 0.0, "px"),
    "drift_turn": Figure("rotation of the whole picture", 0.0, "°"),
    "drift_flow": Figure("bend of the picture beyond that", 0.0, "px"),
    "drift_colour": Figure("colour difference far from both silhouettes (dE2000)", 0.0),
    "bytes_kept": Figure("pixels that are the photo's own, to the byte", None),
    "lpips_outside": Figure("difference that people see outside the edit (LPIPS)", 0.0),
    "sharpness": Figure("details in the person, as many as the photo has there", 1.0),
    "sharpness_lost": Figure("share of those that the editor lost", 0.0),
    "sharpness_returned": Figure("share of what was lost that came back", 1.0),
    "agreement": Figure("how much of the photo's structure the picture shows", 1.0),
}
"""What there is to say of an edit that another program made, in the order of reading."""


def colour_difference(photo: Photo, picture: Photo, where: Mask) -> float:
    """Median CIEDE2000 of two pictures, of their colours and not of their noise.

    Args:
        photo, picture: uint8 [H, W, 3], sRGB.
        where: what is compared, bool [H, W].

    Returns:
        The difference; nan where there is nothing to compare.

    Raises:
        ShapeMismatch: the arrays differ in size.

    Source: scikit-image's `deltaE_ciede2000` (Sharma et al. 2005).
    """
    import cv2
    from skimage.color import deltaE_ciede2000, rgb2lab

    same_size(photo, picture, where)
    if where.sum() < MIN_PIXELS:
        return float("nan")
    # An autoencoder's noise is no cast.
    ours, theirs = (rgb2lab(cv2.GaussianBlur(one, (0, 0), 2.0)) for one in (photo, picture))
    return float(np.median(deltaE_ciede2000(ours[where], theirs[where])))


def drift_colour(photo: Photo, picture: Photo, before: Mask, after: Mask) -> float:
    """The same far from both silhouettes, where nothing has a reason to change."""
    return colour_difference(photo, picture, kept(before, after))


def bytes_kept(photo: Photo, picture: Photo) -> float:
    """Share of pixels that are equal to the byte."""
    same_size(photo, picture)
    return float((photo == picture).all(2).mean())


def sharpness(photo: Photo, picture: Photo, before: Mask, after: Mask) -> float:
    """Fine structure in the new person over that in the old one; nan where there is none."""
    same_size(photo, picture, before, after)
    if before.sum() < MIN_PIXELS or after.sum() < MIN_PIXELS:
        return float("nan")
    had = rms(fine(photo)[before])
    return rms(fine(picture)[after]) / had if had > 0 else float("nan")
