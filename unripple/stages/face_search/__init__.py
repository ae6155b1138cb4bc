"""Looking for faces in a photograph: by our landmark network over many windows, or by MTCNN."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import Floats, Landmarks, Photo
from unripple.ops.faces import Certainty, Reader, face_unit, faces_near, find_faces
from unripple.ops.geometry import FFHQ, Framing, shrunk

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.landmarks import LandmarkNet

CHUNK = 32  # crops per forward pass
SURE = 0.07  # the highest share of a heatmap where a clear face has the landmark
_last_search: tuple[Hashable, list[Landmarks]] | None = None
MTCNN_LEAST_PX = 20  # of a photograph's shorter side; MTCNN looks for faces from there on


def reader_of(network: Callable[[Tensor], Tensor]) -> Reader:
    """Make a reader of crops out of a landmark network.

    Args:
        network: float [B, 3, S, S] in [-1, 1] -> landmarks [B, 5, 2] in units of the side.
    """

    import torch

    from unripple.ops.tensors import device_of, to_tensor

    def read(crops: Photo) -> Floats:
        device = device_of(network)
        with torch.inference_mode():
            batches = [
                network(to_tensor(crops[start : start + CHUNK], device=device)).float().cpu()
                for start in range(0, len(crops), CHUNK)
            ]
        return torch.cat(batches).numpy().astype(np.float64) * crops.shape[1]

    return read


def certainty_of(network: LandmarkNet) -> Certainty:
    """Ask a landmark network how sure it is: by how high the peaks of its heatmaps are."""

    import torch

    from unripple.ops.tensors import device_of, to_tensor

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
    starts: Sequence[Landmarks] | None = None,
) -> list[Landmarks]:
    """Find all faces with a landmark network, the most certain one first; see `ops.faces`.

    Where somebody else found some (`starts`), only these are looked at, which takes a tenth of the
    time. The last search is remembered: whoever decides who shall find the face has often found it.
    """
    digest = hashlib.sha256(np.ascontiguousarray(photo).data).digest()
    near = None if starts is None else np.array(starts, np.float64).tobytes()
    asked = digest, photo.shape, network, net_size_px, framing, max_spread, near
    global _last_search
    if (last := _last_search) is None or last[0] != asked:
        last = asked, _searched(photo, network, net_size_px, framing, max_spread, starts)
        _last_search = last
    return [landmarks.copy() for landmarks in last[1]]


def _searched(
    photo: Photo,
    network: Callable[[Tensor], Tensor],
    net_size_px: int,
    framing: Framing,
    max_spread: float,
    starts: Sequence[Landmarks] | None,
) -> list[Landmarks]:
    from unripple.models.landmarks import LandmarkNet

    options: Any = {
        "size_px": net_size_px,
        "framing": framing,
        "max_spread": max_spread,
        "certainty": certainty_of(network) if isinstance(network, LandmarkNet) else None,
    }
    if starts is None:
        faces = find_faces(photo, reader_of(network), **options)
    else:
        faces = faces_near(photo, starts, reader_of(network), **options)
    return [face.landmarks for face in faces]


def faces_by_mtcnn(
    photo: Photo,
    mtcnn: Any,
    *,
    min_confidence: float = 0.9,
    longest_px: int | None = None,
    least_px: float | None = None,
) -> list[Landmarks]:
    """Find all faces with facenet-pytorch's MTCNN, the most certain one first.

    Args:
        photo: uint8 [H, W, 3].
        mtcnn: a ready `facenet_pytorch.MTCNN(keep_all=True)`.
        min_confidence: weaker finds are dropped, 0 .. 1.
        longest_px: longer photos are shrunk to this side first; None never.
        least_px: smaller faces need not be found, as a side in px of what it looks at; None: all.
    """
    shrink = 1.0 if longest_px is None else max(1.0, max(photo.shape[:2]) / longest_px)
    if shrink > 1:
        small = shrunk(photo, shrink)
        faces = faces_by_mtcnn(small, mtcnn, min_confidence=min_confidence, least_px=least_px)
        ratio = np.array(photo.shape[1::-1]) / np.array(small.shape[1::-1])
        return [(face * ratio).astype(np.float32) for face in faces]
    if min(photo.shape[:2]) < MTCNN_LEAST_PX:  # its pyramid would be empty, which torch refuses
        return []
    words = {} if least_px is None else {"least_px": least_px}
    _, confidences, points = mtcnn.detect(photo, landmarks=True, **words)
    if points is None:
        return []
    sure = [
        (float(confidence), np.asarray(face, np.float32))
        for confidence, face in zip(confidences, points, strict=True)
        if confidence is not None and confidence >= min_confidence
    ]
    return [face for _, face in sorted(sure, key=lambda pair: -pair[0])]


FIRST_LOOK = 1 / 6
"""Side of the smallest face of MTCNN's first look, of the photograph's shorter side. Every look at
half of that takes four times as long: most windows of a photograph are small ones."""


def main_faces_by_mtcnn(
    photo: Photo, mtcnn: Any, *, min_confidence: float = 0.9, longest_px: int
) -> list[Landmarks]:
    """The largest faces of a photograph by MTCNN, and all that are half as large; maybe others.

    It looks for large ones first, and for smaller ones as long as there may be some that count.

    Args:
        photo, mtcnn, min_confidence, longest_px: see `faces_by_mtcnn`.
    """
    height, width = photo.shape[:2]
    looked_at = min(1.0, longest_px / max(height, width))
    least_px = FIRST_LOOK * min(height, width) * looked_at
    while least_px > 2 * MTCNN_LEAST_PX:
        faces = faces_by_mtcnn(
            photo, mtcnn, min_confidence=min_confidence, longest_px=longest_px, least_px=least_px
        )
        # A face is two units wide, and one of half its size still counts.
        if faces and max(float(face_unit(face)) for face in faces) * looked_at >= least_px:
            return faces
        least_px /= 2
    return faces_by_mtcnn(photo, mtcnn, min_confidence=min_confidence, longest_px=longest_px)
