"""The face that the published identity metric looks at: MTCNN's surest one, at ArcFace's points.

HyperStyle's and StyleFeatureEditor's copy of MTCNN has the weights of ours and other habits, and
the metric depends on them: bytes resized by Pillow, whole pixels, low thresholds. One of them is a
fault and kept, since it decides which face is cut: the proposals' confidences add up to 1 along
each row of the map, instead of over face and no face.

Source: models/mtcnn of eladrich/pixel2style2pixel (MIT), after TreB1eN/InsightFace_Pytorch (MIT),
which both projects carry.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.conventions import Affine, Floats, Photo
from unripple.ops.resample import resize_bilinear

FACE_PX = 112
POINTS: Floats = np.array(
    [
        (38.29459953, 51.69630051),
        (73.53179932, 51.50139999),
        (56.02519989, 71.73660278),
        (41.54930115, 92.3655014),
        (70.72990036, 92.20410156),
    ],
    np.float32,
)
"""Where eyes, nose and corners of the mouth shall lie, px [5, 2]."""

_SMALLEST_PX, _WINDOW_PX, _STEP_PX, _SHRINK = 20, 12, 2, 0.707
_SURE = (0.15, 0.25, 0.35)
_AT_MOST = (0.5, 0.7)  # overlap: within a level of the pyramid, and after each network
Boxes = npt.NDArray[np.float64]


def face_of(photo: Photo, mtcnn: Any) -> Photo | None:
    """Cut a face out of a photo, upright.

    Args:
        photo: uint8 [H, W, 3].
        mtcnn: a `models.mtcnn.MTCNN`.

    Returns:
        uint8 [112, 112, 3]; None if there is no face.
    """
    points = landmarks_of(photo, mtcnn)
    if points is None:
        return None
    return cv2.warpAffine(photo, similarity(points, POINTS), (FACE_PX, FACE_PX))


def landmarks_of(photo: Photo, mtcnn: Any) -> Floats | None:
    """Five landmarks of the surest face, float32 [5, 2] px; None if there is no face."""
    with torch.inference_mode():
        boxes = _proposed(photo, mtcnn.pnet)
        if not len(boxes):
            return None
        moves, confidence = _told(mtcnn.rnet, photo, boxes, 24)
        boxes, moves = _sure(_within(boxes, photo), confidence, _SURE[1], moves)
        kept = _apart(boxes, _AT_MOST[1])
        boxes = _whole(_moved(boxes[kept], moves[kept]))
        if not len(boxes):
            return None
        moves, confidence, points = _told(mtcnn.onet, photo, boxes, 48)
    points = points.reshape(-1, 2, 5)  # all x, then all y
    boxes, moves, points = _sure(_within(boxes, photo), confidence, _SURE[2], moves, points)
    corner, sides = boxes[:, :2, None], _sides(boxes)[:, :, None]
    places = (corner + sides * points).astype(np.float32)  # [N, 2, 5]
    kept = _apart(_moved(boxes, moves), _AT_MOST[1], of_smaller=True)
    return places[kept[0]].T if kept else None


def similarity(points: Floats, wanted: Floats) -> Affine:
    """The turn, scale and shift that brings points [N, 2] to where they are wanted, [2, 3].

    The way back is fitted by least squares and inverted, so errors count in the photo's pixels.
    """
    x, y = wanted.astype(np.float64).T
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([x, y, one, none], 1), np.stack([y, -x, none, one], 1)])
    (cos, sin, right, down), *_ = np.linalg.lstsq(rows, points.T.reshape(-1), rcond=None)
    back = np.array([[cos, sin, right], [-sin, cos, down], [0, 0, 1]])
    return np.linalg.inv(back)[:2]


def _proposed(photo: Photo, pnet: Any) -> Boxes:
    """Square boxes in whole pixels with their confidence, [N, 5]."""
    height, width = photo.shape[:2]
    scale = _WINDOW_PX / _SMALLEST_PX
    shorter, candidates = min(height, width) * scale, []
    while shorter > _WINDOW_PX:
        size = (math.ceil(height * scale), math.ceil(width * scale))
        level = _seen([resize_bilinear(photo, size)], pnet.conv1.weight.device)
        moves, logits = pnet.logits(level)
        confidence = logits.softmax(-1)[0, 1].cpu().numpy()  # along the row: see above
        sure = np.nonzero(confidence > _SURE[0])
        first = np.stack(sure[::-1], 1) * _STEP_PX + 1.0
        corners = [np.round(first / scale), np.round((first + _WINDOW_PX) / scale)]
        shifts = moves[0].permute(1, 2, 0).cpu().numpy()[sure]
        boxes = np.concatenate([*corners, confidence[sure][:, None], shifts], 1)
        candidates.append(boxes[_apart(boxes, _AT_MOST[0])])
        scale, shorter = scale * _SHRINK, shorter * _SHRINK
    if not candidates:
        return np.zeros((0, 5))
    boxes = np.concatenate(candidates)
    boxes = boxes[_apart(boxes, _AT_MOST[1])]
    return _whole(_moved(boxes[:, :5], boxes[:, 5:]))


def _seen(crops: list[Photo], device: torch.device) -> Tensor:
    pixels = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2).contiguous().float()
    return (pixels - 127.5) * 0.0078125  # [B, 3, H, W]


def _told(net: Any, photo: Photo, boxes: Boxes, side_px: int) -> list[Floats]:
    """What a network says of the boxes."""
    crops = [_cut(photo, box, side_px) for box in boxes[:, :4].astype(int)]
    return [part.cpu().numpy() for part in net(_seen(crops, net.conv1.weight.device))]


def _cut(photo: Photo, box: npt.NDArray[np.int_], side_px: int) -> Photo:
    """What a box shows, uint8 [side, side, 3]; black beyond the photo."""
    left, top, right, bottom = (int(edge) for edge in box)
    crop = np.zeros((max(bottom - top + 1, 1), max(right - left + 1, 1), 3), np.uint8)
    height, width = photo.shape[:2]
    x, y = max(left, 0), max(top, 0)
    end_x, end_y = max(min(right + 1, width), x), max(min(bottom + 1, height), y)
    crop[y - top : end_y - top, x - left : end_x - left] = photo[y:end_y, x:end_x]
    return resize_bilinear(crop, (side_px, side_px))


def _within(boxes: Boxes, photo: Photo) -> Boxes:
    """Boxes [N, 5] cut at the photo's borders."""
    height, width = photo.shape[:2]
    first = np.maximum(boxes[:, :2], 0)
    last = np.minimum(boxes[:, 2:4], (width - 1, height - 1))
    return np.concatenate([first, last, boxes[:, 4:]], 1)


