"""A photograph and what an editor made of it, as a pair: geometry, colours, or why there is none.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import AnotherPicture, Floats, Mask, Mirrored, Photo, TooSmall
from unripple.ops import tone_match
from unripple.ops.homography import (
    covered,
    look,
    mapped,
    resizing,
    shrunk,
    soft_for,
    unit,
)
from unripple.ops.registration import BANDS_PX, COARSE_PX, Alignment, align, correlation
from unripple.ops.tone_match import ToneCurves

AGREES = 0.3
"""From this agreement on two pictures are one: right pairs of rendered faces lie above .4, those
with other people's pictures below .2."""

_BEYOND_DOUBT = 0.6  # no mirror image of a face agrees so well; they do up to .52
_CLEARLY = 0.15
"""By how much a mirror image agrees better in details. Some faces are their own mirror images once
they are turned: of 256 right pairs one gains .14; seven of 96 mirror images gain less than this."""
_IN_DETAILS = 0.22
"""Two people in one pose agree by up to .48 where pictures have 128 px, but in details by .16 at
most; right pairs do by .31 and more, with blurred backgrounds, too."""

LEAST_SIDE_PX = 64
"""Shorter side of an edited picture; a face of it would have some 30 px."""

_COLOURS_PX = 512  # longer side at which colours are compared
_SAME_ASPECT = 0.03
_ALIKE = 0.6
_FLAT_VOTE = 0.5  # of a pixel without structure, which nobody can tell from an edit


class Pair(NamedTuple):
    """What an editor did to a whole picture.

    Attributes:
        places: photograph -> edited picture, float64 [3, 3], see `ops.homography`.
        tone: colours of the edited picture -> those of the photograph.
        agreement: see `ops.registration.agreement`.
    """

    places: Floats
    tone: ToneCurves
    agreement: float

    def seen(self, edited: Photo, places: Floats) -> Floats:
        """The edited picture in the photograph's colours at places of the photograph.

        Args:
            edited: uint8 [h, w, 3].
            places: x and y, px of the photograph, float [H, W, 2].

        Returns:
            float32 [H, W, 3]; its border is repeated beyond it.
        """
        at = mapped(self.places, places)
        # By how much one step of the output goes on in the edited picture.
        pace = np.median(np.linalg.norm(np.diff(at, axis=1), axis=-1))
        soft = soft_for(edited.astype(np.float32), np.diag((pace, pace, 1.0)))
        sampled: Floats = cv2.remap(
            soft,
            (at - 0.5).astype(np.float32),
            None,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return self.tone(sampled)

    def shows(self, edited: Photo, places: Floats) -> Mask:
        """Which of these places the edited picture shows, bool [H, W]."""
        x, y = np.moveaxis(mapped(self.places, places), -1, 0)
        inside: Mask = (x >= 0) & (y >= 0) & (x <= edited.shape[1]) & (y <= edited.shape[0])
        return inside


def pair(photo: Photo, edited: Photo) -> Pair:
    """Find out what an editor did to the geometry and the colours of a whole picture.

    Args:
        photo: uint8 [H, W, 3].
        edited: uint8 [h, w, 3].

    Raises:
        TooSmall: the edited picture is smaller than a face may be.
        Mirrored: it shows the photograph mirrored.
        AnotherPicture: it shows something else.
    """
    height, width = edited.shape[:2]
    if min(height, width) < LEAST_SIDE_PX:
        raise TooSmall(
            f"the edited picture has {width} x {height} px; with a side below {LEAST_SIDE_PX} no "
            "face can be taken from it: have it edited in a larger size"
        )
    aligned = align(photo, edited)
    if aligned.agreement < _BEYOND_DOUBT and _is_mirrored(photo, edited, aligned):
        raise Mirrored("the edited picture shows the photo mirrored; mirror it back")
    if aligned.agreement < _BEYOND_DOUBT:
        details = _at_coarse(photo, edited, aligned).in_details
        if aligned.agreement < AGREES or details < _IN_DETAILS:
            raise AnotherPicture(
                "the edited picture does not show this photo: they agree to "
                f"{aligned.agreement:.2f}, in details to {details:.2f}, and pairs do to "
                f"{AGREES:.2f} and {_IN_DETAILS:.2f} or more; see whether its name is the right "
                "photo's"
            )
    return Pair(aligned.places, _tone(photo, edited, aligned.places), aligned.agreement)


def _is_mirrored(photo: Photo, edited: Photo, found: Alignment) -> bool:
    """Whether the mirror image of an edited picture agrees better.

    Faces look like their own mirror images, and one that was turned even more so; not in details.
    """
    mirrored = np.ascontiguousarray(edited[:, ::-1])
    flipped = align(photo, mirrored, finest_px=COARSE_PX)
    if flipped.agreement < AGREES:
        return False
    return flipped.in_details > _at_coarse(photo, edited, found).in_details + _CLEARLY


def _at_coarse(photo: Photo, edited: Photo, found: Alignment) -> Alignment:
    """An alignment as it is judged at the coarse size: what is finer agrees less."""
    if max(photo.shape[:2]) <= COARSE_PX:
        return found
    return align(photo, edited, finest_px=COARSE_PX)


def _tone(photo: Photo, edited: Photo, places: Floats) -> ToneCurves:
    """Colours are fitted where the structure says that nothing was edited."""
    small = shrunk(photo.astype(np.float32), _COLOURS_PX)
    there = places @ resizing(small.shape, photo.shape)
    height, width = small.shape[:2]
    resampled = look(soft_for(edited.astype(np.float32), there), there, width, height)
    inside = covered(there, small.shape[:2], edited.shape[:2])
    grey, other = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (small, resampled))
    alike, detailed = correlation(grey, other, *BANDS_PX[1])
    votes = np.where(detailed, (alike > _ALIKE).astype(float), _FLAT_VOTE)
    return tone_match.fit(small, resampled, np.where(inside, votes, 0.0))


class Drift(NamedTuple):
    """How far a whole picture went astray, in the photograph's own measures.

    Attributes:
        zoom_percent: positive if the editor shows things larger.
        shift_px: of the picture's middle.
        turn_deg: by how much it was turned.
    """

    zoom_percent: float
    shift_px: float
    turn_deg: float


def drift(places: Floats, photo: tuple[int, ...], edited: tuple[int, ...]) -> Drift:
    """What a map does beyond the change of size that an editor's format asks for.

    Args:
        places: photograph -> edited picture.
        photo, edited: their shapes, heights first. Of another aspect, the edited picture is taken
            for the middle of the photograph.
    """
    across, down = edited[1] / photo[1], edited[0] / photo[0]
    if abs(across / down - 1) > _SAME_ASPECT:
        across = down = max(across, down)
    naive = np.diag((across, down, 1.0))
    naive[:2, 2] = [(edited[k] - naive[1 - k, 1 - k] * photo[k]) / 2 for k in (1, 0)]
    own = unit(np.linalg.inv(naive) @ places)
    middle = np.array((photo[1] / 2, photo[0] / 2))
    steps = mapped(own, middle + np.array(((0.0, 0), (1, 0), (0, 1))))
    right, below = steps[1] - steps[0], steps[2] - steps[0]
    zoom = np.sqrt(abs(right[0] * below[1] - right[1] * below[0]))
    return Drift(
        float(100 * (zoom - 1)),
        float(np.hypot(*(steps[0] - middle))),
        float(np.degrees(np.arctan2(right[1], right[0]))),
    )
