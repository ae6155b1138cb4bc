"""EditFlowNet, a small network of ours: optical flow from an edited picture back to its photo.

HFGI's aligner redraws a residual by convolutions where the edited picture needs it. A turn of the
head moves it by tens of pixels, which few convolutions can do; sampling it at the right places can.
The poses of the pictures, read by a frozen `PoseNet`, give a first coarse flow. Then two feature
pyramids, of the photo and of the edited picture, are compared from coarse to fine: the photo's
features, warped by the flow so far, and the edited picture's give the flow's correction. Its keys
begin with `motion.` in hfgi files.

Source of the idea: Sun et al. 2018 (PWC-Net), section 3; poses and gates are ours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.conv_bn import ConvBNReLU, halving_levels
from unripple.models.layers.precision import full_precision
from unripple.models.pose import DEGREES_PER_UNIT, PoseNet
from unripple.models.pose import sizes_from_state as pose_sizes

Layer = TypeVar("Layer", bound=nn.Module)

GRID = 8
"""Side of the coarse flow that the poses give."""


class Flow(NamedTuple):
    """Backward optical flow from an edited picture to its photo, and how far it is to be believed.

    Attributes:
        offsets: from each pixel to its origin, x and y, float32 [B, 2, H, W]; 2 is the whole side.
        visibility: share of the photo's details that belong there, [B, 1, H, W] in [0, 1]. 0 where
            the point is occluded in the photo.
        redraw_error: share of what the two drawn pictures differ by, beyond the flow, that is the
            generator's fault and no edit, [B, 1, H, W] in [0, 1].
    """

    offsets: Tensor
    visibility: Tensor
    redraw_error: Tensor


def warp(pixels: Tensor, offsets: Tensor) -> Tensor:
    """Backward warping: each pixel of the result is sampled at its origin.

    Args:
        pixels: [B, C, H, W].
        offsets: see `Flow`, [B, 2, H, W]. Origins outside take the border's colour.

    Returns:
        float32 [B, C, H, W].
    """
    with full_precision(pixels):  # half of the bits cannot tell pixels apart
        origins = pixel_centres(pixels) + offsets.float().permute(0, 2, 3, 1)  # [B, H, W, 2]
        return F.grid_sample(pixels.float(), origins, padding_mode="border", align_corners=False)


def pixel_centres(pixels: Tensor) -> Tensor:
    """(x, y) of the pixels of maps [..., H, W], as `grid_sample` counts, in [-1, 1], [H, W, 2]."""
    y, x = (
        (torch.arange(side, device=pixels.device) * 2 + 1) / side - 1 for side in pixels.shape[-2:]
    )
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack((columns, rows), dim=-1)


class Details(NamedTuple):
    """What a photo has to say about an edited picture.

    Attributes:
        warped: to be added to the edited picture, [B, 3, H, W].
        visibility: see `Flow`.
    """

    warped: Tensor
    visibility: Tensor

    @property
    def visible(self) -> Tensor:
        """The part that is to be believed, [B, 3, H, W]."""
        return self.visibility * self.warped

    def laid_over(self, drawn: Tensor, plain: Tensor, *, strength: float = 1.0) -> Tensor:
        """Put them into a drawing, where they are to be believed.

        Args:
            drawn: the edited picture by any generator, [B, 3, H, W].
            plain: the one without details that they belong to, likewise.
            strength: factor on the share that they take, which is 1 at most.
        """
        return torch.lerp(drawn, plain + self.warped, (strength * self.visibility).clamp(max=1))


def warped_details(flow: Flow, residual: Tensor, before: Tensor, after: Tensor) -> Details:
    """Warp a photo's details to where the edit has them.

    Args:
        flow: of the edit.
        residual: photo minus its redrawing, [B, 3, H, W].
        before: that redrawing, [B, 3, H, W] in [-1, 1].
        after: the edited picture, likewise.
    """
    # Where the difference of the drawings is the generator's fault, the residual becomes the warped
    # photo minus the edit, so that the photo itself shows; where it is the edit, the edit stays.
    warped = warp(torch.cat((residual, before), dim=1), flow.offsets)
    details, drawn = warped.chunk(2, dim=1)
    return Details(details + flow.redraw_error * (drawn - after), flow.visibility)


def flip_averaged(
    net: Callable[[Tensor, Tensor, Tensor], Flow], photo: Tensor, before: Tensor, after: Tensor
) -> Flow:
    """Find the flow of pictures and of their mirror images: the mean is nearer to the truth.

    Args:
        net: see `EditFlowNet`.
        photo, before, after: see `EditFlowNet.forward`.
    """
    straight = net(photo, before, after)
    mirrored = net(photo.flip(3), before.flip(3), after.flip(3))
    offsets, visibility, redraw_error = (part.flip(3) for part in mirrored)
    # In a mirror, a point from further right comes from further left.
    offsets = torch.stack((-offsets[:, 0], offsets[:, 1]), dim=1)
    back = Flow(offsets, visibility, redraw_error)
    return Flow(*((one + other) / 2 for one, other in zip(straight, back, strict=True)))


class EditFlowNet(nn.Module):
    """The network.

    Args:
        widths: channels at 1/2, 1/4, 1/8, ... of the side, at least two.
        hidden: channels between the poses and the coarsest offsets.
        pose: arguments of the `PoseNet`, which does not learn here.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (24, 40, 64, 96),
        hidden: int = 128,
        pose: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"widths: got {len(widths)} numbers, wanted at least 2")
        self.photo = _FeaturePyramid(6, widths)
        self.edited = _FeaturePyramid(3, widths)
        deepest = widths[-1]
        self.pose = PoseNet(**(pose or {})).eval().requires_grad_(False)
        self.turned = nn.Sequential(
            nn.Linear(9, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.coarsest = _zeroed(nn.Linear(hidden, 2 * GRID * GRID))
        self.near = ConvBNReLU(2 * deepest + 2, deepest)
        finer = list(itertools.pairwise(reversed(widths)))
        self.compare = nn.ModuleList(
            nn.Sequential(ConvBNReLU(2 * width + deeper + 2, width), ConvBNReLU(width, width))
            for deeper, width in finer
        )
        self.correct = nn.ModuleList(_zeroed(nn.Conv2d(width, 2, 3, 1, 1)) for _, width in finer)
        self.gates = nn.Conv2d(widths[0], 2, 3, 1, 1)

    def train(self, mode: bool = True) -> Self:
        """Let all learn but the pose net."""
        super().train(mode)
        self.pose.eval()
        return self

    def forward(self, photo: Tensor, before: Tensor, after: Tensor) -> Flow:
        """Find the flow from an edited picture to its photo.

        Args:
            photo: [B, 3, S, S] in [-1, 1], S a multiple of 2 ** len(widths).
            before: its redrawing, likewise.
            after: the redrawing's edit, likewise.
        """
        # The redrawing beside the photo: it shows what the generator makes of the face, as the edit
        # does, so that like is compared with like.
        old = self.photo(torch.cat((photo, before), dim=1))
        new = self.edited(after)
        with full_precision(photo):
            # Of all three pictures: the drawing of the photo may be turned a little otherwise than
            # the photo.
            poses = self.pose(torch.cat((photo, before, after)).float()) / DEGREES_PER_UNIT
            hidden = self.turned(torch.cat(poses.chunk(3), dim=1))
            offsets = self.coarsest(hidden).view(-1, 2, GRID, GRID)
        size = new[-1].shape[2:]
        offsets = F.interpolate(offsets, size=size, mode="bilinear", align_corners=False)
        # The coarsest level: warped by the poses' flow first, or a large turn would lie beyond what
        # its convolutions can compare.
        warped = warp(old.pop(), offsets)
        x = self.near(torch.cat((warped, new.pop(), offsets), dim=1))
        # Coarse to fine (PWC-Net, section 3), but without a cost volume: after the poses' flow what
        # is left is smaller than a filter.
        for compare, correct in zip(self.compare, self.correct, strict=True):
            offsets, x = _doubled(offsets), F.interpolate(x, scale_factor=2.0)
            warped = warp(old.pop(), offsets)
            x = compare(torch.cat((warped, new.pop(), x.float(), offsets), dim=1))
            # Residual, and zero at first: a new net says that nothing moves beyond the poses' flow.
            offsets = offsets + correct(x).float()
        # Enlarged as logits, which keeps the borders of what is visible sharper than enlarged
        # shares.
        visibility, redraw_error = _doubled(self.gates(x).float()).sigmoid().chunk(2, dim=1)
        return Flow(_doubled(offsets), visibility, redraw_error)


class _FeaturePyramid(nn.Module):
    """A picture's features at every level, coarsest last."""

    def __init__(self, fan_in: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.levels = halving_levels((fan_in, *widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        pyramid = []
        for level in self.levels:
            x = level(x)
            pyramid.append(x)
        return pyramid


def _zeroed(layer: Layer) -> Layer:
    """A layer that starts by predicting no flow at all."""
    for weights in layer.parameters():
        nn.init.zeros_(weights)
    return layer


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `EditFlowNet` from its state dict."""
    key = "edited.levels.{}.0.conv.weight"
    levels = itertools.takewhile(lambda n: key.format(n) in state, itertools.count())
    widths = tuple(state[key.format(n)].shape[0] for n in levels)
    pose = {k.removeprefix("pose."): v for k, v in state.items() if k.startswith("pose.")}
    hidden = state["coarsest.weight"].shape[1]
    return {"widths": widths, "hidden": hidden, "pose": pose_sizes(pose)}