def _sure(boxes: Boxes, confidence: Floats, least: float, *others: Floats) -> tuple[Any, ...]:
    """Boxes with their new confidence, and what belongs to them, where it is enough."""
    sure = confidence > least
    renewed = np.concatenate([boxes[:, :4], confidence[:, None].astype(np.float64)], 1)
    return renewed[sure], *(other[sure] for other in others)


def _sides(boxes: Boxes) -> Boxes:
    return boxes[:, 2:4] - boxes[:, :2] + 1.0


def _moved(boxes: Boxes, moves: Floats) -> Boxes:
    """Boxes [N, 5] with each edge moved by a share of its side."""
    return np.concatenate([boxes[:, :4] + np.tile(_sides(boxes), 2) * moves, boxes[:, 4:]], 1)


def _whole(boxes: Boxes) -> Boxes:
    """Boxes [N, 5] widened to squares around their middle, in whole pixels."""
    sides = _sides(boxes)
    side = sides.max(1, keepdims=True)
    first = boxes[:, :2] + sides * 0.5 - side * 0.5
    return np.concatenate([np.round(first), np.round(first + side - 1.0), boxes[:, 4:]], 1)


def _apart(boxes: Boxes, overlap: float, *, of_smaller: bool = False) -> list[int]:
    """Which boxes stay, surest first, if none may share more than that with a surer one.

    Shares are of the union of both, or of the smaller box.
    """
    first, last, areas = boxes[:, :2], boxes[:, 2:4], _sides(boxes).prod(1)
    left, kept = np.argsort(boxes[:, 4]), []
    while left.size:
        one, left = left[-1], left[:-1]
        kept.append(int(one))
        inner = np.minimum(last[one], last[left]) - np.maximum(first[one], first[left]) + 1.0
        shared = np.maximum(inner, 0).prod(1)
        smaller = np.minimum(areas[one], areas[left])
        whole = smaller if of_smaller else areas[one] + areas[left] - shared
        left = left[~(shared / whole > overlap)]
    return kept
