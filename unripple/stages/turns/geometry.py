"""geometry: the photo's own pixels on a 3-D head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from unripple.conventions import Face, Floats, Labels, Landmarks, Mask, NoFace, Photo, Shares
from unripple.ops.faces import MISPLACED, apart, face_unit
from unripple.ops.geometry import Pixels, resample, scale_of, stretched
from unripple.ops.layers import Layers, lay_small
from unripple.ops.masks import distance_to, grow, shrink
from unripple.stages.align import LEAST_PX, MOST_PX, Aligned
from unripple.stages.edit import Edited, EditSettings, head_of
from unripple.stages.face_search import faces_by_mtcnn
from unripple.stages.interface import Work
from unripple.stages.parse import ParseSettings, labels_of, person_share
from unripple.stages.turns import Turn

if TYPE_CHECKING:
    from unripple.models.mean_head import MeanHead
    from unripple.ops.head import Head, HeadPose
    from unripple.ops.turning import Turned

TURN_PX = 256
"""Side of the map of a turn; a map is smooth, outlines are cut by the matte."""
FRINGE = 0.015
"""How far beyond the turned outline its fringe of hair may reach, sides of the crop."""
DOUBT, DOUBT_OF_PERSON = 0.012, 0.03
"""How far the parser misses an outline, and the network of persons, sides of the crop: what GrabCut
decides. On rendered faces 3, 6 and 9 of 256 px gave a matte error of .026, .030 and .038."""
AGREED_IOU = 0.96
"""Where both see so much of the same person, the parser is the sharper one. It loses the top of a
hat, or a fur, in photographs where the two agree to .91; on most rendered faces to .97 and more."""
_CUT = 0.08
"""How far from the photograph's border a person seems to end there, sides of the crop."""
_ANOTHER = 1.0  # from how many units of a face on another one is another one
_SURE = 0.2  # how far within the face's border a face is one beyond doubt, half widths of it
_STARTS = 8.0  # 1 / share of the turn at which a place moves in full
NOWHERE: Mapping[str, float] = {}


