"""MTCNN: finds the faces of a photograph and five landmarks of each.

Three small networks in a row: the first looks at every 12 px window of a pyramid of the photograph,
the second and the third look again at what it proposed and move the boxes.

Source: Zhang et al. 2016, arXiv:1604.02878. Key names and numbers are those of facenet-pytorch 2.6
(MIT), whose weights these are; written here because that package admits no torch above 2.2, no
numpy 2 and no Pillow 11. Two things differ on purpose: a photograph too small for the pyramid, or
in which the first network sees nothing, has no faces (there, an error), and boxes that lie outside
the photograph are dropped (there, an error as well).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import Floats, Mask, Photo

WINDOW_PX = 12  # what the first network looks at, and the step between two looks
STEP_PX = 2
SECOND_PX, THIRD_PX = 24, 48
SHRINK = 0.709  # from one level of the pyramid to the next: half the area
SURE = (0.6, 0.7, 0.7)  # confidence that a box needs after each network
CHUNK = 512  # boxes per forward pass


class ProposalNet(nn.Module):
    """The first network: fully convolutional, so it looks at all windows of a picture at once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return moves of the box [B, 4, h, w] and confidences [B, h, w] of [B, 3, H, W]."""
        moves, logits = self.logits(picture)
        return moves, logits.softmax(1)[:, 1]

    def logits(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the logits [B, 2, h, w] of no face and a face."""
        x = F.max_pool2d(self.prelu1(self.conv1(picture)), 2, 2, ceil_mode=True)
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), self.conv4_1(x)


class WindowNet(nn.Module):
    """The second and the third network: sift boxes, move them, and read landmarks, if asked.

    Args:
        convolutions: channels, kernel and pooling window of each; 0 pools nothing.
        read, hidden: numbers that the dense layer behind them reads and gives.
        heads: numbers that each of the last layers gives: no face and a face, moves of the box, ...
    """

    def __init__(
        self,
        convolutions: Sequence[tuple[int, int, int]],
        read: int,
        hidden: int,
        heads: Sequence[int],
    ) -> None:
        super().__init__()
        self.pools = [pool for _, _, pool in convolutions]
        fan_in = 3
        for n, (width, kernel, _) in enumerate(convolutions, start=1):
            self.add_module(f"conv{n}", nn.Conv2d(fan_in, width, kernel))
            self.add_module(f"prelu{n}", nn.PReLU(width))
            fan_in = width
        n = len(convolutions) + 1
        self.add_module(f"dense{n}", nn.Linear(read, hidden))
        self.add_module(f"prelu{n}", nn.PReLU(hidden))
        self.heads = [f"dense{n + 1}_{k}" for k in range(1, len(heads) + 1)]
        for name, width in zip(self.heads, heads, strict=True):
            self.add_module(name, nn.Linear(hidden, width))

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Return moves [B, 4], confidences [B] and what further heads give of [B, 3, S, S]."""
        x, net = crops, self.get_submodule
        for n, pool in enumerate(self.pools, start=1):
            x = net(f"prelu{n}")(net(f"conv{n}")(x))
            if pool:
                x = F.max_pool2d(x, pool, 2, ceil_mode=True)
        n = len(self.pools) + 1
        x = net(f"prelu{n}")(net(f"dense{n}")(_across_first(x)))
        logits, moves, *others = (net(name)(x) for name in self.heads)
        return moves, logits.softmax(1)[:, 1], *others


def _across_first(x: Tensor) -> Tensor:
    """Flatten [B, C, H, W] as the dense layers were trained, in Caffe's order of memory."""
    return x.permute(0, 3, 2, 1).flatten(1)  # [B, W * H * C]


class Faces(NamedTuple):
    """What was found, the largest face first.

    Attributes:
        boxes: float32 [N, 4] px: left, top, right, bottom.
        confidences: float32 [N], 0 .. 1.
        landmarks: float32 [N, 5, 2] px: picture-left eye, picture-right eye, nose, mouth corners.
    """

    boxes: Floats
    confidences: Floats
    landmarks: Floats


NO_FACES = Faces(*(np.zeros((0, *shape), np.float32) for shape in ((4,), (), (5, 2))))


