"""Turns of the head in degrees: what an edit says of them, and what of it the generator can do.

`yaw`, `pitch` and `roll` turn by so many degrees (to the picture's right, up, clockwise); `yaw_to`,
`pitch_to` and `roll_to` turn until the head looks there, so that `yaw_to=0` looks into the camera.
They are words of an edit as directions are. The generator turns along the direction that the file
of directions has for it; what it has none for, geometry alone can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from unripple.conventions import BadCheckpoint, BadConfig
from unripple.zoo.directions import Direction, read_directions

AXES = ("yaw", "pitch", "roll")
TO = "_to"
WORDS = (*AXES, *(axis + TO for axis in AXES))

CONVINCES_DEG: Mapping[str, float] = {"yaw": 40.0, "pitch": 20.0, "roll": 30.0}
"""By how much a turn convinces at most, see docs/measured.md."""
TOWARDS: Mapping[str, str] = {
    "yaw": "to the picture's right",
    "pitch": "upwards",
    "roll": "clockwise",
}
"""Where a positive turn goes."""
_DIRECTIONS: Mapping[str, tuple[str, ...]] = {"yaw": ("pose", "yaw"), "pitch": ("pitch",)}
"""Directions that may turn the generator's heads, by axis."""


def turn_of(moves: Mapping[str, float]) -> dict[str, float]:
    """What moves say in degrees of the head.

    Raises:
        BadConfig: an axis is named both ways, or as far as no head turns.
    """
    turn = {word: degree for word, degree in moves.items() if word in WORDS}
    for axis in AXES:
        if axis in turn and axis + TO in turn:
            raise BadConfig(
                f"edit: {axis} (by so many degrees) and {axis}{TO} (until it looks there) are both "
                "given; keep one"
            )
    for word, degree in turn.items():
        if abs(degree) > 90:
            raise BadConfig(f"edit: {word} must be from -90 to 90 degrees, found {degree:g}")
    return turn


def as_directions(
    moves: Mapping[str, float], path: Path
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Moves along directions, with turns in degrees translated into them.

    Args:
        moves: of an edit: directions, and words of `WORDS`.
        path: the file of directions.

    Returns:
        The moves along directions, and those words that none of them can do.

    Raises:
        BadConfig: a turn is said twice, in degrees and along its direction; see also `turn_of`.
    """
    turn = turn_of(moves)
    degrees = {name: degree for name, degree in moves.items() if name not in turn}
    cannot = []
    for word, degree in turn.items():
        direction = _direction(word, path)
        if direction is None:
            cannot.append(word)
            continue
        if direction.name in degrees:
            raise BadConfig(f"edit: {word} and {direction.name} both turn the head; keep one")
        # Rounded, so that -20 degrees are 3 steps of 20/3 to the last bit.
        degrees[direction.name] = round(degree / _per_step(direction, word), 9)
    return dict(sorted(degrees.items())), tuple(cannot)


def _direction(word: str, path: Path) -> Direction | None:
    """What turns the generator's head as a word says, or None."""
    names = _DIRECTIONS.get(word, ())
    if not names:
        return None
    try:
        directions = read_directions(path)
    except BadCheckpoint:  # whoever needs directions says what is wrong with them
        return None
    able = (directions[name] for name in names if name in directions)
    return next((one for one in able if _per_step(one, word)), None)


def _per_step(direction: Direction, axis: str) -> float:
    turns = direction.yaw_per_degree if axis == "yaw" else direction.pitch_per_degree
    return turns or 0.0


def turns_head(direction: Direction) -> bool:
    """Whether a direction is what a turn in degrees goes along."""
    return any(
        direction.name in names and _per_step(direction, axis)
        for axis, names in _DIRECTIONS.items()
    )


def check_generator_turns(words: Iterable[str], why: str) -> None:
    """Complain of turns that the generator has no direction for.

    Args:
        words: such turns.
        why: why geometry may not do them, as the beginning of a sentence's end.

    Raises:
        BadConfig: there are such.
    """
    words = tuple(words)
    if words:
        raise BadConfig(
            f"edit: the generator cannot turn a head by {', '.join(words)}, and {why}; set "
            "edit.turn to geometry or auto (--set edit.turn=auto), and change nothing else in the "
            "same edit"
        )


def turn_warnings(turn: Mapping[str, float]) -> list[str]:
    """One sentence per turn that goes further than convinces on any photo."""
    return [
        f"{axis} = {turn[axis]:g} turns further than the {most:g} degrees that convince at most: "
        "expect a stretched cheek or another face"
        for axis, most in CONVINCES_DEG.items()
        if abs(turn.get(axis, 0.0)) > most
    ]
