"""An edit on the photo's own pixels: moved, turned and coloured, with the photo resampled once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Face, Floats, Labels, Mask, NotOffered, Photo
from unripple.ops.geometry import sample, stretched
from unripple.ops.relief import smoothstep
from unripple.ops.shaping import finer, joined, motion_of, origins_of, unfolded
from unripple.stages.families import FAMILIES
from unripple.stages.families.shape import places
from unripple.stages.interface import Direction, Work
from unripple.stages.pixels import ANY_SHAPE, STILL_PX, volume
from unripple.stages.pixels.coloured import (
    LARGEST_PX,
    Coloured,
    Regions,
    close_look,
    coloured,
    smaller,
)
from unripple.stages.pixels.face import SeenFace, see_face
from unripple.stages.pixels.gates import BROWS, EYES, MOUTH, Reduced, gated, of_fold
from unripple.stages.pixels.look import LIPS, filled
from unripple.stages.pixels.opening import WORD as OPENING
from unripple.stages.pixels.opening import is_opened, open_lips

if TYPE_CHECKING:
    from unripple.stages.edit import Edited, EditSettings

FEATURES = frozenset((*EYES, *BROWS, *MOUTH, "nose_width", "nose_length", "nose_up", "nose_point"))
"""Words that move features within the face, not its outline, which hair goes along with."""
LIPS_ALONE = ("lips",)
"""Words that move the edges of the lips and no skin."""
_AT_LIPS = 0.07
"""Head units beside the lips over which their motion fades, chosen on 32 rendered people."""
_AT_HAIR = 0.10
"""Head units beside the hair over which their motion fades."""
_SEEN = 1.0  # levels that colour adds to a pixel, from which it is part of the person
SOFT_PX = 2.0
"""At 128: how far single hairs reach beyond the person whom a parser cuts out. So far the
background moves outwards with them, or they would be cut off as if by a saw."""
_MOSTLY = 0.5
_PLAIN, _BESIDE_PX = 20.0, 4.0  # levels of deviation up to which it is plain, and how far around
_STRANDS_PX = 4.0  # at 128: how far beyond the person colour may go; soft masks of skin leak
_VACATED_PX = 4.0  # at 128: how far a plate may reach beyond where the person was


class Map(NamedTuple):
    """Where the changed picture's pixels come from.

    Attributes:
        offsets: px of the crop, float32 [2, n, n].
        covered: where the changed person is, bool [S, S].
        laid: what is drawn over the changed picture, see `Edited`; None where nothing is.
    """

    offsets: Floats
    covered: Mask
    laid: Floats | None = None


def edit_pixels(work: Work, settings: EditSettings) -> Edited:
    """Make an edit on the photo's own pixels.

    Outside the person every byte is the photo's, and so it is where nothing moved.

    Raises:
        NoFace: see `see_face`.
        NotOffered: nothing of what is asked would convince on this photo.
    """
    return edit_seen(work, settings, see_face(work, settings, _points(work)))


def edit_seen(
    work: Work,
    settings: EditSettings,
    face: SeenFace,
    *,
    largest_px: int = LARGEST_PX,
    regions: Regions | None = None,
) -> Edited:
    """The same for a face that was looked at already.

    Args:
        work: of stage `edit`.
        settings: its settings.
        face: the face.
        largest_px: side of the closest look, for colours.
        regions: what colours found of the face before; more is added to it.

    Raises:
        NotOffered: see `edit_pixels`.
    """
    words = {name: (work.pixel_direction(name), by) for name, by in (settings.pixels or {}).items()}
    shapes = {name: word for name, word in words.items() if _displaces(name, word[0])}
    kept, reduced = gated(face, {name: by for name, (_, by) in shapes.items()})
    if degree := kept.get(volume.WORD):
        why = volume.why_none(face, volume.in_photo(work, face.size), degree)
        if why:
            kept[volume.WORD] = 0.0
            reduced.append(Reduced(volume.WORD, degree, 0.0, why))
    painted = coloured(work, face, words, largest_px=largest_px, regions=regions)
    reduced += painted.reduced
    _check_any(kept, painted, reduced, settings)
    moves = {name: (shapes[name][0], kept[name]) for name in shapes if kept[name]}
    motion, laid = _motion(face, moves), None
    look = close_look(work, face, largest_px) if kept.get(OPENING) else None
    if look is not None and is_opened(look, kept[OPENING]):
        offsets, held, laid = open_lips(look, motion)
    else:
        motion, held = unfolded(motion, face.size)
        offsets = origins_of(motion, face.size)
    reduced += of_fold({name: by for name, (_, by) in moves.items()}, held)
    parts = face.labels if painted.labels is None else painted.labels
    if painted.tint is not None:
        parts = _with_tinted(parts, painted.tint)
    after = replace(face, labels=parts)
    where = _with_turn(after, Map(offsets, after.person, laid), settings, work)
    return _drawn(face, after.labels, where, painted.tint, reduced)


def _with_tinted(labels: Labels, tint: Floats) -> Labels:
    """The parts of a face, grown by what is coloured: the last strands of hair lie beyond the
    person whom a parser cuts out, and would keep their colour as a jagged rim."""
    seen = np.abs(smaller(tint, labels.shape[0])).max(-1) > _SEEN
    beyond = ndimage.binary_dilation(seen) & (labels == Face.BACKGROUND)
    if not beyond.any():
        return labels
    away, nearest = ndimage.distance_transform_edt(labels == Face.BACKGROUND, return_indices=True)
    beyond &= away <= _STRANDS_PX * len(labels) / 128
    return np.where(beyond, labels[tuple(nearest)], labels)


def _displaces(name: str, direction: Direction) -> bool:
    return name == volume.WORD or FAMILIES[direction.family].displace is not None


def _points(work: Work) -> Floats:
    """The mean head's points; all directions of shape have the same."""
    return places(work.pixel_direction(ANY_SHAPE))


