"""depth: how near every pixel is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from unripple.conventions import InverseDepth, Photo
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited
from unripple.stages.interface import Settings, Stage, Work

if TYPE_CHECKING:
    from torch import Tensor

MULTIPLE = 32  # of which both sides of the network's input must be


class Depth(NamedTuple):
    """The part of this stage: float32 [H, W], larger is nearer."""

    inverse_depth: InverseDepth


def net_size(width: int, height: int, target_px: int) -> tuple[int, int]:
    """Width and height at which the network looks: the nearer side becomes `target_px`.

    Of the two scales that bring one side to the target, the one closer to 1 is used for both sides,
    and the sides are rounded to multiples of 32. Source: `run_monodepth.py` of isl-org/DPT.
    """
    by_width, by_height = target_px / width, target_px / height
    scale = by_width if abs(1 - by_width) < abs(1 - by_height) else by_height
    across, down = (round(scale * side / MULTIPLE) * MULTIPLE for side in (width, height))
    return across, down


def depth(picture: Photo, network: Callable[[Tensor], Tensor], *, net_size_px: int) -> InverseDepth:
    """Estimate the inverse depth of every pixel, up to an unknown scale and shift.

    Args:
        picture: uint8 [H, W, 3].
        network: DPT, float [B, 3, h, w] in [-1, 1] -> inverse depth [B, h, w].
        net_size_px: target of the network's input, px (384 for the published ones).

    Returns:
        float32 [H, W], larger is nearer.

    Source: `run_monodepth.py` of isl-org/DPT (bicubic both ways).
    """
    import torch
    import torch.nn.functional as F

    from unripple.ops.tensors import device_of

    height, width = picture.shape[:2]
    size = net_size(width, height, net_size_px)
    values = picture.astype(np.float32) / 127.5 - 1
    if size != (width, height):  # in float64, as published
        exact = picture.astype(np.float64) / 127.5 - 1
        values = cv2.resize(exact, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    with torch.inference_mode():
        looked = torch.from_numpy(values).permute(2, 0, 1)[None]  # [1, 3, h, w]
        estimated = network(looked.contiguous().to(device_of(network))).float()
        if estimated.shape[-2:] != (height, width):
            estimated = F.interpolate(
                estimated[:, None], size=(height, width), mode="bicubic", align_corners=False
            )[:, 0]
        inverse_depth: InverseDepth = estimated[0].cpu().numpy().astype(np.float32)
    return inverse_depth


def run(work: Work, settings: Settings) -> Depth:  # noqa: ARG001
    """Estimate inverse depth."""
    if work.has("edit"):
        picture = work.input(Edited, "edit").picture
    else:
        picture = work.input(Aligned, "align").picture
    model = work.load("depth")
    return Depth(depth(picture, model.net, net_size_px=model.size_px))


STAGE = Stage(
    name="depth",
    help="estimate inverse depth",
    version=1,
    run=run,
    outputs=Depth,
    photo_inputs=("align",),
    edit_inputs=("edit",),
    shows="inverse_depth",
    photo_title="depth before",
    edit_title="depth after",
    in_strip=True,
    roles=lambda _: ("depth",),
)
