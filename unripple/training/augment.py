"""Chance changes of training pictures: light, blur, noise, ghosts, flips and similarities.

Pictures are float32 [B, 3, S, S] in [-1, 1]; every random number comes from the generator that is
handed in, so that a resumed training draws as an uninterrupted one. What differs from picture to
picture is drawn per picture; the width of a blur is drawn per batch, because one filter is cheaper.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face

MIRRORED = {
    Face.LEFT_BROW: Face.RIGHT_BROW,
    Face.LEFT_EYE: Face.RIGHT_EYE,
    Face.LEFT_EAR: Face.RIGHT_EAR,
}


def uniform(rng: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """Uniform numbers in [low, high)."""
    return torch.rand(*shape, generator=rng) * (high - low) + low


def chosen(rng: torch.Generator, chance: float, count: int) -> Tensor:
    """Which of `count` pictures something happens to, float 0 or 1, [count, 1, 1, 1]."""
    return (torch.rand(count, 1, 1, 1, generator=rng) < chance).float()


def photometric(pictures: Tensor, rng: torch.Generator, *, strength: float = 1.0) -> Tensor:
    """Change exposure, contrast, saturation and colour of each picture.

    Args:
        pictures: [B, 3, S, S].
        rng: where the chance comes from.
        strength: 1 moves brightness by up to 0.2 of the range and contrast by up to a quarter.
    """
    n = len(pictures)
    contrast = torch.exp(uniform(rng, -0.25, 0.25, n, 1, 1, 1) * strength)
    saturation = 1 + uniform(rng, -0.3, 0.3, n, 1, 1, 1) * strength
    tint = uniform(rng, -0.12, 0.12, n, 3, 1, 1) * strength
    shift = uniform(rng, -0.3, 0.3, n, 1, 1, 1) * strength + tint
    contrast, saturation, shift = (t.to(pictures) for t in (contrast, saturation, shift))
    grey = pictures.mean(1, keepdim=True)
    # grey + saturation * (pictures - grey), then contrast and shift, in two passes over the pixels
    changed = pictures * (contrast * saturation)
    changed += grey * (contrast * (1 - saturation)) + shift
    return changed.clamp_(-1, 1)


def noisy(pictures: Tensor, rng: torch.Generator, *, most: float = 0.08) -> Tensor:
    """Add white noise to half of the pictures, of a standard deviation up to `most`."""
    n = len(pictures)
    sigma = chosen(rng, 0.5, n) * uniform(rng, 0, most, n, 1, 1, 1)
    noise = torch.randn(pictures.shape, generator=rng) * sigma
    return pictures + noise.to(pictures)


def gaussian_blur(pictures: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian of `sigma` pixels; the border is reflected."""
    radius = max(1, math.ceil(2.5 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    taps = torch.exp(-offsets.square() / (2 * sigma**2))
    taps = (taps / taps.sum()).to(pictures)
    channels = pictures.shape[1]
    padded = F.pad(pictures, (radius, radius, radius, radius), mode="reflect")
    across = taps.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    blurred = F.conv2d(padded, across, groups=channels)
    return F.conv2d(blurred, across.transpose(2, 3), groups=channels)


def soften(
    pictures: Tensor,
    rng: torch.Generator,
    *,
    chance: float = 0.5,
    person: Tensor | None = None,
) -> Tensor:
    """Blur some pictures, as a generator does: half of the time by shrinking and enlarging them.

    Args:
        pictures: [B, 3, S, S].
        rng: where the chance comes from.
        chance: share of the pictures that are blurred.
        person: alpha [B, 1, S, S]; if given, it stays sharp in half of the blurred pictures.
    """
    n, side = len(pictures), pictures.shape[-1]
    strength = float(uniform(rng, 0, 1, 1))
    if float(torch.rand(1, generator=rng)) < 0.5:
        blurred = gaussian_blur(pictures, 0.5 + 1.5 * strength)
    else:
        small = max(8, round(side / (1.3 + 2.2 * strength)))
        blurred = F.interpolate(pictures, size=(small, small), mode="area")
        blurred = F.interpolate(blurred, size=(side, side), mode="bilinear", align_corners=False)
    share = (chosen(rng, chance, n) * uniform(rng, 0.3, 1, n, 1, 1, 1)).to(pictures)
    if person is not None:
        share = share * (1 - person * chosen(rng, 0.5, n).to(pictures))
    return torch.lerp(pictures, blurred, share.expand_as(pictures))


def ghosted(
    pictures: Tensor,
    ghosts: Tensor,
    ghost_alpha: Tensor,
    rng: torch.Generator,
    *,
    chance: float = 0.5,
    most: float = 0.4,
) -> Tensor:
    """Let another person shine through some pictures, shifted sideways: what an edit leaves behind.

    Args:
        pictures: [B, 3, S, S].
        ghosts: pictures of whom to show, [B, 3, S, S]; best the same people at another pose.
        ghost_alpha: where those stand, [B, 1, S, S] in [0, 1].
        rng: where the chance comes from.
        chance: share of the pictures that get a ghost.
        most: its largest opacity.
    """
    n = len(pictures)
    opacity = chosen(rng, chance, n) * uniform(rng, 0, most, n, 1, 1, 1)
    step = int(torch.randint(-8, 9, (1,), generator=rng))
    share = ghost_alpha.roll(step, 3) * opacity.to(pictures)
    return torch.lerp(pictures, ghosts.roll(step, 3), share.expand_as(pictures))


def swap_sides(labels: Tensor) -> Tensor:
    """Labels for a picture that is then mirrored: the person's left parts become right ones."""
    table = torch.arange(len(Face), dtype=labels.dtype, device=labels.device)
    for left, right in MIRRORED.items():
        table[left], table[right] = int(right), int(left)
    return table[labels.int()]


def is_mirrored(affine: Tensor) -> Tensor:
    """Which of the maps [B, 2, 3] mirror, bool [B]."""
    (a, b), (c, d) = (row.unbind(1) for row in affine[:, :, :2].unbind(1))
    return a * d - b * c < 0


def similarity(
    degrees: Tensor, scale: Tensor, shift: Tensor, flipped: Tensor | None = None
) -> Tensor:
    """Affine maps from the picture's coordinates to the changed picture's, as [B, 2, 3].

    Coordinates are those of `affine_grid`: (x, y) in [-1, 1] with y downwards. First comes the flip
    of x, then the rotation about the centre, the scale, and the shift.

    Args:
        degrees: counter-clockwise as one sees it, [B].
        scale: above 1 enlarges, [B].
        shift: in half sides, [B, 2].
        flipped: 1 where the picture is mirrored first, [B].
    """
    angle = degrees * (math.pi / 180)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    across = torch.stack((cos, sin), dim=1)  # y points down: counter-clockwise has the sine's sign
    down = torch.stack((-sin, cos), dim=1)
    linear = torch.stack((across, down), dim=1)  # [B, 2, 2]
    if flipped is not None:
        mirror = torch.stack((1 - 2 * flipped, torch.ones_like(flipped)), dim=1)
        linear = linear * mirror[:, None, :]
    return torch.cat((linear, shift[:, :, None]), dim=2)


def inverted(affine: Tensor) -> Tensor:
    """The inverse maps, [B, 2, 3]."""
    linear = torch.linalg.inv(affine[:, :, :2])
    return torch.cat((linear, -linear @ affine[:, :, 2:]), dim=2)


def warp(
    images: Tensor, affine: Tensor, *, mode: str = "bilinear", padding: str = "reflection"
) -> Tensor:
    """Move images [B, C, S, S] by forward maps [B, 2, 3] of `similarity`."""
    grid = F.affine_grid(inverted(affine).to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=False)


def move_points(points: Tensor, affine: Tensor) -> Tensor:
    """Move points [B, N, 2], given in units of the side (0 to 1), by the same maps."""
    centred = points * 2 - 1
    moved = centred @ affine[:, :, :2].transpose(1, 2) + affine[:, None, :, 2]
    return (moved + 1) / 2


def jitter(
    rng: torch.Generator,
    count: int,
    *,
    degrees: float = 10.0,
    zoom: float = 0.15,
    shift: float = 0.1,
    flip: bool = True,
) -> Tensor:
    """Small random similarities around the aligned framing, [count, 2, 3]; half are mirrored."""
    return similarity(
        uniform(rng, -degrees, degrees, count),
        torch.exp(uniform(rng, -zoom, zoom, count)),
        uniform(rng, -shift, shift, count, 2),
        (torch.rand(count, generator=rng) < 0.5).float() if flip else None,
    )
