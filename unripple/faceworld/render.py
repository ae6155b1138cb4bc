"""Pictures of people with everything that is true about them.

`render` traces one ray per pixel, then four more in every pixel where materials or depths meet, so
that silhouettes, lashes and rims are smooth at little more than the cost of one ray.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import Face
from unripple.faceworld import camera, march
from unripple.faceworld.anatomy import nose_tip_y
from unripple.faceworld.camera import CAMERA_Z, View
from unripple.faceworld.factors import INDEX, pose_deg, with_factors
from unripple.faceworld.plates import draw_plate
from unripple.faceworld.shade import shade
from unripple.faceworld.shape import Shape, rotation, shape_from_factors
from unripple.faceworld.solid import Person

VERSION = 1
"""Raised whenever the same factors and seed give other bytes."""

_EXPOSURE = 1.35
_SUBPIXELS = ((0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875))  # rotated grid
_NO_HIT = 1e3  # depth where a ray meets nobody
_BLOCK = 8  # pictures are traced in blocks of this many pixels a side


class RenderedFaces(NamedTuple):
    """Rendered faces and their truth.

    Attributes:
        photo: uint8 [B, 3, H, W].
        plate: uint8 [B, 3, H, W], the clean background.
        labels: uint8 [B, H, W], `Face` of the pixel's centre ray, or of most of its rays at edges.
        inverse_depth: float32 [B, H, W], 1 / (distance along the axis to the camera), world units.
        alpha: uint8 [B, H, W], share of the pixel that the person covers, 255 is all.
        landmarks: float32 [B, 5, 2] px: eyes, nose tip, mouth corners, left to right in the picture
            of an unturned head.
        pose_deg: float32 [B, 3]: yaw, pitch, roll.
        factors: float32 [B, len(FACTORS)].
        seeds: int64 [B], detail seeds.
    """

    photo: Tensor
    plate: Tensor
    labels: Tensor
    inverse_depth: Tensor
    alpha: Tensor
    landmarks: Tensor
    pose_deg: Tensor
    factors: Tensor
    seeds: Tensor


@torch.no_grad()
def render(
    factors: Tensor,
    seeds: Tensor,
    *,
    size: int = 128,
    view: View | None = None,
    compiled: bool = False,
    plates: Tensor | None = None,
) -> RenderedFaces:
    """Render faces.

    The same arguments give the same bytes on the CPU (per setting of `compiled`: fused arithmetic
    rounds differently).

    Args:
        factors: float32 [B, len(FACTORS)], on the device to render on.
        seeds: int64 [B], 0 or more: detail of background, strands and freckles.
        size: side of a portrait, pixels, a multiple of 8; ignored when `view` is given.
        view: another window of the world, its sides multiples of 8.
        compiled: fuse the arithmetic by `torch.compile` (needs a C compiler; about 8 times faster
            after a minute of warm-up).
        plates: uint8 [B, 3, H, W] to reuse instead of drawing them.

    Raises:
        ValueError: a side is no multiple of 8.
    """
    window = view or camera.portrait(size)
    if window.width % _BLOCK or window.height % _BLOCK:
        raise ValueError(f"sides must be multiples of {_BLOCK}, got {window.width}x{window.height}")
    shape = shape_from_factors(factors, _phases(seeds).to(factors))
    person = Person(shape, compiled=compiled)
    layers = _trace(person, factors, window)
    if plates is None:
        plates = draw_plates(factors, seeds, window)
    background = plates.to(factors.device).float().permute(0, 2, 3, 1) / 255  # [B, H, W, 3]
    # Tone-mapped before it is blended: the plate is in display values, and so is the truth that
    # alpha composites must give.
    alpha = layers.share[..., None]
    photo = _tone_mapped(layers.light) * alpha + background * (1 - alpha)
    behind = torch.tensor([_plate_depth(int(kind)) for kind in factors[:, INDEX["plate_kind"]]])
    far = (CAMERA_Z + behind).to(factors)[:, None, None]
    # One depth and one label per pixel: of whoever covers most of it.
    depth = torch.where(layers.share >= 0.5, layers.depth, far)
    return RenderedFaces(
        photo=_to_bytes(photo).permute(0, 3, 1, 2).contiguous(),
        plate=plates,
        labels=torch.where(layers.share >= 0.5, layers.labels, int(Face.BACKGROUND)).to(
            torch.uint8
        ),
        inverse_depth=1 / depth,
        alpha=_to_bytes(layers.share),
        landmarks=_landmarks(factors, shape, window),
        pose_deg=pose_deg(factors),
        factors=factors,
        seeds=seeds,
    )


def counterfactual(
    faces: RenderedFaces, *, compiled: bool = False, **changes: float | Tensor
) -> RenderedFaces:
    """The same people in the same light before the same background, with other factors.

    Args:
        faces: portraits from `render`.
        compiled: as in `render`.
        **changes: as in `with_factors`, for example `yaw_deg=20`.

    Returns:
        The true pictures of the edit.
    """
    return render(
        with_factors(faces.factors, **changes),
        faces.seeds,
        size=faces.photo.shape[-1],
        compiled=compiled,
        plates=faces.plate,
    )


def draw_plates(factors: Tensor, seeds: Tensor, view: View) -> Tensor:
    """Backgrounds of a batch, uint8 [B, 3, H, W].

    Portraits are drawn at 256 px or more and averaged down, so that the same plate at two sizes is
    the same picture.
    """
    px = 2 * camera.PORTRAIT_HALF / 128 / view.units_per_px
    finer = max(1, math.ceil(2 / px))
    rows: list[Tensor] = []
    for row, seed in zip(factors.cpu(), seeds.tolist(), strict=True):
        plate = draw_plate(
            int(row[INDEX["plate_kind"]]),
            float(row[INDEX["plate_hue"]]),
            float(row[INDEX["plate_value"]]),
            seed,
            height=view.height * finer,
            width=view.width * finer,
            px=px * finer,
        )
        picture = torch.from_numpy(plate.picture).permute(2, 0, 1)  # [3, H, W]
        rows.append(_to_bytes(torch.nn.functional.avg_pool2d(picture, finer)))
    return torch.stack(rows)


def _plate_depth(kind: int) -> float:
    return (2.6, 4.0, 2.2, 2.0, 6.0, 2.0, 3.0)[kind]


class _Samples(NamedTuple):
    light: Tensor  # [B, N, 3] mean linear light of the rays that hit
    share: Tensor  # [B, N] share of the rays that hit
    labels: Tensor  # int64 [B, N]
    depth: Tensor  # [B, N] along the axis, of the nearest hit


def _trace(person: Person, factors: Tensor, view: View) -> _Samples:
    """All pixels of a view, shaped [B, H, W]."""
    start = march.start_distances(person, view)
    column, row = march.pixel_centres(view, 1, factors.device)
    batch, count = start.shape
    shape = (batch, view.height, view.width)
    layers = _Samples(
        light=torch.zeros(batch, count, 3, device=start.device),
        share=torch.zeros_like(start),
        labels=torch.zeros_like(start, dtype=torch.long),
        depth=torch.full_like(start, _NO_HIT),
    )
    # Rays that the cones have seen leave the scene need no marching.
    chosen = _padded_indices(start < march.FARTHEST - 0.05, multiple=2048)
    first = _traced(
        person, factors, view, column[chosen.at], row[chosen.at], start.gather(1, chosen.at)
    )
    layers = _scattered(layers, chosen, first)
    # Four rays where one is not enough: at silhouettes, lashes, rims. The four rays replace the
    # first one, whose direction is the pixel's centre.
    edges = _padded_indices(
        _edges(layers.labels.view(shape), layers.depth.view(shape)).view(batch, -1), multiple=256
    )
    if edges.at.shape[1]:
        fine = _supersampled(
            person, factors, view, column[edges.at], row[edges.at], start.gather(1, edges.at)
        )
        layers = _scattered(layers, edges, fine)
    return _Samples(
        layers.light.view(*shape, 3),
        layers.share.view(shape),
        layers.labels.view(shape),
        layers.depth.view(shape),
    )


class _Indices(NamedTuple):
    at: Tensor  # int64 [B, M] chosen places, each row padded with others to the same length
    valid: Tensor  # bool [B, M], False for the padding


def _padded_indices(flags: Tensor, *, multiple: int) -> _Indices:
    """The flagged places of each row."""
    most = int(flags.sum(1).max())
    padded = min(-(-most // multiple) * multiple, flags.shape[1])
    order = torch.argsort(flags.to(torch.uint8), dim=1, descending=True, stable=True)[:, :padded]
    return _Indices(order, flags.gather(1, order))


def _scattered(layers: _Samples, places: _Indices, samples: _Samples) -> _Samples:
    """Layers with the valid samples in their places; padding changes nothing."""

    def scatter(layer: Tensor, new: Tensor) -> Tensor:
        at = places.at if layer.dim() == 2 else places.at[..., None].expand(-1, -1, layer.shape[-1])
        valid = places.valid if layer.dim() == 2 else places.valid[..., None]
        return layer.scatter(1, at, torch.where(valid, new, layer.gather(1, at)))

    return _Samples(*(scatter(layer, new) for layer, new in zip(layers, samples, strict=True)))


def _traced(
    person: Person, factors: Tensor, view: View, column: Tensor, row: Tensor, start: Tensor
) -> _Samples:
    rays = camera.ray_directions(view, column, row)
    t, hits = march.hit(person, rays, start, precision=view.units_per_px * 0.5)
    points = march.surface(person, factors, rays, t)
    colour, labels = shade(factors, person, points)
    return _Samples(
        light=torch.where(hits[..., None], colour, 0.0),
        share=hits.float(),
        labels=torch.where(hits, labels, int(Face.BACKGROUND)),
        depth=torch.where(hits, CAMERA_Z - points.z, _NO_HIT),
    )


def _supersampled(
    person: Person, factors: Tensor, view: View, column: Tensor, row: Tensor, start: Tensor
) -> _Samples:
    """Four rays per pixel, averaged."""
    times = len(_SUBPIXELS)
    columns = torch.cat([column - 0.5 + dx for dx, _ in _SUBPIXELS], dim=1)
    rows = torch.cat([row - 0.5 + dy for _, dy in _SUBPIXELS], dim=1)
    fine = _traced(person, factors, view, columns, rows, start.repeat(1, times))
    light, hits, labels, depth = (
        part.view(len(start), times, start.shape[1], *part.shape[2:]) for part in fine
    )  # [B, 4, N, ...]
    # Of the rays that hit alone: the share of the others is the plate's, by alpha.
    mean_light = light.sum(1) / hits.sum(1).clamp(min=1)[..., None]
    return _Samples(mean_light, hits.mean(1), _majority(labels, hits), depth.amin(1))


def _edges(labels: Tensor, depth: Tensor) -> Tensor:
    """Pixels whose neighbour shows something else or lies at another depth, bool [B, H, W]."""
    flags = torch.zeros_like(labels, dtype=torch.bool)
    for axis in (1, 2):
        n = labels.shape[axis]
        a, b = labels.narrow(axis, 0, n - 1), labels.narrow(axis, 1, n - 1)
        # Folds of one material have edges as well: an ear before hair, a nose before a cheek.
        jump = (depth.narrow(axis, 0, n - 1) - depth.narrow(axis, 1, n - 1)).abs() > 0.12
        differ = (a != b) | jump
        flags.narrow(axis, 0, n - 1).logical_or_(differ)
        flags.narrow(axis, 1, n - 1).logical_or_(differ)
    return flags


def _majority(labels: Tensor, hits: Tensor) -> Tensor:
    """The commonest label of the rays that hit; background only where none did."""
    votes = torch.zeros(labels.shape[0], labels.shape[2], len(Face), device=labels.device)
    votes.scatter_add_(-1, labels.transpose(1, 2), hits.transpose(1, 2))
    return votes.argmax(-1)


def _tone_mapped(light: Tensor) -> Tensor:
    """Linear light -> display values in [0, 1], with a soft shoulder."""
    return (1 - torch.exp(-light.clamp(min=0) * _EXPOSURE)).clamp(0, 1) ** (1 / 2.2)


def _to_bytes(values: Tensor) -> Tensor:
    return (values.clamp(0, 1) * 255 + 0.5).to(torch.uint8)


def _phases(seeds: Tensor) -> Tensor:
    rows = [np.random.Generator(np.random.Philox(key=int(s))).uniform(0, 6.28, 3) for s in seeds]
    return torch.from_numpy(np.stack(rows)).float()


def _landmarks(factors: Tensor, shape: Shape, view: View) -> Tensor:
    """Projected eyes, nose tip and mouth corners, float32 [B, 5, 2]."""
    eye_x, eye_y = shape["eye_x"][:, 0], shape["eye_y"][:, 0]
    mouth_x, mouth_y = shape["mouth_half"][:, 0], shape["mouth_y"][:, 0]
    corner_y = mouth_y + shape["smile"][:, 0] * 0.05
    ones = torch.ones_like(eye_x)
    tip_z = 0.93 + 0.3 * (shape["nose_up"] + shape["nose_length"])[:, 0]
    points = torch.stack(
        [
            torch.stack([-eye_x, eye_y, 0.64 * ones], dim=-1),
            torch.stack([eye_x, eye_y, 0.64 * ones], dim=-1),
            torch.stack(
                [0 * ones, nose_tip_y(shape)[:, 0] + shape["nose_up"][:, 0], tip_z], dim=-1
            ),
            torch.stack([-mouth_x, corner_y, 0.60 * ones], dim=-1),
            torch.stack([mouth_x, corner_y, 0.60 * ones], dim=-1),
        ],
        dim=1,
    )  # [B, 5, 3] in the head's frame
    turned = torch.einsum("bij,bkj->bki", rotation(factors), points)
    shift = torch.stack([shape["head_x"][:, 0], shape["head_y"][:, 0], 0 * ones], dim=-1)
    return camera.project(view, turned + shift[:, None]).float()
