"""What sees edits of shape and colour on photographs, and is asked by none of them.

dlib's 68 points tell shapes and where lips, irises and cheeks are; one reading of them is as coarse
as some of the edits are: the mean of `VIEWS` readings, from boxes around the face that dlib finds
in the photo, is what counts. The parser tells where the photo's hair is, and the attribute net
whether somebody wears a beard, glasses, a hat or a fringe, and how full the hair is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from unripple.conventions import Face, Floats, Mask, Photo
from unripple.ops.geometry import apply, compose, inverse, resample
from unripple.ops.masks import distance_to
from unripple.ops.tensors import resized, to_tensor
from unripple.stages.align import Aligned
from unripple.training.latent_directions import factor_names
from unripple.zoo.zoo import Zoo

SHIFTS, ZOOMS = (-0.06, -0.03, 0.0, 0.03, 0.06), (0.92, 1.0, 1.08)
VIEWS = tuple(product(SHIFTS, SHIFTS, ZOOMS))
"""Boxes that are read, beside the one that was found: right and down, sides of it, and its size."""
LEAST_HAIR_PX = 60
FAR_PX = 3.0
"""At 128: from here on nothing is beside a silhouette. A plate is shown up to 2 px beyond what the
person left, and pasting a crop reaches half a pixel more."""


def _across(points: Floats, one: int, other: int) -> float:
    return float(np.hypot(*(points[one] - points[other])))


class Seen(NamedTuple):
    """What judges see of a face.

    Attributes:
        points: dlib's, px of the upright piece, [68, 2].
        lab: the piece's colours, CIELAB, [S, S, 3].
        hair: mean colour of the parser's hair, [3]; nan where it sees none.
        factors: what the attribute net sees, log-odds or standard deviations by name.
    """

    points: Floats
    lab: Floats
    hair: Floats
    factors: Mapping[str, float]

    def mean(self, *outlines: Sequence[int]) -> Floats:
        """The mean colour within outlines of points, [3]."""
        inside: Floats = self.lab[self.within([self.points[list(o)] for o in outlines])].mean(0)
        return inside

    def within(self, outlines: Sequence[Floats]) -> Mask:
        """Which pixels lie within outlines, px, [N, 2] each."""
        mask = np.zeros(self.lab.shape[:2], np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
        return mask > 0

    @property
    def bags(self) -> list[Floats]:
        """Outlines of the skin below either eye, from a fifth to half of the eye's width down."""
        found = []
        for lid in ((36, 41, 40, 39), (42, 47, 46, 45)):
            edge, wide = self.points[list(lid)], _across(self.points, lid[0], lid[-1])
            upper, lower = (edge + np.array((0.0, down * wide)) for down in (0.2, 0.5))
            found.append(np.concatenate((upper, lower[::-1])))
        return found


def _masculine(seen: Seen) -> float:
    """How wide the jaw is, and how near the brows are to the eyes, in distances of the eyes."""
    high = seen.points[36:48, 1].mean() - seen.points[17:27, 1].mean()
    return float(_across(seen.points, 5, 11) - high) / _across(seen.points, 36, 45)


def _dark_below_eyes(seen: Seen) -> float:
    """By how much the skin below the eyes is darker than the cheeks, L* of CIELAB."""
    return float(seen.mean(*_CHEEKS)[0] - seen.lab[seen.within(seen.bags), 0].mean())


def _roughness(seen: Seen) -> float:
    """Usual deviation of lightness below the eyes and on the cheeks, of what is finer than a
    twentieth of the distance between the eyes."""
    light, far = seen.lab[..., 0], 0.05 * _across(seen.points, 36, 45)
    fine = light - cv2.GaussianBlur(light, (0, 0), far)
    cheeks = [seen.points[list(outline)] for outline in _CHEEKS]
    return float(fine[seen.within([*seen.bags, *cheeks])].std())


_LIPS, _EYES = range(48, 60), (range(36, 42), range(42, 48))
_CHEEKS = ((41, 2, 3, 48, 31), (46, 14, 13, 54, 35))

SIGNS: Mapping[str, Callable[[Seen], float]] = {
    "smile": lambda s: s.points[[62, 66], 1].mean() - s.points[[48, 54], 1].mean(),
    "no smile": lambda s: -(s.points[[62, 66], 1].mean() - s.points[[48, 54], 1].mean()),
    "eyes": lambda s: (
        _across(s.points, 37, 41) + _across(s.points, 38, 40) + _across(s.points, 43, 47)
    ),
    "brows": lambda s: s.points[36:48, 1].mean() - s.points[17:27, 1].mean(),
    "mouth open": lambda s: (
        _across(s.points, 61, 67) + _across(s.points, 62, 66) + _across(s.points, 63, 65)
    ),
    "nose wide": lambda s: _across(s.points, 31, 35),
    "nose pointed": lambda s: s.points[33, 1] - s.points[36:48, 1].mean(),
    "lips": lambda s: _across(s.points, 51, 62) + _across(s.points, 57, 66),
    "jaw": lambda s: _across(s.points, 5, 11),
    "face wide": lambda s: _across(s.points, 2, 14),
    "face long": lambda s: s.points[8, 1] - s.points[36:48, 1].mean(),
    "double chin": lambda s: _across(s.points, 5, 11),
    "blond": lambda s: float(s.hair[0]),
    "black": lambda s: -float(s.hair[0]),
    "grey": lambda s: -float(np.hypot(*s.hair[1:])),
    "lipstick": lambda s: float(s.mean(_LIPS)[1]),
    "blue eyes": lambda s: -float(s.mean(*_EYES)[2]),
    "darker skin": lambda s: -float(s.mean(*_CHEEKS)[0]),
    "beard": lambda s: s.factors["beard"],
    "glasses": lambda s: s.factors["glasses"],
    "hat": lambda s: s.factors["hat"],
    # The attribute net knows no photographed women from men: dlib's jaw, brows and eyes tell.
    "masculine": _masculine,
    "feminine": lambda s: -_masculine(s),
    "bags": _dark_below_eyes,
    "no bags": lambda s: -_dark_below_eyes(s),
    "smooth skin": lambda s: -_roughness(s),
    "light fringe": lambda s: s.factors["fringe"],
    "fringe": lambda s: s.factors["fringe"],
    "fuller hair": lambda s: s.factors["hair_volume"],
}
"""What grows with an edit."""


