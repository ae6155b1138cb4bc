"""Words of an edit that change the photo's own pixels: which of them the generator knows as well.

A word of shape or colour may stand in the generator's file of directions, too (`smile`), with the
same meaning of a degree; others it has none for (`nose_width`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from unripple.conventions import BadCheckpoint, BadConfig
from unripple.zoo.directions import Direction, find_direction, read_directions
from unripple.zoo.pixel_directions import pixel_directions


class Brought(NamedTuple):
    """What a word brings along of others, per degree away from 0, unless the edit names them.

    Attributes:
        more, less: by words, above and below 0.
    """

    more: Mapping[str, float]
    less: Mapping[str, float]


BRINGS: Mapping[str, Brought] = {
    "age": Brought({"wrinkles": 1.0, "grey": 0.4}, {"wrinkles": -1.0, "bags": -1.0}),
    "gender": Brought(
        {"stubble": 0.7, "brow_light": -0.4}, {"lashes": 1.0, "lipstick": 0.3, "wrinkles": -0.5}
    ),
}

TRANSLATIONS: Mapping[str, Mapping[str, float]] = {
    "Sk_0": {"skin": -1.2},
    "Sk_2": {"skin": 1.2},
    "A_0": {"age": -1.5},
    "A_2": {"age": 2.0},
    "Se_0": {"gender": -2.0},
    "Se_1": {"gender": 2.0},
    "Hc_0": {"hair_light": -3.0},
    "Hc_2": {"hair_light": 3.0},
    "Hc_3": {"grey": 2.7},
    "D_0": {"double_chin": -1.0},
    "D_1": {"double_chin": 1.5},
    "Be_min": {"bags": -2.0},
    "Be_max": {"bags": 2.0},
    "N_min": {"eyes": 1.0, "eye_size": 1.0},
    "N_max": {"eyes": -1.0, "eye_size": -1.0},
    "Pn_min": {"nose_point": -1.2},
    "Pn_max": {"nose_point": 1.5},
    "Bn_min": {"nose_width": -1.2, "nose_length": -0.4},
    "Bn_max": {"nose_width": 1.4, "nose_length": 0.6},
    "Bp_min": {"lips": -1.8},
    "Bp_max": {"lips": 1.8},
    "Ch_min": {"cheeks": -1.5},
    "Ch_max": {"cheeks": 1.5},
    "Gl_max": {"glasses": 3.0},
    "Bd_max": {"beard": 2.7},
    "Sm_min": {"smile": -1.0},
    "Sm_max": {"smile": 1.2},
}
"""Translations as words of the photo's own pixels: from the mean of `faceworld.attributes` to the
value, as far as it convinces. Those that are not here only the generator can draw."""


def words_of(moves: Mapping[str, float], translation: str | None) -> dict[str, float]:
    """What of an edit the photo's own pixels can do.

    Args:
        moves: of the edit.
        translation: its translation, if it has one.
    """
    return pixel_words(moves if translation is None else TRANSLATIONS.get(translation, {}))


def pixel_words(moves: Mapping[str, float]) -> dict[str, float]:
    """Those moves that can be made on the photo's own pixels."""
    known = pixel_directions()
    words = {name: degree for name, degree in moves.items() if name in known}
    for name, brought in BRINGS.items():
        degree = words.get(name, 0.0)
        others = brought.more if degree > 0 else brought.less if degree < 0 else {}
        for other, share in others.items():
            words.setdefault(other, round(share * abs(degree), 4))
    return words


def only_on_pixels(names: Iterable[str], path: Path) -> tuple[str, ...]:
    """Those names that the generator has no direction for.

    Args:
        names: directions.
        path: the generator's file of directions.
    """
    known = pixel_directions()
    apart = [name for name in names if name in known]
    if not apart:
        return ()
    try:
        latent = read_directions(path)
    except BadCheckpoint:  # whoever needs directions says what is wrong with them
        return ()
    return tuple(name for name in apart if name not in latent)


def any_direction(path: Path, name: str) -> Direction:
    """A direction of the generator, or else of the photo's own pixels.

    Raises:
        UnknownName: there is none; the text names the nearest.
        BadCheckpoint: see `find_direction`.
    """
    if only_on_pixels([name], path):
        return pixel_directions()[name]
    return find_direction(path, name)


def check_pixels_alone(words: Iterable[str], why: str) -> None:
    """Complain of words that only the photo's own pixels can do.

    Args:
        words: such words.
        why: why they may not, as the beginning of a sentence's end.

    Raises:
        BadConfig: there are such.
    """
    words = tuple(words)
    if words:
        raise BadConfig(
            f"edit: the generator has no direction {', '.join(words)}, and {why}; set "
            "edit.attributes to auto or pixels (--set edit.attributes=auto), and leave what the "
            "generator alone does to another edit"
        )