def _check_any(
    kept: dict[str, float], painted: Coloured, reduced: list[Reduced], settings: EditSettings
) -> None:
    """Refuse an edit of which nothing is left.

    Raises:
        NotOffered: with the reasons.
    """
    asked = any((settings.pixels or {}).values())
    turned = settings.turn_deg or settings.pitch_deg or settings.roll_deg or settings.towards
    if asked and not turned and not any(kept.values()) and painted.tint is None and reduced:
        raise NotOffered("; ".join(f"{one.word}: {one.why}" for one in reduced))


def _motion(face: SeenFace, moves: dict[str, tuple[Direction, float]]) -> Floats:
    """Where the photo's points go, px, [2, n, n]."""
    displaced: dict[str, Any] = {}
    motion = np.zeros((2, face.grid, face.grid), np.float32)
    for name, (direction, degree) in moves.items():
        if form := FAMILIES[direction.family].form:
            motion += volume.volume_motion(face, form(direction, degree))
            continue
        displace = FAMILIES[direction.family].displace
        assert displace is not None
        reach = "lips" if name in LIPS_ALONE else "features" if name in FEATURES else "head"
        displaced[reach] = displaced.get(reach, 0.0) + displace(direction, degree)
    for reach, by in displaced.items():
        moved = motion_of(face.laid, by)
        if reach == "lips":
            moved = moved * _beside_lips(face)
        motion += moved if reach == "head" else moved * _beside_hair(face)
    return motion


def _beside_lips(face: SeenFace) -> Floats:
    """1 on the lips, falling to 0 on the skin around them, which stays when lips get fuller: a
    beard or a line beside the mouth does not slide."""
    if face.mesh is None:
        return np.ones((face.grid, face.grid), np.float32)
    lips = filled(face.mesh[list(LIPS)] * face.grid / face.size, face.grid) > 0.5
    away = ndimage.distance_transform_edt(~lips) * face.size / face.grid / face.pose.scale
    share: Floats = (1 - smoothstep(away, 0.0, _AT_LIPS)).astype(np.float32)
    return share


def _beside_hair(face: SeenFace) -> Floats:
    """1 on the face, falling to 0 at the hair: no brow that is raised takes the fringe along."""
    hair = np.isin(face.labels, (Face.HAIR, Face.HAT))
    if not hair.any():
        return np.ones((face.grid, face.grid), np.float32)
    away = ndimage.distance_transform_edt(~hair) / face.pose.scale
    share = smoothstep(away, 0.0, _AT_HAIR).astype(np.float32)
    return stretched(share, face.grid)


def _with_turn(face: SeenFace, first: Map, settings: EditSettings, work: Work) -> Map:
    """The map of the whole edit: the changed face, turned.

    Args:
        face: as it was, with what was put on.
        first: the change alone; its person is that before.
        settings, work: of the edit.
    """
    from unripple.ops.turning import turn_head
    from unripple.stages.align import Aligned

    offsets = first.offsets
    person = _moved(first.covered, offsets, face.crop)
    by = {"yaw": settings.turn_deg or 0.0, "pitch": settings.pitch_deg, "roll": settings.roll_deg}
    now, tilt = face.turn_pose, work.input(Aligned, "align").tilt_deg
    angles = {"yaw": now.yaw_deg, "pitch": now.pitch_deg, "roll": now.roll_deg + tilt}
    by |= {axis: at - angles[axis] for axis, at in settings.towards.items()}
    if not any(by.values()):
        return Map(offsets, person, first.laid)
    turned = turn_head(
        person,
        now,
        face.head.realistic(settings.rounder),
        yaw_deg=by["yaw"],
        pitch_deg=by["pitch"],
        roll_deg=by["roll"],
        deeper=settings.deeper,
    )
    by_turn = finer(turned.offsets, face.grid)
    laid = None if first.laid is None else _turned(first.laid, by_turn, face.size)
    return Map(joined(offsets, by_turn, face.size), turned.covered, laid)


