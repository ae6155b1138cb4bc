"""mtcnn: the detector of facenet-pytorch, for photographs."""

from __future__ import annotations

from unripple.stages import align as stage
from unripple.stages.align import Aligned, AlignSettings
from unripple.stages.face_search.second_looks import second_looks
from unripple.stages.finders import Finder
from unripple.stages.interface import Work


def crops(work: Work, settings: AlignSettings) -> list[Aligned]:
    """See `stages.align.faces_by_mtcnn`; where it finds none, `face_search.second_looks`."""
    assert work.photo is not None
    net = work.load("mtcnn").net
    photo = work.photo.srgb
    faces = stage.faces_by_mtcnn(
        photo, net, min_confidence=settings.min_confidence, longest_px=settings.longest_px
    )
    if not faces:
        faces = second_looks(photo, net, min_confidence=settings.min_confidence)
    return stage.cut_out(photo, faces, settings)


METHOD = Finder(name="mtcnn", help="for photographs", roles=("mtcnn",), crops=crops, rank=2)
