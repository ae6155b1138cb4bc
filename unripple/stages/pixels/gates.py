"""What an edit cannot convince with on a photo, by how much it is reduced, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from unripple.conventions import Face
from unripple.stages.pixels.face import SeenFace
from unripple.stages.pixels.look import CloseLook, small_of

_LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Points of the face mesh: middle of the upper lid, of the lower one, and the eye's corners."""
_LIPS = (13, 14, 61, 291)
"""Middle of the inner upper lip, of the inner lower one, and the corners of the mouth."""
SHUT = 0.12
"""Opening of an eye over its width below which it counts as shut; open ones have .25 to .45."""
CLOSED = 0.03
"""Opening of a mouth over its width below which nothing is seen of what is behind the lips."""
LEAST_EYE_PX, LEAST_MOUTH_PX = 10.0, 14.0
"""Widths in the photograph below which an edit of them changes a few blurred pixels."""
FRONTAL_DEG, PROFILE_DEG = 30.0, 55.0
"""Up to the first an edit of shape convinces as it is; beyond the second the far half is hidden."""
_UNFOLDED = 0.98

GLASSES_AREA = 0.8
"""Area of what the parser takes for glasses, over the square of the distance between the eyes, from
which somebody wears some: on photographs it takes shadows for up to .55, and real ones are 1."""

COVERED = 0.4
"""Share of the lower face with another colour than skin from which something lies over it."""
_SKIN_HUE, _BEARD = 0.2, 20.0  # of the skin's own hue; CIELAB
_LEAST_SKIN_PX, _LEAST_HUE = 40, 8.0

EYES = ("eyes", "eye_size", "eye_gap", "eye_tilt")
MOUTH = ("smile", "lips", "mouth_open", "mouth_width")
BROWS = ("brows", "brow_tilt")
NOSE = ("nose_width", "nose_length", "nose_up", "nose_point")


class Reduced(NamedTuple):
    """What became of a word.

    Attributes:
        word: of the edit.
        asked, used: degrees.
        why: the end of a sentence.
    """

    word: str
    asked: float
    used: float
    why: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return self._asdict()


Gate = Callable[[SeenFace, str, float], tuple[float, str]]
"""(face, word, degree) -> share of the degree that convinces, and why no more."""


def gated(face: SeenFace, words: Mapping[str, float]) -> tuple[dict[str, float], list[Reduced]]:
    """Degrees that convince on this photo, and what was reduced."""
    kept: dict[str, float] = {}
    reduced: list[Reduced] = []
    for word, degree in words.items():
        share, why = 1.0, ""
        for gate in GATES if degree else ():
            passed, reason = gate(face, word, degree)
            if passed < share:
                share, why = passed, reason
        kept[word] = round(degree * share, 4)
        if share < 1:
            reduced.append(Reduced(word, degree, kept[word], why))
    return kept, reduced


def of_fold(words: Mapping[str, float], share: float) -> list[Reduced]:
    """What to tell where a motion was held back, lest the picture folds."""
    if share > _UNFOLDED:
        return []
    why = "more would fold the face"
    return [Reduced(word, by, round(by * share, 4), why) for word, by in words.items()]


def _turned_away(face: SeenFace, word: str, degree: float) -> tuple[float, str]:  # noqa: ARG001
    yaw = abs(face.pose.yaw_deg)
    if yaw <= FRONTAL_DEG:
        return 1.0, ""
    share = float(np.clip((PROFILE_DEG - yaw) / (PROFILE_DEG - FRONTAL_DEG), 0, 1))
    return share, f"the head looks {yaw:.0f} degrees to the side, and its far half is hidden"


def _small(face: SeenFace, word: str, degree: float) -> tuple[float, str]:  # noqa: ARG001
    for words, width, least, what in (
        (EYES, _eye_width(face), LEAST_EYE_PX, "an eye"),
        (MOUTH, _mouth_width(face), LEAST_MOUTH_PX, "the mouth"),
    ):
        if word in words and width < least:
            return 0.0, f"{what} is {width:.0f} px wide in this photo, and {least:g} are needed"
    return 1.0, ""


