"""foreground: tell the person from the background by depth alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from unripple.conventions import InverseDepth, Mask
from unripple.ops.clusters import core_foreground, nearer_cluster
from unripple.ops.masks import fill_small, remove_small
from unripple.stages.depth import Depth
from unripple.stages.interface import Settings, Stage, Work, knob


@dataclass(frozen=True, kw_only=True)
class ForegroundSettings(Settings):
    """Which cut is taken, the recipe says."""

    min_area_px: int = knob(12, "smaller specks are dropped", minimum=0, maximum=16384)
    cut: Literal["cluster", "core"] = "cluster"


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


def run(work: Work, settings: ForegroundSettings) -> Foreground:
    """Split both depth maps."""
    before, after = (work.input(Depth, f"depth@{of}").inverse_depth for of in ("photo", "edit"))
    min_area_px = settings.grown(before).min_area_px
    return foreground(before, after, cut=settings.cut, min_area_px=min_area_px)


STAGE = Stage(
    name="foreground",
    help="split depth into person and background",
    version=2,
    run=run,
    outputs=Foreground,
    settings=ForegroundSettings,
    edit_inputs=("depth@photo", "depth@edit"),
    shows="after",
    edit_title="foreground",
)
