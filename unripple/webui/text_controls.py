"""What the page's text tab offers: methods that the models can follow, words, ranges."""

from __future__ import annotations

from typing import Any

from unripple.conventions import UnrippleError
from unripple.io.text_edits import METHOD, NEUTRAL
from unripple.runtime.texts import known_texts
from unripple.stages.texts import TEXTS
from unripple.zoo.zoo import Zoo

STRENGTHS = (-15.0, 25.0, 0.1)
"""Lowest, highest and step of the slider, as StyleCLIP's own page has them."""

DISENTANGLE = (0.02, 0.4, 0.005, 0.1)
CHANNELS = (1, 400, 1, 20)
"""Lowest, highest, step, and where it begins."""


def texts_of(zoo: Zoo) -> dict[str, Any] | None:
    """What the tab shows for some models; None where they can follow no text."""
    methods = {name: method.strength for name, method in TEXTS.items() if _can(zoo, method.roles)}
    if not methods:
        return None
    known = known_texts(zoo)
    mappers = [
        {"name": one.name, "what": one.what, "texts": dict(one.texts)} for one in known.mappers
    ]
    return {
        "methods": methods,
        "method": METHOD if METHOD in methods else next(iter(methods)),
        "neutral": NEUTRAL,
        "words": list(known.words),
        "mappers": mappers,
        "strength": list(STRENGTHS),
        "disentangle": list(DISENTANGLE),
        "channels": list(CHANNELS),
    }


def _can(zoo: Zoo, roles: tuple[str, ...]) -> bool:
    """Whether all networks of a method are there."""
    try:
        return all(zoo.has(role) and zoo.path(role).exists() for role in roles)
    except UnrippleError:
        return False
