"""A synthetic world of faces with exact truth, rendered by ourselves.

Every face comes with its parts, depth, alpha, clean background, landmarks, pose and the factors
that made it; `counterfactual` renders the same person with other factors, which is the truth of an
edit.
"""

from unripple.faceworld.camera import View, portrait
from unripple.faceworld.factors import (
    EMBED_WIDTH,
    FACTORS,
    INDEX,
    NAMES,
    PITCH_MAX_DEG,
    PLATES,
    ROLL_MAX_DEG,
    YAW_MAX_DEG,
    Factor,
    caption,
    code,
    embed,
    factors_from_normal,
    mirrored,
    pose_deg,
    sample_factors,
    with_factors,
)
from unripple.faceworld.render import VERSION, RenderedFaces, counterfactual, draw_plates, render

__all__ = [
    "EMBED_WIDTH",
    "FACTORS",
    "INDEX",
    "NAMES",
    "PITCH_MAX_DEG",
    "PLATES",
    "ROLL_MAX_DEG",
    "VERSION",
    "YAW_MAX_DEG",
    "Factor",
    "RenderedFaces",
    "View",
    "caption",
    "code",
    "counterfactual",
    "draw_plates",
    "embed",
    "factors_from_normal",
    "mirrored",
    "portrait",
    "pose_deg",
    "render",
    "sample_factors",
    "with_factors",
]
