"""Undo what an editor did to the colours of a whole picture: gain, gamma and cast.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats

KNOTS = 9
_SMOOTH = 0.02
"""Weight of a curve's second differences against all pixels: a gamma of 1.14 passes, a step of a
few levels does not."""
_LOW_PASS_PX = 3.0  # noise and lost sharpness flatten the curves, blurred edges shift them


class ToneCurves(NamedTuple):
    """One curve per channel.

    Attributes:
        curves: levels that come out at `KNOTS` levels from 0 to 255, straight between them,
            float64 [3, KNOTS].
    """

    curves: Floats

    def __call__(self, picture: Floats) -> Floats:
        """Send colours [..., 3] in 0 .. 255 through the curves; float32, not clipped."""
        at = np.clip(picture, 0, 255).astype(np.float64) * (KNOTS - 1) / 255
        first = np.minimum(at.astype(int), KNOTS - 2)
        share = at - first
        out = np.empty(picture.shape, np.float32)
        for channel, curve in enumerate(self.curves):
            knot, between = first[..., channel], share[..., channel]
            out[..., channel] = curve[knot] * (1 - between) + curve[knot + 1] * between
        return out


def same() -> ToneCurves:
    """The tone that changes nothing."""
    return ToneCurves(np.tile(np.linspace(0, 255, KNOTS), (3, 1)))


def fit(photo: Floats, edited: Floats, votes: Floats) -> ToneCurves:
    """The curves that bring an edited picture's colours back to the photograph's.

    What was edited has other colours on purpose: pixels that no curve explains lose their vote.

    Args:
        photo, edited: in register, [H, W, 3] in 0 .. 255.
        votes: how much each pixel has to say, float [H, W].
    """
    soft = [cv2.GaussianBlur(p.astype(np.float32), (0, 0), _LOW_PASS_PX) for p in (photo, edited)]
    chosen = votes > 0
    if chosen.sum() < 10 * KNOTS:
        return same()
    ours, theirs = (picture[chosen] for picture in soft)
    prior = votes[chosen].astype(np.float64)
    # A level that was clipped says no more what it was.
    usable = (theirs > 2).all(1) & (theirs < 253).all(1)
    prior = prior * np.where(usable, 1.0, 0.0)
    if (prior > 0).sum() < 10 * KNOTS:
        return same()
    shared = np.ones(len(prior))
    curves = same().curves
    for _ in range(12):
        curves = np.stack([_curve(ours[:, c], theirs[:, c], prior * shared) for c in range(3)])
        error = ours - ToneCurves(curves)(theirs)
        # A pixel is edited in all of its channels or in none.
        shared = np.min([_robust(error[:, c], prior) for c in range(3)], axis=0)
    return ToneCurves(curves)


def _robust(error: Floats, prior: Floats) -> Floats:
    deviation = 1.4826 * _weighted_median(np.abs(error), prior) + 0.25
    return np.maximum(1 - (error / (4.685 * deviation)) ** 2, 0) ** 2


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def _curve(ours: Floats, theirs: Floats, weights: Floats) -> Floats:
    """Weighted least squares over hat functions, held smooth."""
    at = theirs.astype(np.float64) * (KNOTS - 1) / 255
    first = np.minimum(at.astype(int), KNOTS - 2)
    share = at - first
    normal = np.zeros((KNOTS, KNOTS))
    right_side = np.zeros(KNOTS)
    for step_a, part_a in enumerate((1 - share, share)):
        np.add.at(right_side, first + step_a, weights * part_a * ours)
        for step_b, part_b in enumerate((1 - share, share)):
            np.add.at(normal, (first + step_a, first + step_b), weights * part_a * part_b)
    bend = np.diff(np.eye(KNOTS), 2, axis=0)
    normal += _SMOOTH * weights.sum() / KNOTS * (bend.T @ bend) + 1e-9 * np.eye(KNOTS)
    return np.linalg.lstsq(normal, right_side, rcond=None)[0]