class MTCNN(nn.Module):
    """The three networks and what happens between them.

    Args:
        min_face_size: side of the smallest face to look for, px of the photograph.
    """

    def __init__(self, min_face_size: int = 20) -> None:
        super().__init__()
        self.min_face_size = min_face_size
        self.pnet = ProposalNet()
        self.rnet = WindowNet([(28, 3, 3), (48, 3, 3), (64, 2, 0)], 576, 128, heads=(2, 4))
        last = [(32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0)]
        self.onet = WindowNet(last, 1152, 256, heads=(2, 4, 10))

    @torch.inference_mode()
    def forward(self, photo: Photo, least_px: float = 0.0) -> Faces:
        """Find all faces of a photograph, uint8 [H, W, 3], as far as they are not below a side."""
        device = next(self.parameters()).device
        # A copy, for torch warns of pictures that may not be written. Channels stay last in memory,
        # and the crops below are cut as they are there, which gives facenet-pytorch's last bits.
        picture = torch.as_tensor(photo.copy(), device=device)[None].permute(0, 3, 1, 2).float()
        boxes = self._propose(picture, least_px)
        boxes = self._refine(picture, boxes)
        faces = self._read(picture, boxes)
        left, top, right, bottom = faces.boxes.T
        order = np.argsort((right - left) * (bottom - top))[::-1]
        return Faces(*(part[order] for part in faces))

    def detect(
        self, photo: Photo, landmarks: bool = False, least_px: float = 0.0
    ) -> tuple[Any, ...]:
        """Answer as facenet-pytorch does: boxes, confidences and, if asked, landmarks.

        Where there is no face they are None, [None] and None.
        """
        faces = self(photo, least_px)
        if not len(faces.boxes):
            return (None, [None], None)[: 2 + landmarks]
        return tuple(faces)[: 2 + landmarks]

    def _propose(self, picture: Tensor, least_px: float) -> Tensor:
        """Square boxes with their confidence, float32 [N, 5]."""
        proposals, moves = [], []
        for scale in self._scales(*picture.shape[2:]):
            if WINDOW_PX / scale < least_px * SHRINK:  # a level sees faces up to the next one's
                continue
            height, width = (int(side * scale + 1) for side in picture.shape[2:])
            level = F.adaptive_avg_pool2d(picture, (height, width))
            moved, confidence = self.pnet(_in_unit_range(level))
            sure = confidence[0] >= SURE[0]
            corner = sure.nonzero().flip(1) * STEP_PX
            first = ((corner + 1) / scale).floor()
            last = ((corner + WINDOW_PX) / scale).floor()
            windows = torch.cat([first, last, confidence[0, sure][:, None]], 1)
            kept = _keep(windows, 0.5)
            proposals.append(windows[kept])
            moves.append(moved[0, :, sure].T[kept])
        if not proposals:
            return picture.new_zeros(0, 5)
        boxes, shifts = torch.cat(proposals), torch.cat(moves)
        kept = _keep(boxes, 0.7)
        boxes, shifts = boxes[kept], shifts[kept]
        sides = (boxes[:, 2:4] - boxes[:, :2]).repeat(1, 2)
        return _square(torch.cat([boxes[:, :4] + shifts * sides, boxes[:, 4:]], 1))

    def _scales(self, height: int, width: int) -> list[float]:
        """By how much the photograph shrinks to each level of the pyramid."""
        scale = WINDOW_PX / self.min_face_size
        shorter = min(height, width) * scale
        scales = []
        while shorter >= WINDOW_PX:
            scales.append(scale)
            scale, shorter = scale * SHRINK, shorter * SHRINK
        return scales

    def _refine(self, picture: Tensor, boxes: Tensor) -> Tensor:
        crops, inside = _cut(picture, boxes, SECOND_PX)
        if not len(crops):
            return boxes[:0]
        moves, confidence = (torch.cat(part) for part in zip(*map(self.rnet, crops), strict=True))
        sure = confidence > SURE[1]
        boxes = torch.cat([boxes[inside][sure, :4], confidence[sure, None]], 1)
        kept = _keep(boxes, 0.7)
        return _square(_moved(boxes[kept], moves[sure][kept]))

    def _read(self, picture: Tensor, boxes: Tensor) -> Faces:
        crops, inside = _cut(picture, boxes, THIRD_PX)
        if not len(crops):
            return NO_FACES
        parts = zip(*map(self.onet, crops), strict=True)
        moves, confidence, points = (torch.cat(part) for part in parts)
        sure = confidence > SURE[2]
        boxes = torch.cat([boxes[inside][sure, :4], confidence[sure, None]], 1)
        sides = boxes[:, 2:4] - boxes[:, :2] + 1
        points = points[sure].view(-1, 2, 5)  # all x, then all y
        places = sides[:, :, None] * points + boxes[:, :2, None] - 1  # [N, 2, 5]
        boxes = _moved(boxes, moves[sure])
        kept = _keep_of_smaller(boxes, 0.7)
        boxes, places = boxes[kept].cpu(), places[kept].cpu()
        return Faces(boxes[:, :4].numpy(), boxes[:, 4].numpy(), places.transpose(1, 2).numpy())


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:  # noqa: ARG001 (as the others)
    """Read the arguments of `MTCNN` from its state dict: there are none."""
    return {}


