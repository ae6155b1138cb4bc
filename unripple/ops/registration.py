"""Find where each pixel of a photograph lies in a picture that somebody edited elsewhere.

Editors that redraw a whole picture shift, zoom and turn it a little, and answer in a size of their
own. What was edited, and backgrounds that were invented anew, do not fit the photograph; so every
step here is robust: pixels that disagree lose their vote.

Homogeneous maps are float64 [3, 3] and send (x, y, 1) of the photograph to the edited picture, in
pixels from the top-left corner, so the centre of the first pixel is (0.5, 0.5).

Source: own, from known parts: scale-invariant features (Lowe 2004), a robust consensus (MAGSAC++,
Barath et al. 2020), second-order Gauss-Newton alignment (ESM, Benhimane and Malis 2004) with
Tukey's weights.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo

COARSEST_PX = 48
"""Longer side of the smallest picture of the pyramid; a shift of 8 px of 1,024 is a third of a
pixel there."""

WORK_PX = 1024
"""Longer side at which pictures are compared: a tenth of a pixel of it is what can be told."""

_FEATURES_PX = 800  # longer side for features; finer ones are not found again after an autoencoder
_LEAST_MATCHES = 12  # a similarity through fewer is chance
_TUKEY = 4.685  # times the deviation: 95% as efficient as least squares where noise is normal
_STEPS = 20
_STILL = 1e-5  # of half the diagonal; a hundredth of a pixel of WORK_PX


class Alignment(NamedTuple):
    """A map between two pictures and how much speaks for it.

    Attributes:
        places: photograph -> edited picture, float64 [3, 3].
        agreement: see `agreement`.
    """

    places: Floats
    agreement: float


def to_index(places: Floats) -> Floats:
    """The same map where pixels are counted from the centre of the first one, as OpenCV does."""
    half = np.array(((1, 0, 0.5), (0, 1, 0.5), (0, 0, 1.0)))
    moved: Floats = np.linalg.inv(half) @ places @ half
    return moved


def look(picture: Floats | Photo, places: Floats, width: int, height: int) -> Floats:
    """A picture as seen through a map, bicubically; its border is repeated beyond it.

    Args:
        picture: [h, w] or [h, w, 3].
        places: output pixels -> pixels of the picture, [3, 3].
        width, height: of the output, px.

    Returns:
        float32 [height, width] or [height, width, 3].
    """
    seen: Floats = cv2.warpPerspective(
        picture.astype(np.float32),
        to_index(places),
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return seen


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
    inside: Mask = (x >= 0.5) & (y >= 0.5) & (x <= edited[1] - 0.5) & (y <= edited[0] - 0.5)
    return inside


def luminance(picture: Photo) -> Floats:
    """float32 [H, W] in 0 .. 255."""
    grey: Floats = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey


def shrunk(picture: Floats, longer_px: float) -> Floats:
    """A picture whose longer side is at most so long, area-correct."""
    scale = longer_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(8, round(side * scale)) for side in picture.shape[:2])
    small: Floats = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return small


def _resizing(size: tuple[int, ...], other: tuple[int, ...]) -> Floats:
    """The map between a picture and the same one in another size (heights and widths)."""
    return np.diag((other[1] / size[1], other[0] / size[0], 1.0))


def normalised(grey: Floats, sigma_px: float) -> Floats:
    """Structure without brightness and contrast: mean 0 and deviation 1 in every neighbourhood.

    The offset of 4 levels keeps the noise of flat places small.
    """
    mean = cv2.GaussianBlur(grey, (0, 0), sigma_px)
    power = cv2.GaussianBlur(grey * grey, (0, 0), sigma_px) - mean * mean
    structure: Floats = (grey - mean) / (np.sqrt(np.maximum(power, 0)) + 4.0)
    return structure


_BANDS_PX = ((0.9, 3.5), (2.0, 7.0), (4.0, 14.0))
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
    shares = []
    for fine, coarse in _BANDS_PX:
        correlation, detailed = _correlation(photo, edited, fine, coarse)
        detailed &= inside
        shares.append((correlation[detailed] > 0.6).mean() if detailed.any() else 0.0)
    return float(np.mean(shares))


def _correlation(photo: Floats, edited: Floats, fine: float, coarse: float) -> tuple[Floats, Mask]:
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


def align(photo: Photo, edited: Photo, *, person: Mask | None = None) -> Alignment:
    """Find the map from a photograph to the same picture after an edit elsewhere.

    Whole to whole, cut to another aspect and what features say are tried; the one that agrees best
    at a coarse size is refined to a few hundredths of a pixel.

    Args:
        photo: uint8 [H, W, 3].
        edited: uint8 [h, w, 3].
        person: where the edit is, bool [H, W]; not trusted for geometry, if given.

    Returns:
        The best map, however bad: who calls decides by `agreement`.
    """
    greys = luminance(photo), luminance(edited)
    longer = min(WORK_PX, max(photo.shape[:2]), 1.25 * max(edited.shape[:2]))
    ours, theirs = shrunk(greys[0], longer), shrunk(greys[1], longer * _share(photo, edited))
    before = _resizing(photo.shape, ours.shape)
    after = _resizing(theirs.shape, edited.shape)
    outside = np.ones(ours.shape, bool)
    if person is not None:
        outside = ~_shrunk_mask(person, ours.shape)
    best = Alignment(np.eye(3), -1.0)
    for start in _starts(ours, theirs):
        places = refine(ours, theirs, start, outside, finest_px=192)
        found = _judged(ours, theirs, places, finest_px=384)
        if found.agreement > best.agreement:
            best = found
    places = refine(ours, theirs, best.places, outside, finest_px=WORK_PX)
    judged = _judged(ours, theirs, places, finest_px=WORK_PX)
    return Alignment(_unit(after @ places @ before), judged.agreement)


def _share(photo: Photo, edited: Photo) -> float:
    # Pictures of one thing at one scale, whatever their aspects: compare areas, not sides.
    ours, theirs = photo.shape, edited.shape
    fill = min(1.0, ours[0] * theirs[1] / (ours[1] * theirs[0]))
    return float(max(fill, 1 / max(1.0, ours[0] * theirs[1] / (ours[1] * theirs[0]))))


def _unit(places: Floats) -> Floats:
    scaled: Floats = places / places[2, 2]
    return scaled


def _shrunk_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    small = cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    touched: Mask = cv2.dilate(small, np.ones((3, 3))) > 0
    return touched


def _judged(ours: Floats, theirs: Floats, places: Floats, *, finest_px: float) -> Alignment:
    small = shrunk(ours, finest_px)
    step = _resizing(small.shape, ours.shape)
    seen = look(_soft_for(theirs, places @ step), places @ step, small.shape[1], small.shape[0])
    inside = covered(places @ step, small.shape[:2], theirs.shape[:2])
    return Alignment(places, agreement(small, seen, inside) * float(np.sqrt(inside.mean())))


def _soft_for(picture: Floats, places: Floats) -> Floats:
    """Blur a picture as far as a map shrinks it, so that looking through the map does not alias."""
    scale = float(np.sqrt(abs(np.linalg.det(places[:2, :2]))))
    if scale <= 1.05:
        return picture
    soft: Floats = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(scale**2 - 1))
    return soft


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
    finder = cv2.SIFT_create(2000, contrastThreshold=0.02)
    found = [
        finder.detectAndCompute(np.clip(grey, 0, 255).astype(np.uint8), None)
        for grey in (small, other)
    ]
    if any(descriptors is None or len(descriptors) < 2 for _, descriptors in found):
        return None
    pairs = cv2.BFMatcher().knnMatch(found[0][1], found[1][1], k=2)
    # Lowe's ratio: a match counts where the second best is clearly worse.
    good = [
        pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance
    ]
    if len(good) < _LEAST_MATCHES:
        return None
    here = np.array([found[0][0][match.queryIdx].pt for match in good]) + 0.5
    there = np.array([found[1][0][match.trainIdx].pt for match in good]) + 0.5
    cv2.setRNGSeed(0)  # the same pictures, the same map
    affine, voters = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=5000
    )
    if affine is None or voters.sum() < _LEAST_MATCHES:
        return None
    places = np.vstack((affine, (0, 0, 1)))
    return _resizing(other.shape, theirs.shape) @ places @ _resizing(ours.shape, small.shape)


def refine(
    ours: Floats, theirs: Floats, places: Floats, outside: Mask, *, finest_px: float
) -> Floats:
    """Improve a map from coarse to fine.

    Coarse pictures decide a similarity, finer ones an affine map, the finest a homography.

    Args:
        ours, theirs: luminance, float32 [H, W] and [h, w].
        places: the map to begin with.
        outside: pixels of ours that may vote, bool [H, W].
        finest_px: longer side of the finest picture.

    Returns:
        The map, float64 [3, 3].
    """
    sides = [min(finest_px, max(ours.shape))]
    while sides[-1] > 1.8 * COARSEST_PX:
        sides.append(sides[-1] / 2)
    for level, side in enumerate(reversed(sides)):
        small, other = (
            shrunk(ours, side),
            shrunk(theirs, side * max(theirs.shape) / max(ours.shape)),
        )
        up, down = _resizing(small.shape, ours.shape), _resizing(theirs.shape, other.shape)
        allowed = _shrunk_mask(~outside, small.shape)
        model = 4 if level == 0 else 6 if level < len(sides) - 1 else 8
        start = _unit(down @ places @ up)
        moved = _gauss_newton(small, other, start, ~allowed, unknowns=model)
        places = _unit(np.linalg.inv(down) @ moved @ np.linalg.inv(up))
    return places


_GENERATORS = np.array(
    (
        ((0, 0, 1), (0, 0, 0), (0, 0, 0)),  # shift
        ((0, 0, 0), (0, 0, 1), (0, 0, 0)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 0)),  # zoom
        ((0, -1, 0), (1, 0, 0), (0, 0, 0)),  # rotation
        ((1, 0, 0), (0, -1, 0), (0, 0, 0)),  # stretch
        ((0, 1, 0), (1, 0, 0), (0, 0, 0)),  # shear
        ((0, 0, 0), (0, 0, 0), (1, 0, 0)),  # perspective
        ((0, 0, 0), (0, 0, 0), (0, 1, 0)),
    ),
    float,
)
"""What a step may add to the identity; a similarity is the first four, an affine map six."""


def _gauss_newton(
    ours: Floats, theirs: Floats, places: Floats, allowed: Mask, *, unknowns: int
) -> Floats:
    height, width = ours.shape
    sigma = max(3.0, max(ours.shape) / 40)
    target = normalised(cv2.GaussianBlur(ours, (0, 0), 0.7), sigma)
    source = cv2.GaussianBlur(theirs, (0, 0), 0.7)
    # In units of half the diagonal about the centre all unknowns weigh alike.
    half = np.hypot(width, height) / 2
    unit = np.array(
        ((1 / half, 0, -width / 2 / half), (0, 1 / half, -height / 2 / half), (0, 0, 1))
    )
    back = np.linalg.inv(unit)
    rows, columns = np.mgrid[:height, :width] + 0.5
    x, y = ((columns - width / 2) / half).ravel(), ((rows - height / 2) / half).ravel()
    slopes = _slopes(target)
    for _ in range(_STEPS):
        seen = normalised(look(_soft_for(source, places), places, width, height), sigma)
        inside = allowed & covered(places, ours.shape, theirs.shape)
        inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool).ravel()
        if inside.sum() < 10 * unknowns:
            return places
        # The mean of both slopes makes the step second-order (ESM).
        down_x, down_y = (
            (a + b).ravel()[inside] / 2 for a, b in zip(slopes, _slopes(seen), strict=True)
        )
        fields = _fields(x[inside], y[inside], unknowns)  # [unknowns, 2, pixels]
        jacobian = half * (down_x * fields[:, 0] + down_y * fields[:, 1])  # [unknowns, pixels]
        error = (seen - target).ravel()[inside]
        weight = tukey(error)
        normal = (jacobian * weight) @ jacobian.T
        step = -np.linalg.lstsq(normal, jacobian @ (weight * error), rcond=None)[0]
        change = np.eye(3) + np.tensordot(step, _GENERATORS[:unknowns], 1)
        places = _unit(places @ back @ change @ unit)
        if np.abs(step).max() < _STILL:
            break
    return places


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    kernel = np.array(((-0.5, 0, 0.5),), np.float32)
    return cv2.filter2D(values, -1, kernel), cv2.filter2D(values, -1, kernel.T)


def _fields(x: Floats, y: Floats, unknowns: int) -> Floats:
    """How places move with each unknown: [unknowns, 2, pixels]."""
    points = np.stack((x, y, np.ones_like(x)))
    moved = _GENERATORS[:unknowns] @ points  # [unknowns, 3, pixels]
    fields: Floats = moved[:, :2] - moved[:, 2:] * points[:2]
    return fields


def tukey(error: Floats) -> Floats:
    """Weights in [0, 1] that fall to 0 where an error is far beyond the usual one."""
    deviation = 1.4826 * float(np.median(np.abs(error))) + 1e-6
    weights: Floats = np.maximum(1 - (error / (_TUKEY * deviation)) ** 2, 0) ** 2
    return weights


def bend(photo: Floats, edited: Floats, outside: Mask) -> Floats | None:
    """How an editor bent the picture beside what a homography explains: a smooth flow, or None.

    Dense flow is taken where it is credible (there is structure, both directions agree, and the
    pixels may vote), spread smoothly over the rest, and kept only if it brings both pictures
    nearer to each other in windows that took no part in it: noise does not bend anything.

    Args:
        photo, edited: luminance in register by a homography, float32 [H, W].
        outside: pixels that may vote, bool [H, W].

    Returns:
        float32 [H, W, 2]: what is at (x, y) of the photograph is at (x, y) + flow of the edited
        picture, px.
    """
    both = [_bytes(normalised(grey, max(4.0, max(grey.shape) / 40))) for grey in (photo, edited)]
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = finder.calc(*both, None), finder.calc(*both[::-1], None)
    height, width = photo.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    returned = cv2.remap(back, columns + there[..., 0], rows + there[..., 1], cv2.INTER_LINEAR)
    correlation, detailed = _correlation(photo, edited, *_BANDS_PX[0])
    steady = np.hypot(*np.moveaxis(there + returned, 2, 0)) < 0.5
    votes = (steady & detailed & (correlation > 0.6) & outside).astype(np.float32)
    # Every other window of a chess board is kept for the judgement.
    window = max(16, max(photo.shape) // 16)
    board = ((rows // window + columns // window) % 2).astype(np.float32)
    judged = votes * (board > 0)
    if judged.sum() < 200 or (votes - judged).sum() < 200:
        return None
    trial = _spread(there, votes - judged)
    kept = judged > 0
    left, was = (np.linalg.norm((there - flow)[kept], axis=-1) for flow in (trial, 0 * trial))
    if np.median(left) > 0.7 * np.median(was) or np.median(was) < 0.08:
        return None
    return _spread(there, votes)


def _bytes(values: Floats) -> Photo:
    levels: Photo = np.clip(values * 48 + 128, 0, 255).astype(np.uint8)
    return levels


def _spread(flow: Floats, votes: Floats) -> Floats:
    """A flow where there are votes, smoothed and carried on to where there are none."""
    sigma = max(flow.shape[:2]) / 14
    weight = cv2.GaussianBlur(votes, (0, 0), sigma) + 1e-4  # far from all votes, no flow
    smooth = cv2.GaussianBlur(flow * votes[..., None], (0, 0), sigma) / weight[..., None]
    spread: Floats = smooth.astype(np.float32)
    return spread
