"""Published metrics on the vectors of a network: identity of a pair, and distance of two sets.

What the networks look at is in `models.id_vit` and `models.inception`.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats, ShapeMismatch

ID_VIT_SCALE = 1e4
"""StyleFeatureEditor states the mean squared difference so many times as large."""


def id_vit_distance(one: Floats, other: Floats) -> float:
    """How far two faces' vectors [E] of `models.id_vit` are apart: 0 for the same picture.

    Source: metrics/metrics.py of AIRI-Institute/StyleFeatureEditor (MIT).
    """
    difference = one.astype(np.float64) - other
    return ID_VIT_SCALE * float(np.square(difference).mean())


def frechet_distance(one: Floats, other: Floats) -> float:
    """How far two sets of pictures are apart: FID, where the vectors are Inception's pool3.

    The sets are taken for normal distributions; the distance is |m - n|^2 + tr(A + B - 2 (A B)^.5)
    of their means m, n and covariances A = X'X, B = Y'Y. The roots of the eigenvalues of A B are
    the singular values of X Y', which are real and not negative however few the pictures are:
    pytorch-fid takes the root of the matrix, and adds 1e-6 to both diagonals where that fails.

    Args:
        one, other: [N, E] and [M, E], at least two vectors each.

    Returns:
        0 for equal sets. It shrinks with the number of pictures, so only figures of equal numbers
        compare; `kernel_distance` serves small sets.

    Raises:
        ShapeMismatch: fewer than two vectors, or of different lengths.

    Source: Heusel et al. 2017, equation 6.
    """
    left, right = _sets(one, other)
    mean = left.mean(0) - right.mean(0)
    spreads = [_spread(vectors) for vectors in (left, right)]
    roots = np.linalg.svd(spreads[0] @ spreads[1].T, compute_uv=False).sum()
    traces = sum(float(np.square(spread).sum()) for spread in spreads)
    return float(mean @ mean + traces - 2 * roots)


def _spread(vectors: Floats) -> Floats:
    """X of a set's covariance X'X, at most [E, E]."""
    centred = (vectors - vectors.mean(0)) / np.sqrt(len(vectors) - 1)
    narrow = len(centred) <= centred.shape[1]
    return centred if narrow else np.asarray(np.linalg.qr(centred, mode="r"))


def kernel_distance(one: Floats, other: Floats) -> float:
    """How far two sets of pictures are apart without a bias for small ones: KID.

    The squared maximum mean discrepancy by the kernel (x y / E + 1)^3, every pair of different
    vectors once; torchmetrics and clean-fid average it over random subsets, of which this is the
    limit, the same at every call.

    Args:
        one, other: [N, E] and [M, E], at least two vectors each.

    Returns:
        0 on average for samples of one distribution, and so below 0 at times.

    Raises:
        ShapeMismatch: fewer than two vectors, or of different lengths.

    Source: Binkowski et al. 2018, equation 4.
    """
    left, right = _sets(one, other)

    def kernel(x: Floats, y: Floats) -> Floats:
        return (x @ y.T / x.shape[1] + 1) ** 3

    within = 0.0
    for vectors in (left, right):
        products = kernel(vectors, vectors)
        count = len(vectors)
        within += (products.sum() - np.trace(products)) / (count * (count - 1))
    return float(within - 2 * kernel(left, right).mean())


def _sets(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    if one.ndim != 2 or other.ndim != 2 or one.shape[1:] != other.shape[1:]:
        raise ShapeMismatch(
            f"vectors of two sets must be [N, E] and [M, E], got {list(one.shape)} and "
            f"{list(other.shape)}"
        )
    if min(len(one), len(other)) < 2:
        raise ShapeMismatch(
            f"a set of pictures needs at least two, got {len(one)} and {len(other)}"
        )
    return one.astype(np.float64), other.astype(np.float64)
