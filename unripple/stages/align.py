"""align: cut an upright face out of a photograph and remember the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from unripple.conventions import (
    Affine,
    BadPhoto,
    Landmarks,
    Mask,
    NoFace,
    Photo,
    SeveralFaces,
    ShapeMismatch,
)
from unripple.ops.faces import face_unit, see_the_same
from unripple.ops.geometry import (
    FFHQ,
    Framing,
    apply,
    face_affine,
    inverse,
    resample,
    scale_of,
)
from unripple.stages.face_search import faces_by_mtcnn as faces_by_mtcnn
from unripple.stages.face_search import faces_by_network as faces_by_network
from unripple.stages.face_search import main_faces_by_mtcnn as main_faces_by_mtcnn
from unripple.stages.face_search.second_looks import second_looks
from unripple.stages.finders import FINDERS
from unripple.stages.interface import Plan, Settings, Stage, Subject, Values, Work, knob

AUTO = "auto"
LEAST_PX, MOST_PX = 128, 512
"""Sides of a crop that is as large as the photograph shows it: networks see nothing in smaller
ones, and what is finer than larger ones comes along with `paste`."""

_BY_HAND = "file"  # the way of photos whose landmarks somebody marked
LONGEST_PX = 1600  # to which mode auto shrinks longer photographs before MTCNN looks


class Aligned(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: the crop, uint8 [S, S, 3].
        transform: float64 [2, 3], crop pixels -> photograph pixels.
        landmarks: float32 [5, 2], px of the photograph; nan where nobody looked for them.
    """

    picture: Photo
    transform: Affine
    landmarks: Landmarks

    @property
    def landmarks_in_crop(self) -> Landmarks:
        """The face's five points in px of the crop; nan where nobody looked for them."""
        return apply(inverse(self.transform), self.landmarks.astype(np.float64))

    @property
    def tilt_deg(self) -> float:
        """By how much the crop is turned in the photograph, clockwise, degrees."""
        return float(np.degrees(np.arctan2(self.transform[1, 0], self.transform[0, 0])))

    def shown(self, photo: Photo, side: int) -> Mask:
        """Which pixels the photograph has of a crop as many px wide, bool [side, side]; the others
        are its mirror image."""
        high, wide = photo.shape[:2]
        centres = (np.arange(side) + 0.5) * self.picture.shape[0] / side
        places = apply(self.transform, np.stack(np.meshgrid(centres, centres), axis=-1))
        inside: Mask = np.all((places >= 0) & (places <= (wide, high)), axis=-1)
        return inside

    def seen(self, picture: Any) -> Any:
        """A picture or mask as large as the photo, seen through the crop, see `seen_in_crop`."""
        return seen_in_crop(picture, self.transform, size_px=self.picture.shape[0])


def seen_in_crop(picture: Any, transform: Affine, *, size_px: int) -> Any:
    """A picture or mask as large as the photo, seen through the crop.

    Args:
        picture: uint8 [H, W, 3], or bool [H, W].
        transform: crop pixels -> photograph pixels.
        size_px: side of the crop.

    Returns:
        uint8 [size_px, size_px, 3], or bool [size_px, size_px].
    """
    is_mask = picture.dtype == np.bool_
    source = picture.astype(np.uint8) * 255 if is_mask else picture
    looked = resample(source, transform, width=size_px, height=size_px)
    return looked >= 128 if is_mask else looked


@dataclass(frozen=True, kw_only=True)
class AlignSettings(Settings):
    """How the face is found and cut out.

    Attributes:
        size_px, framing: how the set of models wants its faces: as large as the generator draws
            them, and framed as the encoder's file says (as in FFHQ if it does not).
        points: the landmarks of this photo, where a file names them.
        longest_px: mode mtcnn: longer photos are shrunk to this side before it looks; None never.
        starts: mode embedded: landmarks of faces that MTCNN found, near which they are; None where
            the photograph is to be searched.
        as_large: take the crop as large as the photograph shows it, but for `size_px` at most.
    """

    mode: str = knob(
        AUTO,
        "who finds the 5 landmarks: embedded (rendered faces only) | mtcnn | file | aligned (the "
        "photo is a face crop already); auto is embedded with the embedded encoder where MTCNN "
        "does not see other faces, else mtcnn. The column `align` of data/sheet.tsv overrides it",
        choices=FINDERS,
        also=(AUTO,),
    )
    faces: Literal["refuse", "largest", "all"] = knob(
        "refuse",
        "several faces in a photo: refuse | largest | all (a picture per face, and one with all of "
        "them edited)",
    )
    landmarks: str | None = knob(
        None, "mode file: a .json or .csv, see `unripple stage align --help`"
    )
    max_spread: float = knob(
        0.12,
        "mode embedded: how far looks may disagree, in distances between the eyes",
        above=0,
        maximum=10,
    )
    min_confidence: float = knob(0.9, "mode mtcnn", minimum=0, maximum=1)
    size_px: int = 0
    framing: Mapping[str, Any] = field(default_factory=dict)
    points: Sequence[Sequence[float]] | None = None
    longest_px: int | None = None
    starts: Sequence[Sequence[Sequence[float]]] | None = None
    as_large: bool = False

    def side_px(self, shown_px: float) -> int:
        """The side of a crop that shows so many pixels of the photograph."""
        if not self.as_large:
            return self.size_px
        return int(np.clip(np.ceil(shown_px - 1e-6), LEAST_PX, self.size_px))