def _in_unit_range(picture: Tensor) -> Tensor:
    return (picture - 127.5) * 0.0078125


def _cut(picture: Tensor, boxes: Tensor, side_px: int) -> tuple[Sequence[Tensor], Tensor]:
    """Crops of the boxes, in chunks [n, 3, side, side], and which boxes they are, bool [N].

    A box that the photograph's border cuts is made narrower; one beyond it has no crop.
    """
    height, width = picture.shape[2:]
    corners = boxes[:, :4].trunc().int().cpu()
    first = corners[:, :2].clamp(min=1) - 1
    last = corners[:, 2:].minimum(torch.tensor([width, height], dtype=torch.int32))
    inside = (last > first).all(1)
    planes = picture[0]
    crops = [
        F.adaptive_avg_pool2d(planes[:, top:bottom, left:right][None], side_px)
        for (left, top), (right, bottom) in zip(
            first[inside].tolist(), last[inside].tolist(), strict=True
        )
    ]
    if not crops:
        return (), inside
    return torch.split(_in_unit_range(torch.cat(crops)), CHUNK), inside.to(boxes.device)


def _moved(boxes: Tensor, moves: Tensor) -> Tensor:
    """Boxes [N, 5] with each edge moved by a share of its side."""
    sides = (boxes[:, 2:4] - boxes[:, :2] + 1).repeat(1, 2)
    return torch.cat([boxes[:, :4] + moves * sides, boxes[:, 4:]], 1)


def _square(boxes: Tensor) -> Tensor:
    """Boxes [N, 5] widened to squares around their middle."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    side = sides.amax(1, keepdim=True)
    first = boxes[:, :2] + sides * 0.5 - side * 0.5
    return torch.cat([first, first + side, boxes[:, 4:]], 1)


def _keep(boxes: Tensor, overlap: float) -> Tensor:
    """Which boxes [N, 5] stay, surest first, if none may share that much with a surer one.

    Shares are intersection over union. torchvision's `nms` does this too, but takes a second to
    import, and its releases fit one torch each.
    """
    return _surest(boxes, overlap, grow=0.0, of_smaller=False)


def _keep_of_smaller(boxes: Tensor, overlap: float) -> Tensor:
    """The same with shares of the smaller box, so that a box within another goes, too."""
    return _surest(boxes, overlap, grow=1.0, of_smaller=True)


def _surest(boxes: Tensor, overlap: float, *, grow: float, of_smaller: bool) -> Tensor:
    """Greedy suppression; `grow` is 1 where the last pixel belongs to a box."""
    numbers = boxes.cpu().numpy()
    first, last = numbers[:, :2], numbers[:, 2:4]
    areas = (last - first + np.float32(grow)).prod(1)
    left = np.argsort(-numbers[:, 4], kind="stable")
    kept = []
    while left.size:
        one, left = left[0], left[1:]
        kept.append(int(one))
        sides = np.minimum(last[one], last[left]) - np.maximum(first[one], first[left])
        shared = np.maximum(sides + np.float32(grow), 0).prod(1)
        smaller = np.minimum(areas[one], areas[left])
        whole = smaller if of_smaller else areas[one] + areas[left] - shared
        apart: Mask = shared <= np.float32(overlap) * whole
        left = left[apart]
    return torch.as_tensor(kept, dtype=torch.long, device=boxes.device)