def edit_by_geometry(
    photo: Photo,
    labels: Labels,
    landmarks: Landmarks,
    mean_head: MeanHead,
    *,
    turn_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    towards: Mapping[str, float] = NOWHERE,
    upright_deg: float = 0.0,
    deeper: float = 1.0,
    rounder: float = 0.0,
    fine: Photo | None = None,
    share: Floats | None = None,
    shown: Mask | None = None,
    others: Sequence[Landmarks] = (),
) -> Edited:
    """Turn the head by moving the photo's own pixels; no generator is asked.

    Beyond the person's soft outlines, before and after, and on the shoulders, every byte is the
    photo's. Behind the turned head stands the old one still: `compose` paints that over. Profiles
    turn as far as convinces, which `notes` tell, see `ops.turning.held`.

    Args:
        photo: the unedited picture, uint8 [S, S, 3].
        labels: its parts, `Face`, uint8 [S, S].
        landmarks: five points of the face, px of the picture, [5, 2].
        mean_head: the head that is fitted to them.
        turn_deg: how far to turn, positive to the picture's right.
        pitch_deg: how far to nod, positive is up.
        roll_deg: how far to tilt, positive is clockwise.
        towards: axis -> where to look, degrees; replaces how far to turn about it.
        upright_deg: by how much the crop was turned in the photograph, clockwise, which `towards`
            is about.
        deeper, rounder: factor on the head's depth, and how much rounder its face is; see
            `stages.edit.DEEPER`.
        fine: the same picture, larger, uint8 [F, F, 3].
        share: of the person, where somebody other than the parser is believed, [F, F] in [0, 1].
        shown: what of it the photograph shows, bool [F, F]; the rest is its mirror image.
        others: landmarks of whoever stands beside, px of the picture; they stay.

    Raises:
        NoFace: the landmarks are not those of a face.
    """
    from unripple.ops.head import fit_head, with_own_features
    from unripple.ops.matting import matte
    from unripple.ops.turning import held, kept_within, turn_head, turn_weight

    head, fine = head_of(mean_head), photo if fine is None else fine
    size, side = photo.shape[0], fine.shape[0]
    scale = TURN_PX / size
    pose = fit_head(landmarks * scale, head)
    own = with_own_features(head.realistic(rounder), pose, landmarks * scale)
    seen = _larger(labels != Face.BACKGROUND, side) if share is None else share
    doubt = DOUBT if share is None else DOUBT_OF_PERSON
    sure = _sure(pose, own, seen)
    if others:
        theirs = _larger(beside(landmarks, others, size), side)
        seen, sure = seen * (1 - theirs), sure & (theirs < 0.5)
    cut = matte(fine, seen, doubt=doubt, sure=sure)
    if shown is not None:
        cut = cut._replace(alpha=_without_mirrored(cut.alpha, shown))
    by = _angles(
        pose, {"yaw": turn_deg, "pitch": pitch_deg, "roll": roll_deg}, towards, upright_deg
    )
    asked, by["yaw_deg"] = by["yaw_deg"], held(pose.yaw_deg, by["yaw_deg"])
    person = cv2.resize(cut.alpha, (TURN_PX, TURN_PX), interpolation=cv2.INTER_AREA) > 0.5
    turned = turn_head(person, pose, own, **by, deeper=deeper)
    offsets, cover = _with_fringe(turned, FRINGE * TURN_PX)
    if shown is not None:
        offsets = kept_within(offsets, _at(shown, TURN_PX))
    moving = np.clip(_STARTS * turn_weight(pose, head, TURN_PX, TURN_PX), 0, 1) * any(by.values())
    if shown is not None:  # what lies beyond the photograph is never seen, nor to be changed
        moving = moving * grow(_at(shown, TURN_PX), 2)
    layers = Layers(
        fine,
        cut.colours,
        _levels(cut.alpha),
        _levels(stretched(cover, side)),
        _levels(stretched(moving, side)),
        (offsets / TURN_PX).astype(np.float16),
    )
    told = np.concatenate((layers.motion, turned.covered[None]), axis=0).astype(np.float16)
    picture, _ = lay_small(photo, layers, layers.picture)
    return Edited(
        picture,
        picture,
        told,
        _carried(labels, layers),
        fine=layers.picture,
        colours=layers.colours,
        alpha=layers.alpha,
        cover=layers.cover,
        moving=layers.moving,
        notes=_told(asked, by["yaw_deg"], pose),
    )


def _told(asked: float, used: float, pose: HeadPose) -> dict[str, Any] | None:
    """What to know of a turn that was held; None where it was not."""
    if asked == used:
        return None
    why = (
        f"the head looks {pose.yaw_deg:.0f} degrees to the side in the photo, which hides what "
        f"more would show; it looks {pose.yaw_deg + used:.0f} degrees to the side now"
    )
    reduced = {"word": "yaw", "asked": round(asked, 1), "used": round(used, 1), "why": why}
    return {"reduced": [reduced]}


def beside(landmarks: Landmarks, others: Sequence[Landmarks], size: int) -> Mask:
    """Where somebody else's face is nearer than one's own, in units of each face, bool [S, S]."""
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)

    def away(face: Landmarks) -> Floats:
        x, y = face.mean(0)
        return np.hypot(columns - x, rows - y) / float(face_unit(face))

    nearest: Mask = np.min([away(face) for face in others], axis=0) < away(landmarks)
    return nearest


def _sure(pose: HeadPose, head: Head, seen: Floats) -> Mask:
    """The middle of the face, which no likeness to a background makes a hole of, bool [F, F]."""
    from unripple.ops.relief import face_depth

    on_face = np.isfinite(face_depth(pose, head, size=TURN_PX, grid=TURN_PX))
    middle = shrink(on_face, _SURE * head.half_width * pose.scale)
    return (_larger(middle, seen.shape[0]) > 0.5) & (seen > 0.1)


