"""Sliders for directions: which group, which range, which words; buttons for what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unripple.conventions import NoFace, SeveralFaces, UnrippleError
from unripple.pipeline.turns import AXES, CONVINCES_DEG, TOWARDS, turns_head
from unripple.zoo.directions import Direction
from unripple.zoo.pixel_directions import pixel_directions

UNMEASURED = (-3.0, 3.0)  # degrees where nobody measured what stays sound

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Pose": ("yaw", "pitch", "roll", "pose"),
    "Expression": ("smile", "mouth", "eyes", "lip", "brow", "anger", "surprise"),
    "Face": ("face_", "cheek", "chin", "jaw", "nose", "eye_", "iris"),
    "Age and skin": ("age", "gender", "sex", "skin", "wrinkle", "bags", "freckle"),
    "Hair": ("hair", "fringe", "bangs", "grey", "beard", "stubble", "bald", "moustache"),
    "Accessories": ("glasses", "lipstick", "makeup", "lashes", "hat", "earring", "necklace"),
}
"""Groups in the page's order, and the words that put a direction there."""
OTHER = "More"

ALIGN = ("align.mode", "align.faces")
"""Settings that a page may choose when it opens a photo."""
_FINDERS = (
    ("Look again with MTCNN, for photographs", {"align.mode": "mtcnn"}),
    ("Look again with our own network, for rendered faces", {"align.mode": "embedded"}),
    ("It is a face crop already", {"align.mode": "aligned"}),
)
_OFFERS: Mapping[type[UnrippleError], tuple[tuple[str, Mapping[str, str]], ...]] = {
    NoFace: _FINDERS,
    SeveralFaces: (("Take the largest face", {"align.faces": "largest"}),),
}

_TITLES = {
    **{"yaw": "Turn", "pitch": "Nod", "roll": "Tilt", "pose": "Turn"},
    **{"eyes": "Open eyes", "gender": "Masculine"},
}
_TURN_STEP_DEG = 0.5


@dataclass(frozen=True)
class Slider:
    """One direction on the page.

    Attributes:
        name: the direction's.
        title: for people.
        low, high: usable degrees.
        step: of the slider.
        about: what more of it does.
        unit: what one degree is, or "".
        weak: whether the generator hardly shows it.
        place: whether the degree is a place to go to, so that 0 is not "unchanged".
        real: usable degrees on a photograph's own pixels, or None: only the generator draws it.
    """

    name: str
    title: str
    low: float
    high: float
    step: float
    about: str
    unit: str
    weak: bool
    place: bool
    real: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    """Sliders under one heading."""

    title: str
    sliders: tuple[Slider, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def offers_of(error: UnrippleError, *, tried: str) -> list[dict[str, Any]]:
    """What would change a refusal: a title for a button, and the settings behind it.

    Args:
        error: the refusal.
        tried: the `align.mode` that led to it.
    """
    return [
        {"title": title, "settings": dict(settings)}
        for title, settings in _OFFERS.get(type(error), ())
        if settings.get("align.mode") != tried
    ]


def grouped(directions: Mapping[str, Direction]) -> list[Group]:
    """Sliders for turns in degrees and for all other directions, in groups; empty groups are left
    out."""
    homes: dict[str, list[Slider]] = {title: [] for title in (*GROUPS, OTHER)}
    for axis in AXES:
        homes[_home(axis)].append(_turn(axis))
    for direction in directions.values():
        if direction.name not in AXES and not turns_head(direction):
            homes[_home(direction.name)].append(_slider(direction))
    for title, words in GROUPS.items():
        homes[title].sort(key=lambda slider: _rank(slider.name, words))
    return [Group(title, tuple(sliders)) for title, sliders in homes.items() if sliders]


def _home(name: str) -> str:
    """The group of a direction: of its own name, else of the first word that its name contains."""
    exact = (title for title, words in GROUPS.items() if name in words)
    part = (title for title, words in GROUPS.items() if any(word in name for word in words))
    return next(exact, next(part, OTHER))


def _rank(name: str, words: tuple[str, ...]) -> int:
    return next((i for i, word in enumerate(words) if word in name), len(words))


def _turn(axis: str) -> Slider:
    most, title, about = CONVINCES_DEG[axis], _TITLES[axis], f"degrees {TOWARDS[axis]}"
    ends = (-most, most)
    return Slider(axis, title, *ends, _TURN_STEP_DEG, about, "", weak=False, place=False, real=ends)


def _slider(direction: Direction) -> Slider:
    low, high = direction.usable or UNMEASURED
    name = direction.name
    on_pixels = pixel_directions().get(name)
    return Slider(
        name,
        _TITLES.get(name, name.replace("_", " ").capitalize()),
        low,
        high,
        0.1,
        direction.attribute,
        direction.unit or "",
        direction.weak,
        direction.component is not None,
        on_pixels.usable or UNMEASURED if on_pixels else None,
    )
