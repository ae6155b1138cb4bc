"""foreground: tell the person from the background by depth alone."""

from __future__ import annotations

from typing import Literal, NamedTuple

from unripple.conventions import InverseDepth, Mask
from unripple.ops.clusters import core_foreground, nearer_cluster
from unripple.ops.masks import fill_small, remove_small


class Foreground(NamedTuple):
    """The parts of this stage, each bool [H, W]: the nearer cluster of photo and edited picture."""

    before: Mask
    after: Mask


def foreground(
    depth_before: InverseDepth,
    depth_after: InverseDepth,
    *,
    cut: Literal["cluster", "core"] = "cluster",
    min_area_px: int = 0,
) -> Foreground:
    """Split both depth maps in two and keep what is near.

    Args:
        depth_before, depth_after: inverse depth of photo and edited picture, float32 [H, W].
        cut: what counts as near: the nearer one of two clusters, or what is at least as near as
            that cluster is on average (its core).
        min_area_px: specks of fewer pixels are dropped and pinpricks of fewer closed.

    Returns:
        Both masks. Of a flat map, which shows no foreground, the cluster is all False, and the core
        all True.
    """
    near = core_foreground if cut == "core" else nearer_cluster
    before, after = (
        remove_small(fill_small(near(depths), max(min_area_px - 1, 0)), min_area_px)
        for depths in (depth_before, depth_after)
    )
    return Foreground(before, after)
