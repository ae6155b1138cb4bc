"""align: cut an upright face out of a photograph and remember the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import (
    Affine,
    BadPhoto,
    Floats,
    Landmarks,
    NoFace,
    Photo,
    SeveralFaces,
    ShapeMismatch,
)
from unripple.models.landmarks import LandmarkNet
from unripple.ops.faces import Certainty, DetectedFace, Reader, face_unit, find_faces
from unripple.ops.geometry import FFHQ, Framing, face_affine, resample
from unripple.ops.tensors import device_of, to_tensor

CHUNK = 32  # crops per forward pass
SURE = 0.07  # the highest share of a heatmap where a clear face has the landmark
MTCNN_LEAST_PX = 20  # of a photograph's shorter side; MTCNN looks for faces from there on


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


def reader_of(network: Callable[[Tensor], Tensor]) -> Reader:
    """Make a reader of crops out of a landmark network.

    Args:
        network: float [B, 3, S, S] in [-1, 1] -> landmarks [B, 5, 2] in units of the side.
    """

    def read(crops: Photo) -> Floats:
        device = device_of(network)
        with torch.inference_mode():
            seen = [
                network(to_tensor(crops[start : start + CHUNK], device=device)).float().cpu()
                for start in range(0, len(crops), CHUNK)
            ]
        pixels: Floats = torch.cat(seen).numpy().astype(np.float64) * crops.shape[1]
        return pixels

    return read


def certainty_of(network: LandmarkNet) -> Certainty:
    """Ask a landmark network how sure it is: by how high the peaks of its heatmaps are."""

    def certainty(crops: Photo) -> Floats:
        with torch.inference_mode():
            heatmaps = network.heatmaps(to_tensor(crops, device=device_of(network)))
        shares: Floats = heatmaps.flatten(2).softmax(2).amax(2).cpu().numpy()
        return shares / SURE

    return certainty


def faces_by_network(
    photo: Photo,
    network: Callable[[Tensor], Tensor],
    *,
    net_size_px: int,
    framing: Framing = FFHQ,
    max_spread: float = 0.12,
) -> list[Landmarks]:
    """Find all faces with a landmark network, the most certain one first; see `ops.faces`."""
    found: list[DetectedFace] = find_faces(
        photo,
        reader_of(network),
        size_px=net_size_px,
        framing=framing,
        max_spread=max_spread,
        certainty=certainty_of(network) if isinstance(network, LandmarkNet) else None,
    )
    return [face.landmarks for face in found]


def faces_by_mtcnn(photo: Photo, mtcnn: Any, *, min_confidence: float = 0.9) -> list[Landmarks]:
    """Find all faces with facenet-pytorch's MTCNN, the most certain one first.

    Args:
        photo: uint8 [H, W, 3].
        mtcnn: a ready `facenet_pytorch.MTCNN(keep_all=True)`.
        min_confidence: weaker finds are dropped, 0 .. 1.
    """
    if min(photo.shape[:2]) < MTCNN_LEAST_PX:  # its pyramid would be empty, which torch refuses
        return []
    _, confidences, points = mtcnn.detect(photo, landmarks=True)
    if points is None:
        return []
    sure = [
        (float(confidence), np.asarray(face, np.float32))
        for confidence, face in zip(confidences, points, strict=True)
        if confidence is not None and confidence >= min_confidence
    ]
    return [face for _, face in sorted(sure, key=lambda pair: -pair[0])]


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
