"""The face of a photo as edits on pixels see it: parts, pose, the mean head laid onto it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import Face, Floats, Labels, Landmarks, Mask, NoFace, Photo
from unripple.ops.geometry import apply, inverse, scale_of
from unripple.ops.head import Head, HeadPose, fit_head
from unripple.ops.mesh import mesh_of
from unripple.ops.shaping import MESH_POINTS, Laid, lay, pose_of_mesh
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.parse import ParseSettings, labels_of, person_share

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
        else:
            known, observed = self.points[-MESH_POINTS:], self.mesh
        return lay(self.points, self.pose, known, observed, size=self.size, grid=self.grid)


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
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    labels = labels_of(work, aligned.picture, parsing)
    try:
        turn_pose = fit_head(landmarks, head)
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.attributes to generator") from error
    mesh, pose = None, turn_pose
    if settings.mesh:
        mesh = _mesh(work, aligned)
        pose = pose_of_mesh(points[-MESH_POINTS:], mesh)
    px = scale_of(aligned.transform)
    share = None
    if settings.person:
        person: Any = work.load("person")
        share = person_share(aligned.picture, person.net, net_size_px=person.size_px)
    return SeenFace(
        aligned.picture, labels, landmarks, mesh, head, pose, turn_pose, share, px, points
    )


def _mesh(work: Work, aligned: Aligned) -> Floats:
    """The mesh of the face in the photograph, px of the crop."""
    from unripple.stages.pixels import MESH

    assert work.photo is not None
    net: Any = work.load(MESH)
    seen = mesh_of(work.photo.srgb, net.net, aligned.landmarks, size_px=net.size_px)
    points: Floats = apply(inverse(aligned.transform), seen[:, :2])
    return points
