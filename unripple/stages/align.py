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
from unripple.ops.faces import Found, Reader, face_unit, find_faces
from unripple.ops.geometry import FFHQ, Framing, face_affine, resample
from unripple.ops.tensors import device_of, to_tensor

CHUNK = 32  # crops per forward pass


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
            f"an aligned photograph is square, this one has {width} x {height} px; "
            "turn off 'already aligned' to have its face cut out"
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


def faces_by_network(
    photo: Photo,
    network: Callable[[Tensor], Tensor],
    *,
    net_size_px: int,
    framing: Framing = FFHQ,
    max_spread: float = 0.12,
) -> list[Landmarks]:
    """Find all faces with a landmark network, the most certain one first; see `ops.faces`."""
    found: list[Found] = find_faces(
        photo, reader_of(network), size_px=net_size_px, framing=framing, max_spread=max_spread
    )
    return [face.landmarks for face in found]


def faces_by_mtcnn(photo: Photo, mtcnn: Any, *, min_confidence: float = 0.9) -> list[Landmarks]:
    """Find all faces with facenet-pytorch's MTCNN, the most certain one first.

    Args:
        photo: uint8 [H, W, 3].
        mtcnn: a ready `facenet_pytorch.MTCNN(keep_all=True)`.
        min_confidence: weaker finds are dropped, 0 .. 1.
    """
    _, confidences, points = mtcnn.detect(photo, landmarks=True)
    if points is None:
        return []
    sure = [
        (float(confidence), np.asarray(face, np.float32))
        for confidence, face in zip(confidences, points, strict=True)
        if confidence is not None and confidence >= min_confidence
    ]
    return [face for _, face in sorted(sure, key=lambda pair: -pair[0])]


def choose_faces(
    faces: Sequence[Landmarks], policy: Literal["refuse", "largest", "all"]
) -> list[Landmarks]:
    """Decide which of the faces found shall be edited.

    Args:
        faces: landmarks, each [5, 2] px.
        policy: what to do about several: refuse the photograph, take the largest, or take all.

    Raises:
        NoFace: there is none.
        SeveralFaces: there are several and the policy is to refuse.
    """
    if not faces:
        raise NoFace(
            "no face was found; give its landmarks in a file, try the other detector, "
            "or remove the photograph"
        )
    if len(faces) > 1 and policy == "refuse":
        raise SeveralFaces(
            f"{len(faces)} faces were found; choose 'largest' or 'all' to edit such a photograph"
        )
    by_size = sorted(faces, key=lambda face: -float(face_unit(face)))
    return by_size if policy == "all" else by_size[:1]
