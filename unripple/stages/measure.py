"""measure: turn an edit into the figures that prove or disprove it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.figures import edit_figures
from unripple.metrics.subject import SameFace
from unripple.models.irse import crop_for_identity
from unripple.ops.tensors import device_of, to_tensor


class Truth(NamedTuple):
    """What is known of a rendered photo, all of it in the aligned crop; None where unknown.

    Attributes:
        plate: background without the person, uint8 [S, S, 3].
        counterfactual: the true picture of the edit, uint8 [S, S, 3].
        before, after: true person masks, bool [S, S].
        yaw_deg: true yaw of the counterfactual.
    """

    plate: Photo | None = None
    counterfactual: Photo | None = None
    before: Mask | None = None
    after: Mask | None = None
    yaw_deg: float | None = None


class Judges(NamedTuple):
    """Networks that no loss of the edit used; None where there is none.

    Attributes:
        pose: float [B, 3, S, S] in [-1, 1] -> [B, 3] yaw, pitch, roll in degrees.
        pose_px: side S of its input.
        identity: float [B, 3, n, n] in [-1, 1] -> embedding [B, E].
        identity_px: side n of its input.
        same_face: what `identity` says of true pairs.
    """

    pose: Callable[[Tensor], Tensor] | None = None
    pose_px: int = 128
    identity: Callable[[Tensor], Tensor] | None = None
    identity_px: int = 112
    same_face: SameFace | None = None


NO_TRUTH = Truth()
NO_JUDGES = Judges()


def measure(
    photo: Photo,
    result: Photo,
    before: Mask,
    after: Mask,
    *,
    estimated_plate: Photo | None = None,
    asked_turn_deg: float | None = None,
    truth: Truth = NO_TRUTH,
    judges: Judges = NO_JUDGES,
) -> dict[str, float]:
    """Measure one edit in the aligned crop.

    Args:
        photo: before the edit, uint8 [S, S, 3].
        result: after it.
        before, after: person masks as parsed, bool [S, S].
        estimated_plate: the painted background, where the true one is unknown.
        asked_turn_deg: by how much the edit was to turn the head; without truth the asked yaw is
            the photo's, as the pose network sees it, plus this.
        truth: what is known of the photo.
        judges: networks to ask.

    Returns:
        The figures that truth and judges allow, see `metrics.figures.FIGURES`; nan is undefined.
    """
    yaw_before = yaw_after = asked = None
    if judges.pose is not None:
        yaw_before, yaw_after = (
            yaw_of(picture, judges.pose, net_size_px=judges.pose_px) for picture in (photo, result)
        )
        if truth.yaw_deg is not None:
            asked = truth.yaw_deg
        elif asked_turn_deg is not None:
            asked = yaw_before + asked_turn_deg
    embeddings: tuple[Floats | None, Floats | None] = (None, None)
    if judges.identity is not None:
        embeddings = (
            embed(photo, judges.identity, net_size_px=judges.identity_px),
            embed(result, judges.identity, net_size_px=judges.identity_px),
        )
    return edit_figures(
        photo,
        result,
        before,
        after,
        plate=truth.plate,
        estimated_plate=estimated_plate,
        counterfactual=truth.counterfactual,
        true_before=truth.before,
        true_after=truth.after,
        asked_yaw_deg=asked,
        achieved_yaw_deg=yaw_after,
        yaw_change_deg=None if yaw_before is None or yaw_after is None else yaw_after - yaw_before,
        photo_embedding=embeddings[0],
        result_embedding=embeddings[1],
        same_face=judges.same_face,
    )


def yaw_of(picture: Photo, pose: Callable[[Tensor], Tensor], *, net_size_px: int) -> float:
    """Yaw of the face in a picture, degrees, as a pose network sees it."""
    with torch.inference_mode():
        looked = to_tensor(picture, device=device_of(pose))
        if looked.shape[-1] != net_size_px:
            size = (net_size_px, net_size_px)
            looked = F.interpolate(looked, size=size, mode="bilinear", antialias=True)
        return float(pose(looked)[0, 0])


def embed(picture: Photo, identity: Callable[[Tensor], Tensor], *, net_size_px: int) -> Floats:
    """Embedding [E] of the face in a picture, as an identity network sees its middle."""
    with torch.inference_mode():
        face = crop_for_identity(to_tensor(picture, device=device_of(identity)), net_size_px)
        embedding: Floats = identity(face)[0].float().cpu().numpy()
    return embedding