def _at(mask: Mask, side: int) -> Mask:
    shares = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    found: Mask = shares > 0.5
    return found


def _angles(
    pose: HeadPose, turn: dict[str, float], towards: Mapping[str, float], upright_deg: float
) -> dict[str, float]:
    """By how much to turn about each axis, as `turn_head` wants it."""
    now = {"yaw": pose.yaw_deg, "pitch": pose.pitch_deg, "roll": pose.roll_deg + upright_deg}
    by = {**turn, **{axis: at - now[axis] for axis, at in towards.items()}}
    return {f"{axis}_deg": angle for axis, angle in by.items()}


def _without_mirrored(values: Pixels, shown: Mask) -> Pixels:
    """Beyond the photograph all goes on as at its border, and no mirror image stands there."""
    from scipy import ndimage

    if shown.all() or not shown.any():
        return values
    nearest = ndimage.distance_transform_edt(~shown, return_distances=False, return_indices=True)
    found: Pixels = values[tuple(nearest)]
    return found


def _with_fringe(turned: Turned, reach_px: float) -> tuple[Floats, Floats]:
    """The offsets beyond the outline, too, where fine hair goes along, and how far they count."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(
        ~turned.covered, return_distances=False, return_indices=True
    )
    offsets: Floats = turned.offsets[:, nearest[0], nearest[1]]
    cover = np.clip(1.5 - distance_to(turned.covered) / reach_px, 0, 1).astype(np.float32)
    return offsets, cover


def _carried(labels: Labels, layers: Layers) -> Labels:
    """The parts where they went; what only just missed the person takes the nearest part.

    What the parser alone takes for a person has not left: it stays.
    """
    from scipy import ndimage

    if not layers.moving.any():
        return labels
    size = labels.shape[0]
    before, after = (
        cv2.resize(shares, (size, size), interpolation=cv2.INTER_AREA) > 127
        for shares in (layers.alpha, layers.alpha_after)
    )
    parsed = labels != Face.BACKGROUND
    nearest = ndimage.distance_transform_edt(~parsed, return_distances=False, return_indices=True)
    parts = labels[tuple(nearest)]
    rows, columns = np.mgrid[:size, :size] + 0.5
    offsets = (stretched(axis.astype(np.float32), size) * size for axis in layers.motion)
    x, y = (
        np.clip(place + offset, 0, size - 1).astype(int)
        for place, offset in zip((columns, rows), offsets, strict=True)
    )
    stays = np.where(parsed & ~before, labels, np.uint8(Face.BACKGROUND))
    found: Labels = np.where(after, parts[y, x], stays)
    return found


def _larger(mask: Mask, side: int) -> Floats:
    large: Floats = cv2.resize(
        mask.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR
    )
    return large


def _levels(shares: Floats) -> Shares:
    levels: Shares = np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)
    return levels


def edit(work: Work, settings: EditSettings) -> Edited:
    """See `edit_by_geometry`.

    Raises:
        NoFace: nobody looked for landmarks, or they are not those of a face.
    """
    aligned, head = work.input(Aligned, "align"), work.load("head")
    landmarks = aligned.landmarks_in_crop
    assert settings.turn_deg is not None
    if np.isnan(landmarks).any():
        raise NoFace(
            "edit.turn geometry needs the landmarks of the face, and align.mode aligned looks for "
            "none; set align.mode to mtcnn or embedded, or edit.turn to generator"
        )
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    labels = labels_of(work, aligned.picture, parsing)
    mirrored = _fine(work, aligned)
    assert work.photo is not None
    shown = aligned.shown(work.photo.srgb, mirrored.shape[0])
    # Neither a network nor a painter takes the mirror image of a person for another one.
    fine = _without_mirrored(mirrored, shown)
    share = _believed(work, fine, mirrored, shown, labels) if settings.person else None
    own, others = _faces(work, aligned)
    if own is not None and not settings.by_hand:
        # Two finders miss in different ways: on photographs the mean is a third less off.
        landmarks = ((landmarks + own) / 2).astype(np.float32)
    try:
        return edit_by_geometry(
            aligned.picture,
            labels,
            landmarks,
            head.net,
            turn_deg=settings.turn_deg,
            pitch_deg=settings.pitch_deg,
            roll_deg=settings.roll_deg,
            towards=settings.towards,
            upright_deg=aligned.tilt_deg,
            deeper=settings.deeper,
            rounder=settings.rounder,
            fine=fine,
            share=share,
            shown=shown,
            others=others,
        )
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.turn to generator") from error


def _fine(work: Work, aligned: Aligned) -> Photo:
    """The crop as large as the photograph shows it, within what networks see and time allows."""
    assert work.photo is not None
    size = aligned.picture.shape[0]
    shown = int(np.ceil(scale_of(aligned.transform) * size - 1e-6))
    side = int(np.clip(shown, max(LEAST_PX, size), max(MOST_PX, size)))
    if side == size:
        return aligned.picture
    transform = aligned.transform.copy()
    transform[:, :2] *= size / side
    return resample(work.photo.srgb, transform, width=side, height=side)


def _faces(work: Work, aligned: Aligned) -> tuple[Landmarks | None, list[Landmarks]]:
    """The face that turns and those beside it, as the finder for photographs sees the crop.

    The face that turns is None where it sees none in its place.
    """
    own, size = aligned.landmarks_in_crop, aligned.picture.shape[0]
    assert work.photo is not None
    shown = aligned.shown(work.photo.srgb, size)
    found = faces_by_mtcnn(aligned.picture, work.load("mtcnn").net)
    middles = [face.mean(0) for face in found]
    others = [
        face
        for face, (x, y) in zip(found, middles, strict=True)
        if apart(own, [face]) > _ANOTHER and shown[int(y), int(x)]
    ]
    nearest = min(found, key=lambda face: apart(own, [face]), default=None)
    if nearest is None or apart(own, [nearest]) >= MISPLACED:
        return None, others
    return nearest, others


def _believed(
    work: Work, fine: Photo, mirrored: Photo, shown: Mask, labels: Labels
) -> Floats | None:
    """What the network of persons sees, where the parser does not see much the same."""
    person = work.load("person")
    share, other = (
        person_share(one, person.net, net_size_px=person.size_px) for one in (fine, mirrored)
    )
    share = going_on(share, other, shown)
    seen, parsed = share > 0.5, _larger(labels != Face.BACKGROUND, fine.shape[0]) > 0.5
    agreed = (parsed & seen).sum() >= AGREED_IOU * (parsed | seen).sum()
    return None if agreed else share


def going_on(share: Floats, mirrored: Floats, shown: Mask) -> Floats:
    """A person whom the photograph's border cuts off goes on beyond it.

    Stripes beyond a border look like no hair and no skin, so whoever is cut off seems to end before
    it, and a head that turns would show a gap there. Beside a mirror image nobody ends; but it may
    be taken for somebody else, so it counts in a strip along the border alone, and there no more
    than what stands farther in.

    Args:
        share: of the person, where all goes on beyond the photograph as at its border, [F, F].
        mirrored: of the person, where the photograph's mirror image stands there, [F, F].
        shown: where the photograph is, bool [F, F].
    """
    from scipy import ndimage

    away = ndimage.distance_transform_edt(shown)
    inside = away > _CUT * shown.shape[0]
    if shown.all() or not inside.any():
        return share
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    cut_off = np.minimum(mirrored, share[tuple(nearest)])
    whole: Floats = np.where(shown & ~inside, np.maximum(share, cut_off), share)
    return _without_mirrored(whole, shown)


METHOD = Turn(
    name="geometry",
    help="the photo's own pixels on a 3-D head",
    roles=("head", "parser", "mtcnn"),
    edit=edit,
    rank=2,
)
