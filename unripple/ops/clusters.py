"""Splitting a depth map into what stands near and what lies behind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from unripple.conventions import Floats, InverseDepth, Mask

BINS = 256
FINE_BINS = 4096
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


def core_threshold(inverse_depth: InverseDepth) -> float:
    """The mean depth of the nearer one of the two clusters of a depth map.

    The clusters have the least sum of squares there is, over all pixels: K-means only comes near to
    that, since it stops at the first border that lies halfway between two means. Bins of a fine
    histogram, with the exact sums of their pixels, tell where such borders may lie at all; only
    there the pixels themselves are looked at.

    Args:
        inverse_depth: float [H, W], larger is nearer.

    Returns:
        The mean; the lowest depth of a flat map.

    Raises:
        ValueError: the map holds nan or infinity.
    """
    if not np.isfinite(inverse_depth).all():
        raise ValueError("the depth map holds nan or infinite values; look at the depth network")
    depths = inverse_depth.astype(np.float64).ravel()
    low, high = float(depths.min()), float(depths.max())
    if high - low <= FLAT * max(abs(low), abs(high)):
        return low
    bins = ((depths - low) * (FINE_BINS / (high - low))).astype(np.intp)
    near = _nearer_of_two(depths, bins, (high - low) / FINE_BINS)
    # Rounding must not lift the mean of equal depths above them.
    return float(np.clip(near.mean(), near.min(), near.max()))


def _nearer_of_two(depths: Floats, bins: npt.NDArray[np.intp], width: float) -> Floats:
    """The depths of the nearer cluster, given their bins from the lowest on and a bin's width."""
    counts, sums = np.bincount(bins), np.bincount(bins, depths)
    count, total, low = depths.size, float(depths.sum()), float(depths.min())
    below, mass = counts.cumsum()[:-1], sums.cumsum()[:-1]  # up to each border between two bins

    def gain(number: Floats, summed: Floats) -> Floats:
        """How much smaller a cut after the lowest ones makes the sum of squares."""
        apart: Floats = summed / number - (total - summed) / (count - number)
        return number * (count - number) * apart**2

    def halfway(number: Floats, summed: Floats) -> Floats:
        middle: Floats = (summed / number + (total - summed) / (count - number)) / 2
        return middle

    gains = gain(below, mass)
    best, at, value = float(gains.max()), int(gains.argmax()), np.inf
    # A best border lies halfway between the means; that point rises with the border.
    middles = halfway(below, mass)
    lowest, highest = (low + total / count) / 2, (depths.max() + total / count) / 2
    starts = low + width * np.arange(len(counts))
    reaches = np.append(middles, highest) >= starts - width
    reaches &= np.insert(middles, 0, lowest) <= starts + 2 * width
    for number in np.flatnonzero(reaches & (counts > 1)):
        inside = np.sort(depths[bins == number])
        before = int(below[number - 1]) if number else 0
        summed = (float(mass[number - 1]) if number else 0.0) + inside.cumsum()[:-1]
        gains = gain(before + np.arange(1.0, len(inside)), summed)
        if gains.max() > best:
            best, at, value = float(gains.max()), int(number), inside[gains.argmax() + 1]
    near: Floats = depths[(bins > at) | ((bins == at) & (depths >= value))]
    return near


def core_foreground(inverse_depth: InverseDepth) -> Mask:
    """Mark the core of the foreground: at least as near as the nearer cluster is on average.

    Everything in a flat map, where nothing lies behind.

    Source: valentingol/gan-face-editing (MIT), pipeline/depth_segmentation.py, which took cluster 0
    for the nearer one whichever it was.
    """
    core: Mask = inverse_depth >= core_threshold(inverse_depth)
    return core