def _turned(laid: Floats, offsets: Floats, size: int) -> Floats:
    """What is drawn over the changed picture, turned with it."""
    side = laid.shape[-1]
    by = finer(offsets, side) * side / size
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    layers = [
        cv2.remap(
            layer.astype(np.float32), columns + by[0], rows + by[1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for layer in laid
    ]  # fmt: skip
    return np.stack(layers).astype(np.float16)


def _moved(person: Mask, offsets: Floats, crop: Photo) -> Mask:
    """The person after a change of shape; where it grew before a plain background, with the soft
    border of its hair."""
    size = person.shape[0]
    moved = finer(offsets, size)
    if not (np.abs(moved) > STILL_PX).any():
        return person
    rows, columns = np.mgrid[:size, :size]
    x = np.clip(np.rint(columns + moved[0]).astype(int), 0, size - 1)
    y = np.clip(np.rint(rows + moved[1]).astype(int), 0, size - 1)
    away = ndimage.distance_transform_edt(~person)
    soft = away <= SOFT_PX * size / 128
    came_out = soft[y, x] & (away > away[y, x]) & (_spread(crop, ~soft) < _PLAIN)[y, x]
    found: Mask = person[y, x] | came_out
    return found


def _spread(crop: Photo, background: Mask) -> Floats:
    """Usual deviation of the background beside every pixel, levels, [S, S]: where it is no plain
    one, its lines would step aside with the hair."""
    sigma = _BESIDE_PX * len(crop) / 128
    weights, levels = background.astype(np.float32), crop.astype(np.float32)

    def mean(values: Floats) -> Floats:
        seen = cv2.GaussianBlur(weights, (0, 0), sigma) + 1e-6
        found: Floats = cv2.GaussianBlur(values * weights[..., None], (0, 0), sigma)
        return found / seen[..., None]

    squares = mean(levels**2) - mean(levels) ** 2
    found: Floats = np.sqrt(np.maximum(squares, 0)).max(-1)
    return found


def _drawn(
    face: SeenFace, parts: Labels, where: Map, tint: Floats | None, reduced: list[Reduced]
) -> Edited:
    """The changed picture and what tells the later stages about it.

    Args:
        face: as it was.
        parts: with what was put on, uint8 [S, S].
        where: the map of the edit.
        tint: levels added before it.
        reduced: what was held back.
    """
    from unripple.stages.edit import Edited

    size, grid = face.size, where.offsets.shape[-1]
    offsets = finer(where.offsets, size)
    rows, columns = np.mgrid[:size, :size] + 0.5
    origins = np.stack((columns + offsets[0], rows + offsets[1]), axis=-1)
    shifted = where.covered & (np.abs(offsets).max(0) > STILL_PX)
    source: Any = face.crop
    if tint is not None:
        added = smaller(tint, size)
        source = face.crop.astype(np.float32) + added
        shifted |= where.covered & (sample(np.abs(added), origins).max(-1) > 0)
    levels, carried = sample(source, origins), _carried(parts, where, origins)
    if where.laid is not None:
        layers = smaller(where.laid, size)
        cover = layers[..., 3:] * where.covered[..., None]
        levels = levels + cover * (layers[..., :3] - levels)
        shifted |= cover[..., 0] > 0
        carried = np.where(cover[..., 0] > _MOSTLY, np.uint8(Face.MOUTH), carried)
    moved = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    picture = np.where(shifted[..., None], moved, face.crop)
    vacated = face.person & ~where.covered
    if vacated.any():
        reach = _VACATED_PX * size / 128
        shifted |= ndimage.distance_transform_edt(~vacated) <= reach
    seen = stretched(where.covered.astype(np.float32), grid)
    shares = np.concatenate((where.offsets / size, seen[None])).astype(np.float16)
    notes = {"reduced": [one.as_json() for one in reduced]} if reduced else None
    return Edited(
        picture,
        picture,
        shares,
        carried,
        changed=ndimage.binary_dilation(shifted) if shifted.any() else shifted,
        notes=notes,
        tint=tint,
        laid=where.laid,
    )


def _carried(parts: Labels, where: Map, origins: Floats) -> Labels:
    """The parts where they went; what only just missed the person takes the nearest part."""
    size = parts.shape[0]
    nearest = ndimage.distance_transform_edt(
        parts == Face.BACKGROUND, return_distances=False, return_indices=True
    )
    spread = parts[tuple(nearest)]
    columns, rows = (np.clip(origins[..., axis].astype(int), 0, size - 1) for axis in (0, 1))
    background = np.full_like(parts, Face.BACKGROUND)
    found: Labels = np.where(where.covered, spread[rows, columns], background)
    return found
