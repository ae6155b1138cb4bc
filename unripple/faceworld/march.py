"""Sphere tracing: from rays to the points where they meet a person.

Cones first, at an eighth and a half of the resolution, so that fine rays start just before the
surface; then fine steps on the rays that can still hit, and more steps on the few that graze
(without those, silhouettes show dotted holes).
"""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z, View, ray_directions
from unripple.faceworld.shade import SurfacePoints, light_direction
from unripple.faceworld.solid import Person

NEAREST = CAMERA_Z - 1.75  # nothing of a person is closer to the camera
FARTHEST = CAMERA_Z + 1.45
_STEP = 0.9  # distances of blended and stretched solids are a little too long
_COARSE, _MEDIUM = 8, 2
_COARSE_STEPS, _MEDIUM_STEPS, _FINE_STEPS = 22, 8, 12
_GRAZING_STEPS = (20, 30, 50)  # rounds; each goes on with the rays that the last left in the air
_NORMAL_OFFSET = 0.0045

Rays = tuple[Tensor, Tensor, Tensor]


def _points_at(rays: Rays, t: Tensor) -> Rays:
    return rays[0] * t, CAMERA_HEIGHT + rays[1] * t, CAMERA_Z + rays[2] * t


def pixel_centres(view: View, every: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Centres of blocks of `every` x `every` pixels: columns and rows, each [blocks]."""
    columns = (torch.arange(view.width // every, device=device) + 0.5) * every
    rows = (torch.arange(view.height // every, device=device) + 0.5) * every
    row, column = torch.meshgrid(rows, columns, indexing="ij")  # [rows, columns] each
    return column.reshape(-1), row.reshape(-1)


def start_distances(person: Person, view: View) -> Tensor:
    """A safe distance along every pixel's ray from which to march on, float32 [B, H * W].

    Valid for any ray within the pixel. Width and height must be multiples of 8.
    """
    values = person.shape.values
    batch, device = values.shape[1], values.device
    cone = view.units_per_px / CAMERA_Z * 0.72  # half diagonal of a pixel per unit of distance
    t = torch.full(
        (batch, (view.height // _COARSE) * (view.width // _COARSE)), NEAREST, device=device
    )
    # Cone marching: a step is safe for all rays of a block while the free sphere around its middle
    # ray is wider than the block's cone there.
    for every, steps in ((_COARSE, _COARSE_STEPS), (_MEDIUM, _MEDIUM_STEPS)):
        if every == _MEDIUM:
            t = _upsampled(t, view, _COARSE, _MEDIUM)
        column, row = pixel_centres(view, every, device)
        dx, dy, dz = (axis.expand(batch, -1) for axis in ray_directions(view, column, row))
        for _ in range(steps):
            free = person.distance(*_points_at((dx, dy, dz), t)) - cone * every * t
            # More cautious than `_STEP`: what a cone skips, no finer ray can find again.
            t = t + 0.85 * free.clamp(min=0)
    return _upsampled(t, view, _MEDIUM, 1)


def _upsampled(t: Tensor, view: View, coarse: int, fine: int) -> Tensor:
    """Each block's distance for the smaller blocks within it."""
    times = coarse // fine
    grid = t.view(t.shape[0], view.height // coarse, 1, view.width // coarse, 1)
    return grid.expand(-1, -1, times, -1, times).reshape(t.shape[0], -1)  # [B, blocks]


def hit(person: Person, rays: Rays, t: Tensor, precision: float) -> tuple[Tensor, Tensor]:
    """March rays to the surface.

    Args:
        person: the batch of people.
        rays: unit directions, each [B, N].
        t: safe start distances [B, N].
        precision: how close counts as a hit, world units.

    Returns:
        distances along the rays [B, N], and whether they hit, bool [B, N].
    """
    # The same number of steps for all: most rays arrive, and a test per step would cost more.
    for _ in range(_FINE_STEPS):
        t = t + _STEP * person.distance(*_points_at(rays, t))
    gap = person.distance(*_points_at(rays, t))
    # A ray along a silhouette comes near the surface and so makes ever smaller steps. Only such
    # rays go on, gathered at the front of their rows.
    for steps in _GRAZING_STEPS:
        grazing = (gap >= precision * 0.5) & (t < FARTHEST)
        most = int(grazing.sum(1).max())
        if most == 0:
            break
        order = torch.argsort(grazing.to(torch.uint8), dim=1, descending=True, stable=True)
        # Rounded up, so that few different shapes occur.
        order = order[:, : min(-(-most // 256) * 256, t.shape[1])]
        few_rays = (rays[0].gather(1, order), rays[1].gather(1, order), rays[2].gather(1, order))
        # Rows are padded to one length with rays that have arrived; those stay where they are.
        marching = grazing.gather(1, order)
        few_t = t.gather(1, order)
        for _ in range(steps):
            few_t = torch.where(
                marching, few_t + _STEP * person.distance(*_points_at(few_rays, few_t)), few_t
            )
        t = t.scatter(1, order, few_t)
        gap = gap.scatter(1, order, person.distance(*_points_at(few_rays, few_t)))
    return t, (gap < precision) & (t < FARTHEST)


def surface(person: Person, factors: Tensor, rays: Rays, t: Tensor) -> SurfacePoints:
    """Normals, ambient occlusion and soft shadow at hit points."""
    x, y, z = _points_at(rays, t)
    # The gradient from the corners of a tetrahedron: four evaluations where central differences
    # take six (Quilez, "normals for an SDF").
    e = _NORMAL_OFFSET
    a = person.distance(x + e, y - e, z - e)
    b = person.distance(x - e, y - e, z + e)
    c = person.distance(x - e, y + e, z - e)
    d = person.distance(x + e, y + e, z + e)
    nx, ny, nz = a - b - c + d, -a - b + c + d, -a + b - c + d
    unit = torch.rsqrt(nx * nx + ny * ny + nz * nz + 1e-12)
    nx, ny, nz = nx * unit, ny * unit, nz * unit

    def openness(reach: float) -> Tensor:
        free = person.distance(x + nx * reach, y + ny * reach, z + nz * reach)
        return (free / reach).clamp(0, 1)

    # The near sample darkens creases, the far one whole hollows. Neither goes to 0: light comes
    # round.
    occlusion = (0.35 + 0.65 * openness(0.09)) * (0.55 + 0.45 * openness(0.30))
    lx, ly, lz = light_direction(factors)
    # Soft shadow: the narrowest passage on the way to the light, over the way so far, is the share
    # of a lamp of some extent that is seen (Quilez, "soft shadows in raymarched SDFs").
    shadow, travelled = torch.ones_like(t), torch.full_like(t, 0.05)
    for _ in range(7):
        gap = person.distance(
            # Off the surface, or every point would lie in its own shadow.
            x + nx * 0.02 + lx * travelled,
            y + ny * 0.02 + ly * travelled,
            z + nz * 0.02 + lz * travelled,
        )
        shadow = torch.minimum(shadow, (0.5 + 0.5 * gap / (0.10 * travelled + 0.01)).clamp(0, 1))
        # At least so far, or it would creep along the surface; at most, or thin parts are missed.
        travelled = travelled + gap.clamp(0.035, 0.25)
    # A smooth step hides the kinks where the penumbra begins and ends.
    shadow = shadow * shadow * (3 - 2 * shadow)
    return SurfacePoints(x, y, z, nx, ny, nz, *rays, t, occlusion, shadow)