def align(photo: Photo, landmarks: Landmarks, *, size_px: int, framing: Framing = FFHQ) -> Aligned:
    """Cut the face out, upright, at `size_px`; beyond the photograph's border it is mirrored.

    Args:
        photo: uint8 [H, W, 3].
        landmarks: [5, 2] px: picture-left eye, picture-right eye, nose tip, mouth corners.
        size_px: side of the crop.
        framing: how much of the head to show; each model set has its own.

    Raises:
        NoFace: the landmarks coincide.
        ShapeMismatch: not five landmarks.
    """
    if landmarks.shape != (5, 2):
        raise ShapeMismatch(f"five landmarks [5, 2] expected, got {list(landmarks.shape)}")
    transform = face_affine(landmarks, size_px, framing)
    picture = resample(photo, transform, width=size_px, height=size_px)
    return Aligned(picture, transform, landmarks.astype(np.float32))


def already_aligned(photo: Photo, *, size_px: int, landmarks: Landmarks | None = None) -> Aligned:
    """Take a square photograph as the crop; at the wanted size, byte for byte.

    Raises:
        BadPhoto: the photograph is not square.
    """
    height, width = photo.shape[:2]
    if height != width:
        raise BadPhoto(
            f"an aligned photograph is square, this one has {width} x {height} px; set align.mode "
            "to auto (--set align.mode=auto) to have its face cut out"
        )
    scale = width / size_px
    transform = np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
    picture = resample(photo, transform, width=size_px, height=size_px)
    unknown = np.full((5, 2), np.nan, np.float32)
    return Aligned(picture, transform, unknown if landmarks is None else landmarks)


HOW_TO_FIND = (
    "mark its landmarks in a file (align.landmarks, with --set align.mode=file), or, if it is a "
    "face crop already, say so (--set align.mode=aligned)"
)
OTHER_FINDER = {
    "embedded": "no face was found by the embedded network, which knows rendered faces best; set "
    "align.mode to mtcnn (--set align.mode=mtcnn), ",
    "mtcnn": "no face was found by MTCNN; set align.mode to embedded (--set align.mode=embedded), ",
    "file": "no face was found; set align.mode to mtcnn (--set align.mode=mtcnn), ",
}
"""What to do where nothing was found, by the way in which it was looked for."""
NEITHER = "no face was found, neither by the embedded network nor by MTCNN; "
NOT_NAMED = (
    "the landmarks file does not name this photo; add it there, or have its face found by setting "
    "align.mode to embedded or mtcnn (--set align.mode=mtcnn)"
)


def choose_faces(
    faces: Sequence[Landmarks],
    policy: Literal["refuse", "largest", "all"],
    *,
    mode: str = "embedded",
) -> list[Landmarks]:
    """Decide which of the faces found shall be edited.

    Args:
        faces: landmarks, each [5, 2] px.
        policy: what to do about several: refuse the photograph, take the largest, or take all.
        mode: who looked for them, for the words of the refusal.

    Raises:
        NoFace: there is none.
        SeveralFaces: there are several and the policy is to refuse.
    """
    if not faces:
        raise NoFace(OTHER_FINDER[mode] + HOW_TO_FIND)
    if len(faces) > 1 and policy == "refuse":
        raise SeveralFaces(
            f"{len(faces)} faces were found; set align.faces to largest or all (--set "
            "align.faces=largest, or --set align.faces=all) to edit such a photo, or crop it"
        )
    by_size = sorted(faces, key=lambda face: -float(face_unit(face)))
    return by_size if policy == "all" else by_size[:1]


def run(work: Work, settings: AlignSettings) -> list[Aligned]:
    """Crop every face that the settings ask for, largest first."""
    return FINDERS[settings.mode].crops(work, settings)


