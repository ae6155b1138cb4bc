"""Whether the person turned as asked and is still the same person."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from unripple.conventions import Floats


def yaw_error(achieved_deg: float, asked_deg: float) -> float:
    """Achieved minus asked yaw, degrees in [-180, 180). Perfect: 0.

    The achieved yaw should come from a network that no loss of the edit used.
    """
    return (achieved_deg - asked_deg + 180) % 360 - 180


class SameFace(NamedTuple):
    """What an identity network says of true pairs: one person, two yaws.

    Attributes:
        yaw_change_deg: increasing sizes of the turn, [N].
        median_cosine: median cosine of the two embeddings at that turn, [N].
    """

    yaw_change_deg: Floats
    median_cosine: Floats


def cosine(one: Floats, other: Floats) -> float:
    """Cosine of the angle between two embeddings; nan if one of them is zero."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 0 else math.nan


def identity(
    photo_embedding: Floats,
    result_embedding: Floats,
    *,
    yaw_change_deg: float,
    same_face: SameFace,
) -> float:
    """Cosine to the photo minus what true pictures of one person reach at that turn. Perfect: 0.

    A true face that turns loses cosine as well, so a raw cosine punishes the edits that turn most.

    Args:
        photo_embedding, result_embedding: [E].
        yaw_change_deg: achieved turn, either sign; beyond the reference's range its end counts.
        same_face: the reference.
    """
    expected = np.interp(abs(yaw_change_deg), same_face.yaw_change_deg, same_face.median_cosine)
    return cosine(photo_embedding, result_embedding) - float(expected)
