"""One person as a solid: distances of all parts, their union, and a fast way to evaluate them.

On the CPU, `torch.compile` on flat chunks of fixed length is 7 to 8 times faster than eager mode;
chunks keep the working set in the cache and a single compiled shape. On a GPU whole batches run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unripple.faceworld import accessories, anatomy
from unripple.faceworld.sdf import union
from unripple.faceworld.shape import Shape, to_head

_CHUNKS = (4096, 512)  # long runs, and the remainder without much padding


class PartDistances(NamedTuple):
    """Distances of the parts, in the order of `Material`."""

    skin: Tensor
    eye: Tensor
    ear: Tensor
    hair: Tensor
    hat: Tensor
    glasses: Tensor
    earring: Tensor
    neck: Tensor
    cloth: Tensor
    nose: Tensor  # part of skin; kept apart for its label


def parts(x: Tensor, y: Tensor, z: Tensor, values: Tensor) -> PartDistances:
    """Distances of all parts at world points."""
    k = Shape(values)
    hx, hy, hz = to_head(x, y, z, k)
    bare = anatomy.head(hx, hy, hz, k)
    d_hair = anatomy.hair(hx, hy, hz, bare.skin, k)
    d_hat, crown = accessories.hat(hx, hy, hz, k)
    d_body = anatomy.body(x, y, z, k)
    return PartDistances(
        skin=bare.skin,
        eye=bare.eye,
        ear=bare.ear,
        hair=accessories.under_hat(d_hair, crown, hy, hz, k),
        hat=d_hat,
        glasses=accessories.glasses(hx, hy, hz, k),
        earring=accessories.earring(hx, hy, hz, k),
        neck=d_body.neck,
        cloth=d_body.cloth,
        nose=bare.nose,
    )


def distance(x: Tensor, y: Tensor, z: Tensor, values: Tensor) -> Tensor:
    """Distance to the whole person at world points."""
    p = parts(x, y, z, values)
    head = torch.minimum(torch.minimum(union(p.skin, p.ear, 0.05), p.eye), p.hair)
    worn = torch.minimum(p.hat, torch.minimum(p.glasses, p.earring))
    trunk = torch.minimum(union(p.neck, p.skin, 0.03), p.cloth)
    return torch.minimum(torch.minimum(head, worn), trunk)


class Person:
    """A batch of people whose distances can be asked for, fast.

    Attributes:
        shape: values [len(PARAMETERS), B, 1].
    """

    def __init__(self, shape: Shape, *, compiled: bool = False) -> None:
        self.shape = shape
        self._compiled = compiled and shape.values.device.type == "cpu"

    def distance(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Distance at world points [B, N] -> [B, N]."""
        if not self._compiled:
            return distance(x, y, z, self.shape.values)
        return self._in_chunks(_compiled_distance(), x, y, z)[0]

    def parts(self, x: Tensor, y: Tensor, z: Tensor) -> PartDistances:
        """Distances of the parts at world points [B, N]."""
        if not self._compiled:
            return parts(x, y, z, self.shape.values)
        return PartDistances(*self._in_chunks(_compiled_parts(), x, y, z))

    def _in_chunks(
        self, function: Callable[..., Any], x: Tensor, y: Tensor, z: Tensor
    ) -> list[Tensor]:
        batch, count = x.shape
        results: list[Tensor] = []
        for i in range(batch):
            values = self.shape.values[:, i].clone()  # fresh strides, or the guard recompiles
            start = 0
            while start < count:
                chunk = _CHUNKS[0] if count - start > 5 * _CHUNKS[1] else _CHUNKS[1]
                stop = min(start + chunk, count)
                points = [axis[i, start:stop] for axis in (x, y, z)]
                if stop - start < chunk:
                    gap = chunk - (stop - start)
                    points = [torch.nn.functional.pad(axis, (0, gap), value=5.0) for axis in points]
                out = function(*points, values)
                rows = (out,) if isinstance(out, Tensor) else tuple(out)
                if not results:
                    results = [torch.empty_like(x) for _ in rows]
                for result, row in zip(results, rows, strict=True):
                    result[i, start:stop] = row[: stop - start]
                start = stop
        return results


_cache: dict[str, Callable[..., Any]] = {}


def _compiled_distance() -> Callable[..., Any]:
    if "distance" not in _cache:
        _cache["distance"] = torch.compile(distance, dynamic=False)
    return _cache["distance"]


def _compiled_parts() -> Callable[..., Any]:
    if "parts" not in _cache:
        _cache["parts"] = torch.compile(parts, dynamic=False)
    return _cache["parts"]
