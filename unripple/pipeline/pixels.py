"""Words of an edit that change the photo's own pixels: which of them the generator knows as well.

A word of shape or colour may stand in the generator's file of directions, too (`smile`), with the
same meaning of a degree; others it has none for (`nose_width`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from unripple.conventions import BadCheckpoint, BadConfig
from unripple.zoo.directions import Direction, find_direction, read_directions
from unripple.zoo.pixel_directions import pixel_directions


def pixel_words(moves: Mapping[str, float]) -> dict[str, float]:
    """Those moves that can be made on the photo's own pixels."""
    known = pixel_directions()
    return {name: degree for name, degree in moves.items() if name in known}


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
