"""Good, doubtful or bad: how far a figure may be from its perfect value.

All limits of the report stand in `LIMITS`. They are what people see as a fault in pictures of 128
to 256 px, set from the face world, where the true picture is known; a figure without a row there is
shown and not judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from unripple.conventions import Photo
from unripple.metrics.regions import same_size

NOTICED = 10
"""Levels by which a pixel must differ to be seen as another one, side by side."""
VISIBLE_SHARE = 0.005
"""Of the crop: an edit that changes less shows no visible change."""


class Level(IntEnum):
    """A verdict; the larger the worse."""

    GOOD = 0
    DOUBTFUL = 1
    BAD = 2


class Limit(NamedTuple):
    """How far a figure may go.

    Attributes:
        title: the figure's plain name.
        sentence: what it means.
        better: which way is better.
        low: (doubtful below, bad below), None where low is fine.
        high: (doubtful above, bad above), None where high is fine.
        why: where the limits come from.
    """

    title: str
    sentence: str
    better: str
    low: tuple[float, float] | None
    high: tuple[float, float] | None
    why: str

    def level(self, value: float) -> Level:
        """The verdict on a value."""
        return _level(self.excess(value))

    def excess(self, value: float) -> float:
        """How bad a value is: up to 1 is good, up to 2 doubtful, more is bad."""
        sides = [(value, *self.high)] if self.high else []
        sides += [(-value, -self.low[0], -self.low[1])] if self.low else []
        return max([0.0, *(_excess(*side) for side in sides)])

    def describe(self, unit: str = "") -> str:
        """The limits in words, like `good to 0.10, bad above 0.25`."""
        unit = f" {unit}" if len(unit) > 1 else unit
        good = [f"from {self.low[0]:g}{unit}"] if self.low else []
        good += [f"to {self.high[0]:g}{unit}"] if self.high else []
        bad = [f"below {self.low[1]:g}{unit}"] if self.low else []
        bad += [f"above {self.high[1]:g}{unit}"] if self.high else []
        return f"good {' '.join(good)}, bad {' or '.join(bad)}".replace("-", "−")


def _excess(value: float, doubtful: float, bad: float) -> float:
    """1 where it becomes doubtful, 2 where it becomes bad, and on at that pace on both sides."""
    return max(0.0, 1 + (value - doubtful) / (bad - doubtful))


def _level(excess: float) -> Level:
    return Level(min(2, max(0, math.ceil(excess) - 1)))


LIMITS = {
    "ghost_transmission": Limit(
        "old outline left",
        "How much of the old person's lines still shows where nobody stands now. Above 0 they "
        "shine through as they were; below 0 they show inverted, dark for light, as a halo that "
        "was overdone. Both are ghosts.",
        "nearer to 0 is better",
        (-0.12, -0.25),
        (0.08, 0.20),
        "The published edit, whose ghosts anyone sees, has 0.22; true pictures read −0.02, and "
        "from 0.08 on outlines are found by those who look for them.",
    ),
    "texture_energy": Limit(
        "texture in the uncovered place",
        "How much fine structure the painted background has, against what belongs there. Far below "
        "1 it is a blur, far above 1 it is noise or a leftover line.",
        "nearer to 1 is better",
        (0.5, 0.25),
        (1.6, 2.5),
        "A plain blur reads 0.24 and is seen at once; true pictures lie between 0.7 and 1.4.",
    ),
    "seam": Limit(
        "edge of the uncovered place",
        "How steep the border of the painted place is against what lies beside it. Far above 1 a "
        "cutting line shows.",
        "nearer to 1 is better",
        None,
        (1.8, 3.0),
        "The generator's own edit reads 3.4, with an outline that anyone sees; true pictures 1.",
    ),
    "background_identical": Limit(
        "background kept",
        "Share of bytes that are the photo's own, far from the person before and after.",
        "nearer to 1 is better",
        (0.995, 0.95),
        None,
        "Beyond the person as the edit draws it every byte stays. Where the truth is known, the "
        "true person counts: background under hair that is drawn too wide is lost, and a "
        "twentieth of it is seen.",
    ),
    "background_worst_tile_psnr": Limit(
        "worst spot of the background",
        "How close the most changed 32-pixel tile of the background is to the photo.",
        "higher is better",
        (35.0, 25.0),
        None,
        "At 35 dB a difference cannot be seen; at 25 dB it is a stain.",
    ),
    "fill_psnr": Limit(
        "painted against true background",
        "How close the painted background is to what the person really hid.",
        "higher is better",
        (15.0, 11.0),
        None,
        "Nobody knows what was hidden, so that only colours which do not fit are held against it.",
    ),
    "inner_ghost": Limit(
        "old face inside the new one",
        "How much of the old eyes, nose and mouth shows inside the new face. Above 0 they shine "
        "through as they were; below 0 they show inverted.",
        "nearer to 0 is better",
        (-0.15, -0.30),
        (0.15, 0.30),
        "The published edit, with a second pair of eyes in many faces, has 0.25.",
    ),
    "yaw_error": Limit(
        "turn reached",
        "How far the head's turn is from the one that was asked for.",
        "nearer to 0 is better",
        (-6.0, -12.0),
        (6.0, 12.0),
        "A third of the usual turn of 20° is seen; the network that looks errs by 1 to 3°.",
    ),
    "identity_distance": Limit(
        "another person",
        "How far the edited face is from the photo's by dlib's face recognition net, which no edit "
        "asks.",
        "smaller is better",
        None,
        (0.45, 0.6),
        "Below 0.6 two pictures count as of one person, by dlib's own word; nine of ten "
        "photographs that geometry turns by 20 degrees stay below 0.45.",
    ),
    "identity": Limit(
        "still the same person",
        "Likeness to the photo, less what true pictures of one person keep at that turn.",
        "higher is better",
        (-0.15, -0.35),
        None,
        "Of true pairs one in twenty reads less than −0.15.",
    ),
}
"""The judged figures, in the order of reading."""


class Verdict(NamedTuple):
    """What is to be thought of an edit.

    Attributes:
        level: the worst of its figures'.
        excess: how far the worst figure goes, see `Limit.excess`; what edits are ordered by.
        reasons: the figures that are not good, the worst first.
        unchanged: nothing changed that one would see.
    """

    level: Level
    excess: float
    reasons: tuple[str, ...]
    unchanged: bool = False


def verdict(figures: Mapping[str, float], changed: float = math.nan) -> Verdict:
    """Judge an edit by its figures.

    Args:
        figures: by name; those that are nan or have no limit are not judged.
        changed: see `changed_share`; nan is unknown.
    """
    excess = {
        name: limit.excess(figures[name])
        for name, limit in LIMITS.items()
        if math.isfinite(figures.get(name, math.nan))
    }
    reasons = sorted((name for name in excess if excess[name] > 1), key=lambda name: -excess[name])
    worst = max(excess.values(), default=0.0)
    unchanged = changed < VISIBLE_SHARE
    level = max(_level(worst), Level.DOUBTFUL if unchanged else Level.GOOD)
    return Verdict(level, max(worst, 1.0) if unchanged else worst, tuple(reasons), unchanged)


def changed_share(photo: Photo, result: Photo) -> float:
    """Share of pixels that one would see to be others.

    Args:
        photo, result: uint8 [H, W, 3].

    Raises:
        ShapeMismatch: they differ in size.
    """
    same_size(photo, result)
    difference = np.abs(photo.astype(np.int16) - result)
    return float((difference.max(axis=2) >= NOTICED).mean())