def _shut(face: SeenFace, word: str, degree: float) -> tuple[float, str]:
    if face.mesh is None or word not in EYES or word == "eye_gap":
        return 1.0, ""
    opening = lid_opening(face)
    if opening >= SHUT or (word == "eyes" and degree < 0):
        return 1.0, ""
    return 0.0, f"the eyes are shut (opening {opening:.2f} of their width; {SHUT:g} are needed)"


def _closed(face: SeenFace, word: str, degree: float) -> tuple[float, str]:
    if word != "mouth_open" or degree < 0:
        return 1.0, ""
    if face.mesh is None:
        return 0.0, (
            "nobody knows whether the mouth is open, nor where closed lips meet; run `unripple "
            "models fetch packaged`, which tells"
        )
    return 1.0, ""


def _behind_glasses(face: SeenFace, word: str, degree: float) -> tuple[float, str]:  # noqa: ARG001
    if word not in (*EYES, *BROWS):
        return 1.0, ""
    across = float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
    glasses = int((face.labels == Face.GLASSES).sum())
    if glasses < GLASSES_AREA * across**2:
        return 1.0, ""
    return 0.5, "glasses are in front of the eyes, and their rims would bend"


def _covered(face: SeenFace, word: str, degree: float) -> tuple[float, str]:  # noqa: ARG001
    if word not in (*MOUTH, *NOSE):
        return 1.0, ""
    share = covered_below(face)
    if share < COVERED:
        return 1.0, ""
    return 0.0, (
        f"something lies over the lower face ({100 * share:.0f}% of it has another colour than "
        "its skin)"
    )


GATES: tuple[Gate, ...] = (_turned_away, _small, _shut, _closed, _behind_glasses, _covered)


def covered_below(face: SeenFace) -> float:
    """Share of the face between nose and chin that has a colour which neither its skin nor a beard
    has, judged by the skin around the eyes."""
    small = small_of(CloseLook(face.crop, 1.0, face))
    upper = small.oval & (small.down > -0.45) & (small.down < 0.15)
    lower = small.oval & (small.down > 0.35) & (small.down < 0.85)
    if upper.sum() < _LEAST_SKIN_PX or lower.sum() < _LEAST_SKIN_PX:
        return 0.0
    skin = np.median(small.lab[upper], axis=0)
    if float(np.hypot(*skin[1:])) < _LEAST_HUE:  # a photo without colours tells nothing
        return 0.0
    hue = small.lab[..., 1:] @ skin[1:] / float(skin[1:] @ skin[1:])
    # A beard is darker than skin and has some of its hue; lips have more of it.
    other = (hue < _SKIN_HUE) & (small.lab[..., 0] > skin[0] - _BEARD) | (hue < -_SKIN_HUE)
    return float(other[lower].mean())


def lid_opening(face: SeenFace) -> float:
    """Opening of the wider eye over its width."""
    assert face.mesh is not None
    mesh = face.mesh
    openings = []
    for upper, lower, one, other in _LIDS:
        width = float(np.hypot(*(mesh[one] - mesh[other])))
        openings.append(float(np.hypot(*(mesh[upper] - mesh[lower]))) / max(width, 1e-6))
    return max(openings)


def lip_opening(face: SeenFace) -> float:
    """Opening of the mouth over its width."""
    assert face.mesh is not None
    upper, lower, one, other = (face.mesh[i] for i in _LIPS)
    return float(np.hypot(*(upper - lower)) / max(np.hypot(*(one - other)), 1e-6))


def _eye_width(face: SeenFace) -> float:
    """Of an eye in the photograph, px: a third of the way between both, about."""
    across = float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
    return 0.45 * across * face.px


def _mouth_width(face: SeenFace) -> float:
    """Of the mouth in the photograph, px."""
    return float(np.hypot(*(face.landmarks[4] - face.landmarks[3]))) * face.px
