"""Splitting a depth map into what stands near and what lies behind."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from unripple.conventions import InverseDepth, Mask

BINS = 256
FLAT = 1e-6  # relative range below which a depth map shows one plane and rounding noise


def nearer_cluster(inverse_depth: InverseDepth) -> Mask:
    """Mark the nearer one of the two clusters that K-means finds in a depth map.

    K-means runs on a histogram whose bins are weighted by their pixels: the same two clusters as on
    all pixels, in a millisecond. Which of them is the foreground is told by its depth, never by the
    number K-means happened to give it.

    Args:
        inverse_depth: float [H, W], larger is nearer.

    Returns:
        bool [H, W], True on the cluster with the larger mean inverse depth. All False when the map
        is flat, since then there is no foreground to speak of.

    Raises:
        ValueError: the map holds nan or infinity.

    Source: Lim 2022 (two clusters of a depth map).
    """
    if not np.isfinite(inverse_depth).all():
        raise ValueError("the depth map holds nan or infinite values; look at the depth network")
    depths = inverse_depth.astype(np.float64)
    low, high = depths.min(), depths.max()
    if high - low <= FLAT * max(abs(low), abs(high)):
        return np.zeros(depths.shape, np.bool_)
    counts, edges = np.histogram(depths, bins=BINS, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    kmeans = KMeans(n_clusters=2, init=np.array([[low], [high]]), n_init=1)
    kmeans.fit(centres[:, None], sample_weight=counts)
    threshold = kmeans.cluster_centers_.mean()  # halfway: nearest centre wins
    nearer: Mask = depths > threshold
    return nearer
