"""Finding faces with a landmark reader that can only tell where they lie in a crop of one face.

Such a reader answers on any crop. Three things tell a face from a guess: windows that overlap agree
on it, it stays in place when the crop moves, while a guess moves along, and it is still there when
the crop is turned or shows much more or less.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from unripple.conventions import Affine, Floats, Landmarks, Mask, Photo
from unripple.ops.geometry import FFHQ, Framing, apply, compose, face_affine, resample, scale_of

Reader: TypeAlias = Callable[[Photo], Floats]
"""Crops uint8 [N, S, S, 3] -> landmarks [N, 5, 2] in the pixels of the crops."""
Certainty: TypeAlias = Callable[[Photo], Floats]
"""Crops uint8 [N, S, S, 3] -> how sure the reader is of each landmark, [N, 5]; 1 on clear faces."""

WINDOW_SIDES = (1.5, 1.1, 0.8, 0.6, 0.45)  # of the photograph's shorter side
WINDOW_STEP = 1 / 3  # of the window
LEAST_SIDE_PX = 16  # of a photograph; in a thinner one no face could be told
# Of one search, the large ones first: a square photograph has 40, one of 16,000 x 256 px 764.
MOST_WINDOWS = 1000
SHOWN = 2  # pixels of the photograph per pixel of a known face's crop: more are shrunk at once
SEARCH_SIDES = 4  # crop sides to which the photograph's shorter side shrinks for the search
SAME_FACE = 0.5  # landmarks closer than this many face units belong to one face
SAME_HEAD = 1.0  # nor can the middles of two faces be closer, in units of the larger one
SEEDS = 6  # candidates that are looked at again and again, even if they lie in one face
MORE_SEEDS = 12  # further ones
CROWD_SEEDS = 64  # further ones away from the faces that are there already
MAX_FIRST_SPREAD = 1.0  # spread of the first readings after which a candidate is dropped
LEAST_UNIT = 0.03  # of a window's side; where it shows no face, all landmarks lie in its middle
BATCH = 256  # crops in memory at once
TURNS_DEG = (180, 90, 270)  # of photographs that show no upright face
# Moved and zoomed views of one face, as (zoom, right, down) in crop sides.
VIEWS = ((1.0, 0.0, 0.0), (1.15, 0.07, 0.05), (1.15, -0.07, -0.05), (0.95, 0.04, -0.06))
# Views from farther away that must still agree, as (zoom, degrees).
FAR_VIEWS = ((0.8, 0.0), (1.35, 0.0), (1.6, 0.0), (1.0, 20.0), (1.0, -20.0))


class DetectedFace(NamedTuple):
    """One face.

    Attributes:
        landmarks: [5, 2] px of the photograph.
        spread: how far the readings disagree, in face units; 0 is certain.
    """

    landmarks: Landmarks
    spread: float


def face_unit(landmarks: Floats) -> Floats:
    """Size of faces [..., 5, 2]: the larger one of eye to eye and eyes to mouth, px [...]."""
    eyes = landmarks[..., 1, :] - landmarks[..., 0, :]
    down = landmarks[..., 3:, :].mean(-2) - landmarks[..., :2, :].mean(-2)
    return np.maximum(np.linalg.norm(eyes, axis=-1), np.linalg.norm(down, axis=-1))


def windows(height: int, width: int, size_px: int) -> list[Affine]:
    """Square windows over a photograph, large and small, as maps from crop to photograph pixels.

    No more than `MOST_WINDOWS`: in a strip the small ones are left out. None in a photograph whose
    shorter side is below `LEAST_SIDE_PX`.
    """
    affines: list[Affine] = []
    if min(height, width) < LEAST_SIDE_PX:
        return affines
    for fraction in WINDOW_SIDES:
        side = fraction * min(height, width)
        rows, columns = (_count(length, side) for length in (height, width))
        if len(affines) + rows * columns > MOST_WINDOWS:
            break
        for top in _starts(height, side):
            for left in _starts(width, side):
                scale = side / size_px
                affines.append(np.array([[scale, 0, left], [0, scale, top]]))
    return affines


def _count(length: int, side: float) -> int:
    """How many windows of one side cover a length."""
    return 1 + math.ceil(max(0.0, length - side) / (side * WINDOW_STEP))


def _starts(length: int, side: float) -> Floats:
    """Where windows of one side start so that they cover a length, evenly and centred."""
    free = length - side
    if free <= 0:
        return np.array([free / 2])
    return np.linspace(0, free, _count(length, side))


def read(photo: Photo, affines: Sequence[Affine], reader: Reader, *, size_px: int) -> Floats:
    """Landmarks [N, 5, 2], px of the photograph, as the reader sees them in N crops of it."""
    landmarks = []
    for first in range(0, len(affines), BATCH):
        some = affines[first : first + BATCH]
        crops = [resample(photo, affine, width=size_px, height=size_px) for affine in some]
        points = reader(np.stack(crops))
        landmarks += [apply(*pair) for pair in zip(some, points, strict=True)]
    return np.stack(landmarks)


def refined_landmarks(
    photo: Photo, start: Floats, reader: Reader, *, size_px: int, framing: Framing, rounds: int
) -> DetectedFace:
    """Crop around a guess, read several views of it, take the median, and again."""
    landmarks, spread = start, math.inf
    for _ in range(rounds):
        crop = face_affine(landmarks, size_px, framing)
        views = [compose(crop, _view(size_px, *view)) for view in VIEWS]
        readings = read(photo, views, reader, size_px=size_px)
        landmarks = np.median(readings, axis=0)
        unit = max(float(face_unit(landmarks)), 1e-6)
        # Root mean square length: the mean runs over x and y, hence times 2.
        spread = float(np.sqrt(np.mean((readings - landmarks) ** 2) * 2)) / unit
        if spread > MAX_FIRST_SPREAD:
            break
    return DetectedFace(landmarks.astype(np.float32), spread)


def _view(size_px: int, zoom: float, right: float, down: float) -> Affine:
    centre = size_px / 2
    offset = (1 - zoom) * centre
    return np.array([[zoom, 0, offset + right * size_px], [0, zoom, offset + down * size_px]])


def disagreement(
    photo: Photo,
    landmarks: Landmarks,
    reader: Reader,
    certainty: Certainty | None,
    *,
    size_px: int,
    framing: Framing,
) -> float:
    """How far readings of farther views disagree with landmarks, in face units over certainty.

    Over the samples and 32 more rendered people, recompressed, resized and turned, it stays below
    0.08 on faces; what only looked like one in the near views (a face upside down, hair, a
    pattern) begins at 0.25.
    """
    crop = face_affine(landmarks, size_px, framing)
    views = [compose(crop, _rotated_view(size_px, degrees, zoom)) for zoom, degrees in FAR_VIEWS]
    readings = read(photo, views, reader, size_px=size_px)
    gaps = np.linalg.norm(readings - landmarks, axis=-1).mean(-1)
    spread = float(np.sqrt(np.mean(gaps**2))) / max(float(face_unit(landmarks)), 1e-6)
    if certainty is None:
        return spread
    near = [compose(crop, _view(size_px, *view)) for view in VIEWS]
    crops = [resample(photo, view, width=size_px, height=size_px) for view in near]
    return spread / max(float(certainty(np.stack(crops)).mean(0).min()), 1e-6)


def _rotated_view(size_px: int, degrees: float, zoom: float = 1.0) -> Affine:
    """A view of a crop that is turned and zoomed about its middle."""
    angle, centre = math.radians(degrees), size_px / 2
    turn = zoom * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    return np.column_stack((turn, centre - turn @ (centre, centre)))


def find_faces(
    photo: Photo,
    reader: Reader,
    *,
    size_px: int,
    framing: Framing = FFHQ,
    rounds: int = 3,
    max_spread: float = 0.12,
    certainty: Certainty | None = None,
) -> list[DetectedFace]:
    """Find the faces of a photograph.

    Where none is upright, the photograph is searched on its sides and upside down.

    Args:
        photo: uint8 [H, W, 3].
        reader: reads the landmarks of crops.
        size_px: side of the crops that the reader takes.
        framing: the framing that the reader knows best.
        rounds: of refinement, of each candidate.
        max_spread: largest disagreement of the readings, in face units, that still is a face.
        certainty: how sure the reader is, where it can tell.

    Returns:
        The faces, the most certain one first; empty when there is none.
    """
    look = _Look(photo, reader, size_px, framing, rounds, max_spread, certainty)
    small, shrink = _overview(photo, SEARCH_SIDES * size_px)
    upright = windows(small.shape[0], small.shape[1], size_px)
    for degrees in (0, *TURNS_DEG) if upright else ():
        turned = [compose(window, _rotated_view(size_px, degrees)) for window in upright]
        guesses = read(small, turned if degrees else upright, reader, size_px=size_px)
        sides = np.array([window[0, 0] * size_px for window in upright])
        occupied = face_unit(guesses) > LEAST_UNIT * sides
        faces = _faces(guesses * shrink, occupied, look, degrees)
        if faces:
            return faces
    return []


def faces_near(
    photo: Photo,
    starts: Sequence[Landmarks],
    reader: Reader,
    *,
    size_px: int,
    framing: Framing = FFHQ,
    rounds: int = 3,
    max_spread: float = 0.12,
    certainty: Certainty | None = None,
) -> list[DetectedFace]:
    """Look only where somebody else found faces, which takes a tenth of a search.

    Args:
        starts: the landmarks that were found, each [5, 2] px.
        photo, reader, size_px, framing, rounds, max_spread, certainty: see `find_faces`.

    Returns:
        Those that are faces to the reader, too, the most certain one first.
    """
    if not len(starts):
        return []
    known = np.array(starts, np.float64)
    scale = min(scale_of(face_affine(face, size_px, framing)) for face in known)
    small, shrink = _overview(photo, round(min(photo.shape[:2]) * SHOWN / scale))
    look = _Look(small, reader, size_px, framing, rounds, max_spread, certainty)
    faces = _faces(known / shrink, np.ones(len(starts), np.bool_), look, degrees=0)
    return [face._replace(landmarks=(face.landmarks * shrink).astype(np.float32)) for face in faces]


class _Look(NamedTuple):
    """How candidates are looked at again; see `find_faces`."""

    photo: Photo
    reader: Reader
    size_px: int
    framing: Framing
    rounds: int
    max_spread: float
    certainty: Certainty | None

    def refine(self, start: Floats) -> DetectedFace:
        """Read the landmarks of one again, from a crop around it."""
        return refined_landmarks(
            self.photo,
            start,
            self.reader,
            size_px=self.size_px,
            framing=self.framing,
            rounds=self.rounds,
        )

    def is_face(self, face: DetectedFace, degrees: float) -> bool:
        """Tell a face from a phantom."""
        if face.spread > self.max_spread or not _upright(face.landmarks, degrees):
            return False
        far = disagreement(
            self.photo,
            face.landmarks,
            self.reader,
            self.certainty,
            size_px=self.size_px,
            framing=self.framing,
        )
        return far <= self.max_spread


def _faces(guesses: Floats, occupied: Mask, look: _Look, degrees: float) -> list[DetectedFace]:
    """The faces that guesses [N, 5, 2] lead to, the most certain one first.

    Args:
        guesses: landmarks.
        occupied: which of them may be more than the middle of an empty window, bool [N].
        look: looks again.
        degrees: how the photograph is turned.
    """
    starts = _most_agreed(guesses, occupied)
    accepted = []
    for start, _ in itertools.islice(starts, SEEDS):
        face = look.refine(start)
        if look.is_face(face, degrees):
            accepted.append(face)
    accepted.sort(key=lambda face: face.spread)
    kept: list[DetectedFace] = []
    for face in accepted:
        if _is_new(face.landmarks, kept):
            kept.append(face)
    further = (start for start, plausible in starts if plausible and _is_new(start, kept))
    for start in itertools.islice(further, CROWD_SEEDS if kept else MORE_SEEDS):
        face = look.refine(start)
        if _is_new(face.landmarks, kept) and look.is_face(face, degrees):
            kept.append(face)
    return sorted(kept, key=lambda face: face.spread)


def _is_new(landmarks: Floats, kept: Sequence[DetectedFace]) -> bool:
    return all(_different_heads(landmarks, face.landmarks) for face in kept)


def _overview(photo: Photo, side_px: int) -> tuple[Photo, Floats]:
    """A photograph whose shorter side is at most `side_px`, and by how much it shrank, (x, y)."""
    high, wide = photo.shape[:2]
    factor = min(1.0, side_px / min(high, wide))
    if factor == 1:
        return photo, np.ones(2)
    size = (round(wide * factor), round(high * factor))
    small: Photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return small, np.array((wide / size[0], high / size[1]))


def _most_agreed(guesses: Floats, occupied: Mask) -> Iterator[tuple[Floats, bool]]:
    """Guesses [N, 5, 2] that most of the others agree with, one per face, best first.

    Each with whether one of those that agree is plausible.
    """
    unit = np.maximum(face_unit(guesses), 1e-6)
    agree = np.empty((len(guesses), len(guesses)), np.bool_)
    for row in range(0, len(guesses), BATCH):  # all at once would be 10 numbers per pair
        some = slice(row, row + BATCH)
        gaps = np.linalg.norm(guesses[some, None] - guesses[None], axis=-1).mean(-1)
        agree[some] = gaps < SAME_FACE / 2 * np.minimum(unit[some, None], unit[None])
    left = np.ones(len(guesses), np.bool_)
    while left.any():
        votes = (agree & left[None]).sum(1) * left
        best = int(votes.argmax())
        group = agree[best] & left
        yield np.median(guesses[group], axis=0), bool(occupied[group].any())
        # One face takes its guesses along, so the next best is another face.
        left &= ~agree[best]


def _different_heads(one: Floats, other: Floats) -> bool:
    """Whether two sets of landmarks are of two heads."""
    units = float(face_unit(one)), float(face_unit(other))
    if np.linalg.norm(one - other, axis=-1).mean() <= SAME_FACE * min(units):
        return False
    return float(np.linalg.norm(one.mean(0) - other.mean(0))) > SAME_HEAD * max(units)


def _upright(landmarks: Landmarks, degrees: float = 0) -> bool:
    """Whether eyes lie above the mouth and in their order, in a photograph turned by `degrees`."""
    points = landmarks.astype(np.float64) @ _rotated_view(1, degrees)[:, :2]
    eyes = points[1] - points[0]
    down = points[3:].mean(0) - points[:2].mean(0)
    turn = float(eyes[0] * down[1] - eyes[1] * down[0])  # > 0: not mirrored
    return turn > 0 and down[1] > 0


MISPLACED = 0.35
"""Landmarks that lie farther from those of another finder than this, face units, are misplaced."""
SEEN_SIZE = 0.5
"""Faces below this share of the largest need not be seen by both."""


def see_the_same(found: Sequence[Landmarks], others: Sequence[Landmarks]) -> bool:
    """Whether two finders see the same faces, large ones at least.

    Args:
        found: landmarks, each [5, 2] px.
        others: those of another finder.
    """
    if not found or not others:
        return not found and not others
    largest = max(float(face_unit(face)) for face in others)
    main = [face for face in others if float(face_unit(face)) >= SEEN_SIZE * largest]
    return all(apart(face, others) < MISPLACED for face in found) and all(
        apart(face, found) < MISPLACED for face in main
    )


def apart(face: Landmarks, others: Sequence[Landmarks]) -> float:
    """Mean distance of a face's landmarks to those of the nearest other, in units of its size."""
    unit = float(face_unit(face))
    return min(float(np.linalg.norm(face - other, axis=-1).mean()) for other in others) / unit