def see(made: Any, picture: Photo, points: DlibPoints, box: Floats, zoo: Zoo) -> Seen:
    """What judges see of the face in a picture.

    Args:
        made: artifacts of the photo by stage.
        picture: it, or an edit of it.
        points: dlib's.
        box: around the face, in an upright piece of the photo.
        zoo: has the attribute net.
    """
    piece = face_of(made, picture)
    lab = cv2.cvtColor(piece.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    aligned = Aligned(**made["align"])
    crop = aligned.seen(picture)
    hair = made["parse@photo"]["labels"] == Face.HAIR
    hair[int(aligned.landmarks_in_crop[:, 1].max()) :] = False  # clothes look like hair to it
    colour = np.full(3, np.nan)
    if hair.sum() >= LEAST_HAIR_PX:
        colour = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[hair].mean(0)
    judge: Any = zoo.load("attributes")
    with torch.inference_mode():
        scores = judge.net.scores(to_tensor(resized(crop, judge.size_px)))[0].tolist()
    factors = dict(zip(factor_names(zoo), scores, strict=True))
    return Seen(points(piece, box), lab, colour, factors)


def changed_far(made: Any, photo: Photo, picture: Photo) -> float:
    """Share of the photo's pixels farther than `FAR_PX` from the person before and after an edit
    that it changed all the same."""
    aligned, person = Aligned(**made["align"]), made["ripple"]
    size = aligned.picture.shape[0]
    away = distance_to(person["before"] | person["after"])
    rows, columns = np.nonzero((picture != photo).any(-1))
    places = apply(inverse(aligned.transform), np.stack((columns, rows), -1) + 0.5)
    at = np.clip(np.floor(places), 0, size - 1).astype(int)
    outside = np.abs(places - (at + 0.5)).max(-1, initial=0.0) > 0.5 + FAR_PX * size / 128
    far = outside | (away[at[:, 1], at[:, 0]] > FAR_PX * size / 128)
    return float(far.sum() / photo[..., 0].size)


def face_of(made: Any, picture: Photo) -> Photo:
    """The face's surroundings, upright, from the whole picture."""
    aligned = Aligned(**made["align"])
    large = 4 * aligned.picture.shape[0]
    smaller = np.array([[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]])
    shown: Photo = resample(picture, compose(aligned.transform, smaller), width=large, height=large)
    margin = large // 6
    return np.ascontiguousarray(shown[margin // 2 : -2 * margin + margin // 2, margin:-margin])


class DlibPoints:
    """dlib's 68 points in an upright piece of a picture."""

    def __init__(self, dlib: Any, file: Path) -> None:
        self._dlib = dlib
        self._finder, self._points = (
            dlib.get_frontal_face_detector(),
            dlib.shape_predictor(str(file)),
        )

    def box(self, piece: Photo) -> Floats:
        """Left, top, right and bottom of the face in it."""
        found = self._finder(piece, 0)
        if not found:
            return np.array([0.22, 0.30, 0.78, 0.86]) * piece.shape[0]
        one = max(found, key=lambda box: box.width())
        return np.array([one.left(), one.top(), one.right(), one.bottom()], float)

    def __call__(self, piece: Photo, box: Floats) -> Floats:
        """The mean of many readings, [68, 2]."""
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).mean())
        readings = []
        for right, down, zoom in VIEWS:
            at, half = middle + side * np.array((right, down)), side * zoom / 2
            edges = (*(at - half).astype(int), *(at + half).astype(int))
            shape = self._points(piece, self._dlib.rectangle(*(int(edge) for edge in edges)))
            readings.append([(one.x, one.y) for one in shape.parts()])
        mean: Floats = np.mean(readings, axis=0)
        return mean


def dlib_points(folder: Path) -> DlibPoints | None:
    """The points, or None where dlib's packages cannot be had."""
    try:
        import dlib  # type: ignore[import-not-found]
    except ImportError:
        return None
    models = next((folder / "dlib").rglob("face_recognition_models/models"), None)
    if models is None:
        return None
    return DlibPoints(dlib, models / "shape_predictor_68_face_landmarks.dat")
