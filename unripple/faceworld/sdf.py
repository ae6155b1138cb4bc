"""Signed distances of a few primitives, and smooth set operations on them.

Every function takes the coordinates apart (x, y, z as equally shaped tensors), because elementwise
chains on flat tensors are what `torch.compile` fuses best. Distances are exact or a lower bound
near the surface, except where a caller stretches space; `march` keeps a safety factor for that.

Source of the formulas: Inigo Quilez, "distance functions" (articles on iquilezles.org).
"""

from __future__ import annotations

import torch
from torch import Tensor

Scalar = Tensor | float
_TINY = 1e-9  # keeps the gradient-free square roots away from exact zero


def length(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Euclidean norm, elementwise."""
    return torch.sqrt(x * x + y * y + z * z + _TINY)


def sphere(x: Tensor, y: Tensor, z: Tensor, radius: Scalar) -> Tensor:
    """Distance to a sphere around the origin."""
    return length(x, y, z) - radius


def ellipsoid(x: Tensor, y: Tensor, z: Tensor, rx: Scalar, ry: Scalar, rz: Scalar) -> Tensor:
    """First-order distance to an ellipsoid around the origin with the given radii."""
    # The implicit function over the length of its gradient: there is no closed form, and this is
    # right to first order at the surface, where the march ends.
    ax, ay, az = x / rx, y / ry, z / rz
    k0 = length(ax, ay, az)
    k1 = length(ax / rx, ay / ry, az / rz)
    return k0 * (k0 - 1) / k1


def capsule(
    x: Tensor,
    y: Tensor,
    z: Tensor,
    start: tuple[Scalar, Scalar, Scalar],
    end: tuple[Scalar, Scalar, Scalar],
    start_radius: Scalar,
    end_radius: Scalar,
) -> Tensor:
    """Distance to a segment whose radius runs linearly from one end to the other."""
    dx, dy, dz = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    px, py, pz = x - start[0], y - start[1], z - start[2]
    # Beyond its ends the nearest point of a segment is the end: clamped.
    along = ((px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz)).clamp(0, 1)
    return length(px - dx * along, py - dy * along, pz - dz * along) - (
        start_radius + (end_radius - start_radius) * along
    )


def union(a: Tensor, b: Tensor, blend: float) -> Tensor:
    """Union of two solids, rounded within `blend` of where they meet."""
    # Quilez's quadratic smooth minimum: `blend` / 4 deep where both are equally near, and without a
    # kink where the rounding begins.
    h = torch.clamp(blend - (a - b).abs(), min=0) / blend
    return torch.minimum(a, b) - h * h * (blend * 0.25)


def intersection(a: Tensor, b: Tensor, blend: float) -> Tensor:
    """Intersection of two solids, rounded within `blend` of where they meet."""
    h = torch.clamp(blend - (a - b).abs(), min=0) / blend
    return torch.maximum(a, b) + h * h * (blend * 0.25)


def subtraction(a: Tensor, b: Tensor, blend: float) -> Tensor:
    """`a` without `b`, rounded."""
    return intersection(a, -b, blend)


def smoothstep(low: Scalar, high: Scalar, x: Tensor) -> Tensor:
    """0 at `low`, 1 at `high`, cubic between; `low` may be the larger one."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def bump(x: Tensor, width: Scalar) -> Tensor:
    """Gaussian bell of height 1: exp(-(x / width)^2)."""
    return torch.exp(-((x / width) ** 2))
