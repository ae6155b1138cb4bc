"""Undo what an editor did to the colours of a whole picture: gain, gamma and cast.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask

KNOTS = 52
"""Of a curve: every 5 levels, so that straight pieces follow a gamma to a tenth of a level."""

_BENDS = 9  # knots of what gain, gamma and bias leave
_SMOOTH = 0.02
"""Weight of that rest's second differences against all pixels: no step of a few levels passes."""
_RIDGE = 0.002  # where no pixel votes, gain, gamma and bias alone decide
_LOW_PASS_PX = 1.5  # noise and lost sharpness would flatten the curves
_GAMMAS = np.geomspace(0.7, 1.4, 29)
_ROUNDS = 10
_REGION_SHARE = 1 / 48  # of the longer side; an edit is a region, noise is not


class ToneCurves(NamedTuple):
    """One curve per channel.

    Attributes:
        curves: levels that come out at `KNOTS` levels from 0 to 255, straight between them,
            float64 [3, KNOTS].
    """

    curves: Floats

    def __call__(self, picture: Floats) -> Floats:
        """Send colours [..., 3] in 0 .. 255 through the curves; float32, not clipped."""
        at = np.clip(picture, 0, 255).astype(np.float32) * np.float32((KNOTS - 1) / 255)
        first = np.minimum(at.astype(np.int16), KNOTS - 2)
        share = at - first
        out = np.empty(picture.shape, np.float32)
        for channel, curve in enumerate(self.curves.astype(np.float32)):
            knot, between = first[..., channel], share[..., channel]
            out[..., channel] = curve[knot] * (1 - between) + curve[knot + 1] * between
        return out


def same() -> ToneCurves:
    """The tone that changes nothing."""
    return ToneCurves(np.tile(np.linspace(0, 255, KNOTS), (3, 1)))


def fit(photo: Floats, edited: Floats, votes: Floats) -> ToneCurves:
    """The curves that bring an edited picture's colours back to the photograph's.

    What was edited has other colours on purpose: pixels that no curve explains lose their vote, and
    regions that lie apart as a whole lose theirs.

    Args:
        photo, edited: in register, [H, W, 3] in 0 .. 255.
        votes: how much each pixel has to say, float [H, W].
    """
    ours, theirs = (
        cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _LOW_PASS_PX)
        for picture in (photo, edited)
    )
    prior = np.where(_unclipped(edited), votes, 0).astype(np.float32)
    if (prior > 0).sum() < 10 * _BENDS:
        prior = np.asarray(votes, np.float32)
    chosen = prior > 0
    if chosen.sum() < 10 * _BENDS:
        return same()
    sigma = max(3.0, max(prior.shape) * _REGION_SHARE)
    around = cv2.GaussianBlur(prior, (0, 0), sigma)[..., None] + 1e-6
    weights, tone = prior[chosen], same()
    for _ in range(_ROUNDS):
        tone = _curves(ours[chosen], theirs[chosen], weights)
        error = ours - tone(theirs)
        region = cv2.GaussianBlur(error * prior[..., None], (0, 0), sigma) / around
        # A pixel is edited in all of its channels or in none.
        shares = [
            _robust(one[..., channel][chosen], prior[chosen])
            for one in (error, region)
            for channel in range(3)
        ]
        weights = prior[chosen] * np.min(shares[:3], axis=0) * np.min(shares[3:], axis=0)
    return tone


def _unclipped(edited: Floats) -> Mask:
    """Pixels whose neighbours are all short of black and white: a clipped level says no more what
    it was."""
    near = np.ones((5, 5), np.uint8)
    levels = np.clip(edited, 0, 255).astype(np.uint8)
    darkest, lightest = cv2.erode(levels, near).min(2), cv2.dilate(levels, near).max(2)
    inside: Mask = (darkest > 2) & (lightest < 253)
    return inside


def _robust(error: Floats, prior: Floats) -> Floats:
    deviation = 1.4826 * _weighted_median(np.abs(error), prior) + 0.25
    weights: Floats = np.maximum(1 - (error / (4.685 * deviation)) ** 2, 0) ** 2
    return weights


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def _curves(ours: Floats, theirs: Floats, weights: Floats) -> ToneCurves:
    """Gain, gamma and bias, and what bend they leave, by weighted least squares."""
    plain = _power(ours, theirs, weights)
    left = ours - plain(theirs)
    bends = np.stack([_bend(left[:, c], theirs[:, c], weights) for c in range(3)])
    knots = np.linspace(0, 1, KNOTS)
    return ToneCurves(
        plain.curves + np.stack([np.interp(knots, np.linspace(0, 1, _BENDS), b) for b in bends])
    )


def _power(ours: Floats, theirs: Floats, weights: Floats) -> ToneCurves:
    """The inverse of theirs = gain ours^gamma + bias, with one gamma for all channels.

    This way round, since the noise of redrawing is in theirs.
    """
    level = np.clip(ours / 255, 0, 1)
    total = weights.sum() + 1e-9
    mean = (weights[:, None] * theirs).sum(0) / total
    best, least = (1.0, np.ones(3), np.zeros(3)), np.inf
    for gamma in _GAMMAS:
        bent = 255 * level**gamma
        middle = (weights[:, None] * bent).sum(0) / total
        spread = (weights[:, None] * (bent - middle) ** 2).sum(0)
        gain = (weights[:, None] * (bent - middle) * (theirs - mean)).sum(0) / (spread + total)
        left = theirs - mean - gain * (bent - middle)
        error = float((weights[:, None] * left**2).sum())
        if error < least:
            best, least = (gamma, gain, mean - gain * middle), error
    gamma, gain, bias = best
    knots = np.linspace(0, 255, KNOTS)
    level_at = (knots - bias[:, None]) / (255 * np.maximum(gain, 0.2)[:, None])
    return ToneCurves(255 * np.maximum(level_at, 0) ** (1 / gamma))


def _bend(left: Floats, theirs: Floats, weights: Floats) -> Floats:
    """Weighted least squares over hat functions, held smooth and near nothing."""
    at = np.clip(theirs, 0, 255).astype(np.float64) * (_BENDS - 1) / 255
    first = np.minimum(at.astype(int), _BENDS - 2)
    share = at - first
    parts = (1 - share, share)
    wanted = np.zeros(_BENDS)
    normal = np.zeros((_BENDS, _BENDS))
    for step_a, part_a in enumerate(parts):
        wanted += np.bincount(first + step_a, weights * part_a * left, _BENDS)
        for step_b, part_b in enumerate(parts):
            sums = np.bincount(first, weights * part_a * part_b, _BENDS - 1)
            rows = np.arange(_BENDS - 1)
            normal[rows + step_a, rows + step_b] += sums
    bend = np.diff(np.eye(_BENDS), 2, axis=0)
    held = _SMOOTH * (bend.T @ bend) + _RIDGE * np.eye(_BENDS)
    normal += weights.sum() / _BENDS * held + 1e-9 * np.eye(_BENDS)
    curve: Floats = np.linalg.lstsq(normal, wanted, rcond=None)[0]
    return curve
