"""Find where each pixel of a photograph lies in a picture that somebody edited elsewhere.

Editors that redraw a whole picture shift, zoom and turn it a little, and answer in a size of their
own. What was edited, and backgrounds that were invented anew, do not fit the photograph; so every
step here is robust: pixels that disagree lose their vote.

Source: own, from known parts: scale-invariant features (Lowe 2004), a random sample consensus
(Fischler and Bolles 1981), and `ops.alignment`.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.alignment import refine
from unripple.ops.homography import (
    covered,
    look,
    luminance,
    resizing,
    shrunk,
    shrunk_mask,
    soft_for,
    unit,
)

WORK_PX = 1024
"""Longer side at which pictures are compared: a tenth of a pixel of it is what can be told."""

COARSE_PX = 384
"""Longer side at which is decided which of several maps is meant."""

_FEATURES_PX = 800  # longer side for features; finer ones are not found again after an autoencoder
_LEAST_MATCHES = 12  # a similarity through fewer is chance


class Alignment(NamedTuple):
    """A map between two pictures and how much speaks for it.

    Attributes:
        places: photograph -> edited picture, float64 [3, 3].
        agreement: see `agreement`.
        in_details: the same of the finest band alone.
    """

    places: Floats
    agreement: float
    in_details: float = 0.0


BANDS_PX = ((0.9, 3.5), (2.0, 7.0), (4.0, 14.0))
"""Deviations of the Gaussians between which structure is compared: a blurred background has lost
the first band, two faces in the same place are alike in the last."""


def agreement(photo: Floats, edited: Floats, inside: Mask) -> float:
    """How much of the photograph's structure another picture, in register, shows.

    In each band of details, both pictures are correlated in windows. What counts is the share of
    windows with structure in both whose correlation is above .6; the mean of all bands comes out.

    Args:
        photo, edited: luminance in register, float32 [H, W].
        inside: where both show something, bool [H, W].

    Returns:
        About 0 for another picture to 1 for the same one. Edited pictures of rendered faces lie
        above .4, other people's below .2.
    """
    return float(np.mean(_agreements(photo, edited, inside)))


def _agreements(photo: Floats, edited: Floats, inside: Mask) -> list[float]:
    shares = []
    for fine, coarse in BANDS_PX:
        alike, detailed = correlation(photo, edited, fine, coarse)
        detailed &= inside
        shares.append(float((alike[detailed] > 0.6).mean()) if detailed.any() else 0.0)
    return shares


def correlation(photo: Floats, edited: Floats, fine: float, coarse: float) -> tuple[Floats, Mask]:
    """Correlation of a band of two pictures in windows, and where both have something in it."""
    first, second = (
        cv2.GaussianBlur(grey, (0, 0), fine) - cv2.GaussianBlur(grey, (0, 0), coarse)
        for grey in (photo, edited)
    )
    side = 2 * int(2.4 * coarse) + 1
    cross, ours, theirs = (
        cv2.boxFilter(product, -1, (side, side))
        for product in (first * second, first**2, second**2)
    )
    return cross / np.sqrt(np.maximum(ours * theirs, 1e-6)), (ours > 4.0) & (theirs > 0.25)


def align(
    photo: Photo, edited: Photo, *, person: Mask | None = None, finest_px: float = WORK_PX
) -> Alignment:
    """Find the map from a photograph to the same picture after an edit elsewhere.

    Whole to whole, cut to another aspect and what features say are tried; the one that agrees best
    at a coarse size is refined to a few hundredths of a pixel.

    Args:
        photo: uint8 [H, W, 3].
        edited: uint8 [h, w, 3].
        person: where the edit is, bool [H, W]; not trusted for geometry, if given.
        finest_px: longer side at which both are compared in the end.

    Returns:
        The best map, however bad: who calls decides by `agreement`.
    """
    greys = luminance(photo), luminance(edited)
    longer = min(finest_px, max(photo.shape[:2]), 1.25 * max(edited.shape[:2]))
    ours, theirs = shrunk(greys[0], longer), shrunk(greys[1], longer * _share(photo, edited))
    before = resizing(photo.shape, ours.shape)
    after = resizing(theirs.shape, edited.shape)
    outside = np.ones(ours.shape, bool)
    if person is not None:
        outside = ~shrunk_mask(person, ours.shape)
    best = Alignment(np.eye(3), -1.0)
    for start in _starts(ours, theirs):
        places = refine(ours, theirs, start, outside, finest_px=192)
        candidate = _judged(ours, theirs, places, finest_px=COARSE_PX)
        if candidate.agreement > best.agreement:
            best = candidate
    places = refine(ours, theirs, best.places, outside, finest_px=finest_px)
    judged = _judged(ours, theirs, places, finest_px=finest_px)
    return judged._replace(places=unit(after @ places @ before))


def _share(photo: Photo, edited: Photo) -> float:
    # Pictures of one thing at one scale, whatever their aspects: compare areas, not sides.
    ours, theirs = photo.shape, edited.shape
    fill = min(1.0, ours[0] * theirs[1] / (ours[1] * theirs[0]))
    return float(max(fill, 1 / max(1.0, ours[0] * theirs[1] / (ours[1] * theirs[0]))))


def _judged(ours: Floats, theirs: Floats, places: Floats, *, finest_px: float) -> Alignment:
    small = shrunk(ours, finest_px)
    step = resizing(small.shape, ours.shape)
    resampled = look(soft_for(theirs, places @ step), places @ step, small.shape[1], small.shape[0])
    inside = covered(places @ step, small.shape[:2], theirs.shape[:2])
    shown = float(np.sqrt(inside.mean()))
    shares = _agreements(small, resampled, inside)
    return Alignment(places, float(np.mean(shares)) * shown, shares[0] * shown)


def _starts(ours: Floats, theirs: Floats) -> list[Floats]:
    """Maps to begin with: stretched, cut or padded to the other aspect, and by features."""
    across, down = (theirs.shape[k] / ours.shape[k] for k in (1, 0))
    starts = [np.diag((across, down, 1.0))]
    if abs(across / down - 1) > 0.01:
        for scale in (max(across, down), min(across, down)):  # cut, padded
            start = np.diag((scale, scale, 1.0))
            start[0, 2] = (theirs.shape[1] - scale * ours.shape[1]) / 2
            start[1, 2] = (theirs.shape[0] - scale * ours.shape[0]) / 2
            starts.append(start)
    by_features = match_features(ours, theirs)
    return starts if by_features is None else [*starts, by_features]


def match_features(ours: Floats, theirs: Floats) -> Floats | None:
    """A similarity that many matching features agree on, or None.

    Args:
        ours, theirs: luminance, float32 [H, W] and [h, w].
    """
    small, other = shrunk(ours, _FEATURES_PX), shrunk(theirs, _FEATURES_PX)
    finder = cv2.SIFT.create(2000, contrastThreshold=0.02)
    features = [
        finder.detectAndCompute(np.clip(grey, 0, 255).astype(np.uint8), None)
        for grey in (small, other)
    ]
    if any(descriptors is None or len(descriptors) < 2 for _, descriptors in features):
        return None
    pairs = cv2.BFMatcher().knnMatch(features[0][1], features[1][1], k=2)
    # Lowe's ratio: a match counts where the second best is clearly worse.
    good = [
        pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance
    ]
    if len(good) < _LEAST_MATCHES:
        return None
    here = np.array([features[0][0][match.queryIdx].pt for match in good]) + 0.5
    there = np.array([features[1][0][match.trainIdx].pt for match in good]) + 0.5
    cv2.setRNGSeed(0)  # the same pictures, the same map
    affine, voters = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=5000
    )
    if affine is None or voters.sum() < _LEAST_MATCHES:
        return None
    places = np.vstack((affine, (0, 0, 1)))
    return resizing(other.shape, theirs.shape) @ places @ resizing(ours.shape, small.shape)
