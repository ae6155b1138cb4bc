"""Directions in latent spaces: boundaries of labelled codes, and modes of unlabelled ones.

Codes are rows [N, D]; D is W, or codes times W where each code may move in its own way. Boundaries
and readers are scikit-learn's, which the extra `train` brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float64]
Machine: TypeAlias = Literal["svm", "logistic"]

PENALTY = 0.05
"""Of the boundary (C of LinearSVC and LogisticRegression), on standardised entries."""

HELD_OUT_EVERY = 5
"""Every so manieth code is kept for the accuracy."""

LEAST_PER_CLASS = 10
"""Codes on either side without which no boundary is drawn."""


class TooFewLabels(ValueError):
    """An attribute has next to no codes on one side."""


def boundary(codes: Matrix, values: Matrix, machine: Machine = "svm") -> tuple[Matrix, float]:
    """Unit normal of the plane between low and high thirds, and its accuracy on unseen codes.

    A switch has two classes instead of thirds. Codes of which the value is not known (nan) are left
    out.

    Args:
        codes: [N, D].
        values: of one attribute, [N].
        machine: linear support vectors, or logistic regression.

    Raises:
        TooFewLabels: there are fewer than `LEAST_TOLD` low or high ones.

    Source: Shen et al. 2020 (InterFaceGAN), section 3.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    labelled = np.isfinite(values)
    codes, values = codes[labelled], values[labelled]
    low = high = float(values.mean()) if len(values) else 0.0
    if len(np.unique(values)) > 2:
        low, high = np.quantile(values, (1 / 3, 2 / 3))
    extreme = (values <= low) | (values > high)
    points, labels = codes[extreme], values[extreme] > high
    if min(labels.sum(), (~labels).sum()) < LEAST_PER_CLASS:
        raise TooFewLabels(
            f"{int(labels.sum())} high and {int((~labels).sum())} low ones, wanted "
            f"{LEAST_PER_CLASS} of each"
        )
    held_out = np.arange(len(points)) % HELD_OUT_EVERY == 0
    # Standardised entries make one penalty fit all generators; the normal is brought back.
    spread = points.std(0) + 1e-8
    classifier = (
        LinearSVC(C=PENALTY, dual="auto", class_weight="balanced")
        if machine == "svm"
        else LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000)
    )
    classifier.fit(points[~held_out] / spread, labels[~held_out])
    normal = classifier.coef_[0] / spread
    accuracy = classifier.score(points[held_out] / spread, labels[held_out])
    return normal / np.linalg.norm(normal), float(accuracy)


def conditioned(normal: Matrix, others: Sequence[Matrix]) -> Matrix:
    """A normal without its part in the span of others, so that their read-outs stay.

    Source: Shen et al. 2020, section 3.3 (conditional manipulation).
    """
    if not others:
        return normal / np.linalg.norm(normal)
    # Orthonormal first: subtracting one oblique normal after another would bring some back.
    basis, _ = np.linalg.qr(np.stack(others, axis=1))
    rest = normal - basis @ (basis.T @ normal)
    return rest / np.linalg.norm(rest)


def reader(codes: Matrix, values: Matrix) -> Matrix:
    """Coefficients [D] of the ridge regression that reads an attribute from codes."""
    from sklearn.linear_model import Ridge

    labelled = np.isfinite(values)
    ridge = Ridge(alpha=1e-2 * labelled.sum() * codes.var())
    return ridge.fit(codes[labelled], values[labelled]).coef_


class Mode(NamedTuple):
    """A direction that nobody labelled.

    Attributes:
        axis: unit vector, [D].
        weight: GANSpace: share of the codes' variance; SeFa: share of the features' change.
    """

    axis: Matrix
    weight: float


def principal_modes(codes: Matrix, count: int) -> list[Mode]:
    """The axes along which codes [N, D] vary most, most first.

    Source: Härkönen et al. 2020 (GANSpace), section 2.
    """
    centred = codes - codes.mean(0)
    # Of the codes themselves: squared singular values are variances, no covariance is formed.
    _, strength, axes = np.linalg.svd(centred, full_matrices=False)
    shares = strength**2 / (strength**2).sum()
    return [Mode(_with_fixed_sign(axes[i]), float(shares[i])) for i in range(min(count, len(axes)))]


def closed_form_modes(weights: Sequence[Matrix], count: int) -> list[Mode]:
    """The directions in w that change the features of styled layers most.

    Args:
        weights: of the layers' modulations, each [features, W].
        count: how many.

    Source: Shen and Zhou 2021 (SeFa), equation 5.
    """
    stacked = np.concatenate(weights)
    # |A n|^2 over unit n is largest along the leading eigenvectors of A^T A.
    values, axes = np.linalg.eigh(stacked.T @ stacked)
    order = values.argsort()[::-1][:count]
    return [Mode(_with_fixed_sign(axes[:, i]), float(values[i] / values.sum())) for i in order]


def _with_fixed_sign(axis: Matrix) -> Matrix:
    """The axis or its opposite, so that the largest entry is positive: signs are arbitrary."""
    sign = 1.0 if axis[np.abs(axis).argmax()] > 0 else -1.0
    return axis * sign
