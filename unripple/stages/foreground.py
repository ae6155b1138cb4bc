"""foreground: tell the person from the background by depth alone."""

from __future__ import annotations

from typing import NamedTuple

from unripple.conventions import InverseDepth, Mask
from unripple.ops.clusters import nearer_cluster
from unripple.ops.masks import fill_small, remove_small


class Foreground(NamedTuple):
    """The parts of this stage, each bool [H, W]: the nearer cluster of photo and edited picture."""

    before: Mask
    after: Mask


def foreground(
    depth_before: InverseDepth, depth_after: InverseDepth, *, min_area_px: int = 0
) -> Foreground:
    """Split both depth maps in two and keep what is near.

    Args:
        depth_before, depth_after: inverse depth of photo and edited picture, float32 [H, W].
        min_area_px: specks of fewer pixels are dropped and pinpricks of fewer closed.

    Returns:
        Both masks; one is all False where its map is flat and shows no foreground.
    """
    before, after = (
        remove_small(fill_small(nearer_cluster(depths), max(min_area_px - 1, 0)), min_area_px)
        for depths in (depth_before, depth_after)
    )
    return Foreground(before, after)
