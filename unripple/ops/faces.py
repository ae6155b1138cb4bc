"""Finding faces with a landmark reader that can only tell where they lie in a crop of one face.

Such a reader answers on any crop. Two things tell a face from a guess: windows that overlap agree
on it, and it stays in place when the crop moves, while a guess moves along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from unripple.conventions import Affine, Floats, Landmarks, Photo
from unripple.ops.geometry import FFHQ, Framing, apply, compose, face_affine, resample

Reader: TypeAlias = Callable[[Photo], Floats]
"""Crops uint8 [N, S, S, 3] -> landmarks [N, 5, 2] in the pixels of the crops."""

WINDOW_SIDES = (1.5, 1.1, 0.8, 0.6, 0.45)  # of the photograph's shorter side
WINDOW_STEP = 1 / 3  # of the window
SEARCH_SIDES = 4  # crop sides to which the photograph's shorter side shrinks for the search
SAME_FACE = 0.5  # landmarks closer than this many face units belong to one face
SEEDS = 6  # candidates worth a closer look
# Moved and zoomed looks at one face, as (zoom, right, down) in crop sides.
LOOKS = ((1.0, 0.0, 0.0), (1.15, 0.07, 0.05), (1.15, -0.07, -0.05), (0.95, 0.04, -0.06))


class Found(NamedTuple):
    """One face.

    Attributes:
        landmarks: [5, 2] px of the photograph.
        spread: how far the looks disagree, in face units; 0 is certain.
    """

    landmarks: Landmarks
    spread: float


def face_unit(landmarks: Floats) -> Floats:
    """Size of faces [..., 5, 2]: the larger one of eye to eye and eyes to mouth, px [...]."""
    eyes = landmarks[..., 1, :] - landmarks[..., 0, :]
    down = landmarks[..., 3:, :].mean(-2) - landmarks[..., :2, :].mean(-2)
    unit: Floats = np.maximum(np.linalg.norm(eyes, axis=-1), np.linalg.norm(down, axis=-1))
    return unit


def windows(height: int, width: int, size_px: int) -> list[Affine]:
    """Square windows over a photograph, small and large, as maps from crop to photograph pixels."""
    affines = []
    for fraction in WINDOW_SIDES:
        side = fraction * min(height, width)
        for top in _starts(height, side):
            for left in _starts(width, side):
                scale = side / size_px
                affines.append(np.array([[scale, 0, left], [0, scale, top]]))
    return affines


def _starts(length: int, side: float) -> Floats:
    """Where windows of one side start so that they cover a length, evenly and centred."""
    free = length - side
    if free <= 0:
        return np.array([free / 2])
    return np.linspace(0, free, 1 + math.ceil(free / (side * WINDOW_STEP)))


def read(photo: Photo, affines: Sequence[Affine], reader: Reader, *, size_px: int) -> Floats:
    """Landmarks [N, 5, 2], px of the photograph, as the reader sees them in N crops of it."""
    crops = [resample(photo, affine, width=size_px, height=size_px) for affine in affines]
    seen = reader(np.stack(crops))
    return np.stack([apply(*pair) for pair in zip(affines, seen, strict=True)])


def look_closer(
    photo: Photo, start: Floats, reader: Reader, *, size_px: int, framing: Framing, rounds: int
) -> Found:
    """Crop around a guess, look from several places, take the middle, and again."""
    landmarks, spread = start, math.inf
    for _ in range(rounds):
        crop = face_affine(landmarks, size_px, framing)
        looks = [compose(crop, _look(size_px, *look)) for look in LOOKS]
        seen = read(photo, looks, reader, size_px=size_px)
        landmarks = np.median(seen, axis=0)
        unit = max(float(face_unit(landmarks)), 1e-6)
        spread = float(np.sqrt(np.mean((seen - landmarks) ** 2) * 2)) / unit
    return Found(landmarks.astype(np.float32), spread)


def _look(size_px: int, zoom: float, right: float, down: float) -> Affine:
    centre = size_px / 2
    offset = (1 - zoom) * centre
    return np.array([[zoom, 0, offset + right * size_px], [0, zoom, offset + down * size_px]])


def find_faces(
    photo: Photo,
    reader: Reader,
    *,
    size_px: int,
    framing: Framing = FFHQ,
    rounds: int = 3,
    max_spread: float = 0.12,
) -> list[Found]:
    """Find the faces of a photograph.

    Args:
        photo: uint8 [H, W, 3].
        reader: reads the landmarks of crops.
        size_px: side of the crops that the reader takes.
        framing: the framing that the reader knows best.
        rounds: closer looks at each candidate.
        max_spread: largest disagreement of the looks, in face units, that still counts as a face.

    Returns:
        The faces, the most certain one first; empty when there is none.
    """
    small, shrink = _overview(photo, SEARCH_SIDES * size_px)
    seen = read(small, windows(small.shape[0], small.shape[1], size_px), reader, size_px=size_px)
    seen = seen * shrink
    faces: list[Found] = []
    for start in _most_agreed(seen):
        found = look_closer(photo, start, reader, size_px=size_px, framing=framing, rounds=rounds)
        if found.spread <= max_spread and _upright(found.landmarks):
            faces.append(found)
    faces.sort(key=lambda face: face.spread)
    kept: list[Found] = []
    for face in faces:
        if all(_apart(face.landmarks, other.landmarks) for other in kept):
            kept.append(face)
    return kept


def _overview(photo: Photo, side_px: int) -> tuple[Photo, Floats]:
    """A photograph whose shorter side is at most `side_px`, and by how much it shrank, (x, y)."""
    high, wide = photo.shape[:2]
    factor = min(1.0, side_px / min(high, wide))
    if factor == 1:
        return photo, np.ones(2)
    size = (round(wide * factor), round(high * factor))
    small: Photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return small, np.array((wide / size[0], high / size[1]))


def _most_agreed(seen: Floats) -> list[Floats]:
    """Guesses [N, 5, 2] that most of the others agree with, one per face, best first."""
    unit = np.maximum(face_unit(seen), 1e-6)
    gaps = np.linalg.norm(seen[:, None] - seen[None], axis=-1).mean(-1)  # [N, N]
    agree = gaps < SAME_FACE / 2 * np.minimum(unit[:, None], unit[None])
    starts: list[Floats] = []
    left = np.ones(len(seen), np.bool_)
    while left.any() and len(starts) < SEEDS:
        votes = (agree & left[None]).sum(1) * left
        best = int(votes.argmax())
        starts.append(np.median(seen[agree[best] & left], axis=0))
        left &= ~agree[best]
    return starts


def _apart(one: Landmarks, other: Landmarks) -> bool:
    gap = float(np.linalg.norm(one - other, axis=-1).mean())
    return gap > SAME_FACE * float(min(face_unit(one), face_unit(other)))


def _upright(landmarks: Landmarks) -> bool:
    """Whether the eyes lie above the mouth and in their order, in the face's own tilt."""
    eyes = landmarks[1] - landmarks[0]
    down = landmarks[3:].mean(0) - landmarks[:2].mean(0)
    turn = float(eyes[0] * down[1] - eyes[1] * down[0])  # > 0: not mirrored
    return turn > 0 and down[1] > 0