def _shown_px(face: Landmarks, framing: Framing) -> float:
    return scale_of(face_affine(face, 1, framing))


def cut_out(photo: Photo, found: Sequence[Landmarks], settings: AlignSettings) -> list[Aligned]:
    """Crop those of the faces found that the settings ask for, largest first."""
    framing = Framing(**settings.framing)
    return [
        align(photo, face, size_px=settings.side_px(_shown_px(face, framing)), framing=framing)
        for face in choose_faces(found, settings.faces, mode=settings.mode)
    ]


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """Who finds the faces, and how the models want them: our own network with our encoder."""
    mode = finder_of(settings["mode"], published_encoder=plan.is_published("encoder"))
    framing = plan.metadata("encoder").get("framing", {})
    size_px = MOST_PX if settings.get("as_large") else plan.size_px("generator")
    return {**settings, "mode": mode, "size_px": size_px, "framing": framing}


def finder_of(mode: str, *, published_encoder: bool) -> str:
    """Who looks for faces first, given `align.mode`."""
    if mode != AUTO:
        return mode
    return "mtcnn" if published_encoder else "embedded"


def leaves_open(section: Values, plan: Plan) -> bool:
    """Whether each photo decides who finds its faces."""
    return bool(section["mode"] == AUTO and not plan.is_published("encoder"))


def settle(work: Work, settings: AlignSettings) -> dict[str, Any]:
    """Who finds the faces of this photo: the embedded network, near where MTCNN sees them, but
    MTCNN where the network does not see the same, or the photo is a camera's, longer than
    `LONGEST_PX`.

    Raises:
        NoFace: neither sees any.
    """
    assert work.photo is not None
    by_mtcnn = {"mode": "mtcnn", "longest_px": LONGEST_PX}
    photo, mtcnn, sure = work.photo.srgb, work.load("mtcnn").net, settings.min_confidence
    theirs = main_faces_by_mtcnn(photo, mtcnn, min_confidence=sure, longest_px=LONGEST_PX)
    if not theirs:
        if found_by_network(work, settings):
            return {}
        if second_looks(photo, mtcnn, min_confidence=sure):
            return by_mtcnn
        raise NoFace(NEITHER + HOW_TO_FIND)
    if max(photo.shape[:2]) > LONGEST_PX:
        return by_mtcnn
    # The largest first: where the network does not see it, the others need not be looked at.
    by_size = sorted(theirs, key=lambda face: -float(face_unit(face)))
    for count in sorted({1, len(theirs)}):
        starts = [np.round(face.astype(np.float64), 2).tolist() for face in by_size[:count]]
        found = found_by_network(work, replace(settings, starts=starts))
        if not see_the_same(found, by_size[:count]):
            return by_mtcnn
    return {"starts": starts}


def found_by_network(work: Work, settings: AlignSettings) -> list[Landmarks]:
    """The faces that the embedded network sees, see `faces_by_network`."""
    assert work.photo is not None
    reader, starts = work.load("landmarks"), settings.starts
    near = None if starts is None else [np.array(face, np.float32) for face in starts]
    return faces_by_network(
        work.photo.srgb,
        reader.net,
        net_size_px=reader.size_px,
        framing=Framing(**reader.metadata.get("framing", {})),
        max_spread=settings.max_spread,
        starts=near,
    )


def own(settings: Values, subject: Subject) -> dict[str, Any]:
    """How the face of this photo is found: as the sheet says, or where it is marked, or else as the
    config says.

    Raises:
        BadPhoto: the sheet names no such way.
    """
    marked = "" if subject.points is None else _BY_HAND
    mode = subject.align or marked or settings["mode"]
    if mode not in FINDERS:
        listed = ", ".join(FINDERS)
        raise BadPhoto(f"sheet: {subject.photo}: align says {mode!r}; wanted one of {listed}")
    return {"mode": mode, "points": subject.points if FINDERS[mode].by_hand else None}


def roles(settings: Values) -> tuple[str, ...]:
    """Those of whoever finds the faces."""
    return FINDERS[settings["mode"]].roles


STAGE = Stage(
    name="align",
    help="cut the face out, upright",
    version=3,
    run=run,
    outputs=Aligned,
    settings=AlignSettings,
    methods=(FINDERS,),
    photo_inputs=(),
    photo_title="photo",
    in_strip=True,
    roles=roles,
    decide=decide,
    own=own,
    leaves_open=leaves_open,
    settle=settle,
    settle_roles=("landmarks", "mtcnn"),
    settle_version=2,
    aside=("landmarks",),
    reads_photo=True,
)
