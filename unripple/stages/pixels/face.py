"""The face of a photo as edits on pixels see it: parts, pose, the mean head laid onto it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import Face, Floats, Labels, Landmarks, Mask, NoFace, Photo
from unripple.ops.geometry import apply, inverse, scale_of
from unripple.ops.head import Head, HeadPose, fit_head
from unripple.ops.mesh import MESH_POINTS, mesh_of
from unripple.ops.shaping import Laid, lay, pose_of_mesh
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.parse import ParseSettings, labels_of, person_share
from unripple.stages.pixels.lips import with_lips_of

if TYPE_CHECKING:
    from unripple.stages.edit import EditSettings

LARGEST_GRID = 256
"""Side of the grid on which motions are computed: they are smooth, so more shows nothing."""


@dataclass(frozen=True)
class SeenFace:
    """A face in its crop.

    Attributes:
        crop: uint8 [S, S, 3].
        labels: its parts, `Face`, uint8 [S, S].
        landmarks: five points, px of the crop, [5, 2].
        mesh: 468 points, px of the crop, [468, 2]; None without a net that reads them.
        head: the mean head.
        pose: of the head, by the mesh or else by the landmarks.
        turn_pose: of the head by the landmarks, which turns go by.
        person_share: how much of every pixel is a person, [S, S]; None without a net that tells.
        px: pixels of the photograph per pixel of the crop.
        points: of the mean head, float64 [N, 3].
    """

    crop: Photo
    labels: Labels
    landmarks: Landmarks
    mesh: Floats | None
    head: Head
    pose: HeadPose
    turn_pose: HeadPose
    person_share: Floats | None
    px: float
    points: Floats = field(repr=False)

    @property
    def size(self) -> int:
        """Side of the crop, px."""
        return int(self.crop.shape[0])

    @property
    def grid(self) -> int:
        """Side of the grid of motions."""
        shown = round(self.size * max(self.px, 1.0))
        return max(self.size, min(LARGEST_GRID, shown))

    @property
    def person(self) -> Mask:
        """Where the person is, bool [S, S]."""
        inside: Mask = self.labels != Face.BACKGROUND
        return inside

    @cached_property
    def laid(self) -> Laid:
        """The mean head's points on this face."""
        if self.mesh is None:
            known: Floats = self.head.landmarks
            observed: Floats = self.landmarks.astype(np.float64)
            more = _by_parts(self.labels, self.landmarks)
            known = np.concatenate((known, [place for place, _ in more])) if more else known
            observed = np.concatenate((observed, [at for _, at in more])) if more else observed
        else:
            known, observed = self.points[-MESH_POINTS:], self.mesh
        return lay(self.points, self.pose, known, observed, size=self.size, grid=self.grid)


_BROWS = ((Face.RIGHT_BROW, -0.305), (Face.LEFT_BROW, 0.305))  # of the person, in the picture
_BROW_Y, _SEAM_Y, _DEEP = -0.238, 0.602, 0.70
"""Where the mean head's brows and the seam of its lips are, head units."""
_LEAST_PX = 5


def _by_parts(labels: Labels, landmarks: Landmarks) -> list[tuple[Floats, Floats]]:
    """Places that five landmarks do not tell: brows, and the middle of the lips, which a smile
    moves against the corners of the mouth. In the mean head, and in the picture."""
    found = []
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    for part, x in _BROWS:
        brow = labels == part
        if brow.sum() >= _LEAST_PX:
            at = np.array((columns[brow].mean(), rows[brow].mean()))
            found.append((np.array((x, _BROW_Y, _DEEP)), at))
    left, right = landmarks[3:].astype(np.float64)
    middle, half = (left + right) / 2, max(float(np.hypot(*(right - left))) / 2, 1.0)
    central = np.abs(columns - middle[0]) < 0.3 * half
    lips = [central & (labels == part) for part in (Face.UPPER_LIP, Face.LOWER_LIP)]
    if min(int(lip.sum()) for lip in lips) >= _LEAST_PX:
        # Between the lowest of the upper lip and the highest of the lower one.
        seam = (np.percentile(rows[lips[0]], 90) + np.percentile(rows[lips[1]], 10)) / 2
        found.append((np.array((0.0, _SEAM_Y, _DEEP)), np.array((middle[0], seam))))
    return found


def see_face(work: Work, settings: EditSettings, points: Floats) -> SeenFace:
    """Look at the face of a photo.

    Args:
        work: of stage `edit`.
        settings: its settings.
        points: see `SeenFace`.

    Raises:
        NoFace: nobody looked for landmarks, or they are not those of a face.
    """
    from unripple.stages.edit import head_of

    aligned = work.input(Aligned, "align")
    landmarks = aligned.landmarks_in_crop
    if np.isnan(landmarks).any():
        raise NoFace(
            "edit.attributes pixels needs the landmarks of the face, and align.mode aligned looks "
            "for none; set align.mode to mtcnn or embedded, or edit.attributes to generator"
        )
    head = head_of(work.load("head").net)
    try:
        turn_pose = fit_head(landmarks, head)
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.attributes to generator") from error
    found = _looked(work, settings, aligned)
    mesh: Any = found.get("mesh")
    if mesh is not None and _is_rendered(work):
        mesh = with_lips_of(found["labels"], mesh)
    pose = turn_pose if mesh is None else pose_of_mesh(points[-MESH_POINTS:], mesh)
    return SeenFace(
        crop=aligned.picture,
        labels=found["labels"],
        landmarks=landmarks,
        mesh=mesh,
        head=head,
        pose=pose,
        turn_pose=turn_pose,
        person_share=found.get("person_share"),
        px=scale_of(aligned.transform),
        points=points,
    )


def _is_rendered(work: Work) -> bool:
    """Whether the photo is of the generator's world; not, where nobody can tell."""
    from unripple.stages.invert import Inverted
    from unripple.stages.turns.auto import is_foreign

    told = work.input(Inverted, "invert").residual is not None
    return told and not is_foreign(work)


def _looked(work: Work, settings: EditSettings, aligned: Aligned) -> Mapping[str, Any]:
    """What networks see of the face: parts, share of the person, mesh. Edits of a photo have it
    in common."""
    from unripple.stages.pixels import MESH

    asked = {"scales": settings.scales, "person": settings.person, "mesh": settings.mesh}
    made_from: dict[str, Any] = {**asked, "picture": aligned.picture}
    roles = ["parser"]
    if settings.person:
        roles.append("person")
    if settings.mesh:
        assert work.photo is not None
        roles.append(MESH)
        made_from |= {"photo": work.photo.sha256, "landmarks": aligned.landmarks}
        made_from["transform"] = aligned.transform

    look = partial(_look, work, settings, aligned)
    return work.shared("face", made_from, look, roles)


def _look(work: Work, settings: EditSettings, aligned: Aligned) -> dict[str, Any]:
    """The same, looked at now."""
    crop = aligned.picture
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    found: dict[str, Any] = {"labels": labels_of(work, crop, parsing)}
    if settings.person:
        person: Any = work.load("person")
        found["person_share"] = person_share(crop, person.net, net_size_px=person.size_px)
    if settings.mesh:
        found["mesh"] = _mesh(work, aligned)
    return found


def _mesh(work: Work, aligned: Aligned) -> Floats:
    """The mesh of the face in the photograph, px of the crop."""
    from unripple.stages.pixels import MESH

    assert work.photo is not None
    net: Any = work.load(MESH)
    seen = mesh_of(work.photo.srgb, net.net, aligned.landmarks, size_px=net.size_px)
    points: Floats = apply(inverse(aligned.transform), seen[:, :2])
    return points
