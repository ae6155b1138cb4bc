"""colour: the mean colour of a part of the face, its pattern kept; codes stay.

Such a direction changes the photo's own pixels (`edit.attributes`), whatever the generator. Its
vector is a table, [K, 6]: a value of the attribute, the colour there (linear light), and how strong
the pattern is there, coarse and fine. A degree is a third of the table's range. A table of one row
is a colour that is mixed in, a third per degree.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats
from unripple.ops.recolour import LUMINANCE, Contrast
from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction

THIRD = 1 / 3
_DARKEST = 6e-3
_FLATTER = 0.15  # power of brightness by which the pattern of what gets lighter gets flatter
_HUELESS = 8.0  # times as bright from which the hue of what was so dark tells nothing
_STEEPEST = 2.5  # most that a pattern is strengthened: beyond it shows the sensor's noise


def recolour(direction: Direction, degree: float, mean: Floats) -> tuple[Floats, Contrast]:
    """See `Family`; 0 changes nothing."""
    table = direction.vector.astype(np.float64)
    if len(table) == 1:
        return _mixed_in(table[0, 1:4], degree, mean)
    values, colours, strength = table[:, 0], table[:, 1:4], table[:, 4:6]
    now = place_on(table, mean)
    then = float(np.clip(now + degree * THIRD * (values[-1] - values[0]), values[0], values[-1]))
    at = [np.interp(value, values, np.arange(len(values))) for value in (now, then)]
    before, after = (_between(colours, place) for place in at)
    # Half of the way as this person's own hue changes, half as the table's colour is.
    exposure = float(mean @ LUMINANCE) / max(float(before @ LUMINANCE), 1e-4)
    own = np.log(np.maximum(mean, 1e-4) * np.maximum(after, 1e-4) / np.maximum(before, 1e-4))
    # The light on what is nearly black is unknown, and its hue is that of what it reflects.
    lighter = float(after @ LUMINANCE) / max(float(before @ LUMINANCE), 1e-4)
    hueless = float(np.clip(np.log(max(lighter, 1.0)) / np.log(_HUELESS), 0, 1))
    exposure = float(np.clip(exposure, 0.35, 1.6)) ** (1 - 0.7 * hueless)
    table_colour = np.log(np.maximum(after, 1e-4) * exposure)
    away = min(1.0, abs(then - now) / (THIRD * (values[-1] - values[0]) + 1e-9))
    colour = np.exp(own + (0.6 + 0.3 * hueless) * away * (table_colour - own))
    # Nothing is blacker than black hair in daylight.
    bright = max(float(colour @ LUMINANCE), 1e-4)
    colour = colour * max(1.0, min(_DARKEST, float(mean @ LUMINANCE)) / bright)
    patterns = [_between(strength, place) for place in at]
    gain = np.clip(patterns[1] / np.maximum(patterns[0], 1e-3), 1 / _STEEPEST, _STEEPEST)
    return np.clip(colour, 0, 1), Contrast(float(gain[0]), float(gain[1]))


def _mixed_in(colour: Floats, degree: float, mean: Floats) -> tuple[Floats, Contrast]:
    """A share of a colour mixed in, or taken out."""
    share = float(np.clip(degree * THIRD, -1, 1))
    if share < 0:
        # Less of it: away from the colour, but no further than as far again.
        return np.maximum(mean + share * (colour - mean) * 0.5, mean * 0.3), Contrast()
    mixed = mean + share * (colour - mean)
    lighter = max(float(mixed @ LUMINANCE) / max(float(mean @ LUMINANCE), 1e-4), 1.0)
    return mixed, Contrast(lighter**-_FLATTER, lighter**-_FLATTER)


def place_on(table: Floats, mean: Floats) -> float:
    """The value at which a table's colour is nearest to one of a photo."""
    dark = 3e-3
    far = np.log(np.maximum(table[:, 1:4], dark)) - np.log(np.maximum(mean, dark))
    bright = np.log(np.maximum(table[:, 1:4] @ LUMINANCE, dark))
    bright -= np.log(max(float(mean @ LUMINANCE), dark))
    # Brightness tells more than hue, which the light colours.
    distance = bright**2 + 0.35 * ((far - bright[:, None]) ** 2).sum(1)
    return float(table[int(distance.argmin()), 0])


def _between(rows: Floats, place: float) -> Floats:
    low = int(np.clip(np.floor(place), 0, len(rows) - 1))
    high = min(low + 1, len(rows) - 1)
    mixed: Floats = rows[low] + (place - low) * (rows[high] - rows[low])
    return mixed


METHOD = Family(
    name="colour", help="the mean colour of a part of the face", move=codes_stay, recolour=recolour
)
