"""Edits that StyleFeatureEditor names like directions and that follow a text: its 14 mappers, and
two patterns, `styleclip_global_<neutral>_<target>_<beta>` and
`deltaedit_<neutral>_<target>_<threshold>`.

Each is a text edit here, whose strength is what the source does with a power. The source splits the
patterns wherever there is a `_`, so that a text with one breaks them; here that is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from unripple.conventions import BadConfig
from unripple.io.config import Edit
from unripple.io.text_edits import text_edit

_OF_MAPPER = 10.0
"""A mapper is taken whole for a power of 1, and by a tenth for a strength of 1."""

PATTERNS: Mapping[str, Mapping[str, Any]] = {
    "styleclip_global_": {"method": "global", "variant": "sfe"},
    "deltaedit_": {"method": "deltaedit"},
}
_PARTS = ("neutral", "text", "disentangle")
_FAMILY = "text"


class Named(NamedTuple):
    """A name of such an edit.

    Attributes:
        name: as the source has it.
        family: of `stages.families`.
        usable: powers between which its authors found pictures sound; None if they do not say.
        unit: what a power is.
        attribute: what changes.
    """

    name: str
    family: str
    usable: tuple[float, float] | None
    unit: str
    attribute: str


def _mapper(name: str, most: float, what: str) -> Named:
    unit = f"p times what mapper {_entry(name)} says (StyleCLIP mapper)"
    return Named(name, _FAMILY, (0.0, most), unit, what)


def _entry(name: str) -> str:
    """Of the list of published models."""
    return "styleclip_" + name.removeprefix("hilary_")


MAPPERS: Mapping[str, Named] = {
    one.name: one
    for one in (
        _mapper("afro", 0.14, "gives afro hair"),
        _mapper("angry", 0.14, "makes angry; moves the background"),
        _mapper("bobcut", 0.18, "gives a bob cut; moves the background"),
        _mapper("bowlcut", 0.14, "gives a bowl cut; moves the background"),
        _mapper("mohawk", 0.1, "gives a mohawk; moves the background"),
        _mapper("curly_hair", 0.12, "curls the hair"),
        _mapper("purple_hair", 0.12, "colours the hair purple"),
        _mapper("surprised", 0.1, "makes surprised"),
        _mapper("beyonce", 0.12, "towards Beyonce"),
        _mapper("hilary_clinton", 0.1, "towards Hillary Clinton"),
        _mapper("depp", 0.12, "towards Johnny Depp"),
        _mapper("taylor_swift", 0.1, "towards Taylor Swift"),
        _mapper("trump", 0.1, "towards Donald Trump"),
        _mapper("zuckerberg", 0.1, "towards Mark Zuckerberg"),
    )
}

NAMED = (
    *MAPPERS.values(),
    Named(
        "styleclip_global_<neutral>_<target>_<beta>",
        _FAMILY,
        None,
        "p/1.5 steps in style space (StyleCLIP global direction)",
        "from one text to the other; channels that follow by less than beta stay",
    ),
    Named(
        "deltaedit_<neutral>_<target>_<threshold>",
        _FAMILY,
        None,
        "p times what the mapper says (DeltaEdit)",
        "from one text to the other; channels that follow by less than the threshold stay",
    ),
)
"""All of them, to be listed."""


def follows_text(name: str) -> bool:
    """Whether this is such a name."""
    return name in MAPPERS or any(name.startswith(pattern) for pattern in PATTERNS)


def edit_of_moves(name: str, moves: Mapping[str, float], *, where: str = "") -> Edit:
    """An edit along directions, or the one that follows the text which a name stands for.

    Args:
        name: of the edit.
        moves: direction -> degree.
        where: beginning of messages.

    Raises:
        BadConfig: a name that follows a text stands beside others, or cannot be read.
        BadText: see `text_edit`.
    """
    said = [one for one in moves if follows_text(one)]
    if not said:
        return Edit(name, tuple(sorted(moves.items())))
    if len(moves) > 1:
        raise BadConfig(
            f"{where}{said[0]!r} follows a text, and goes with no other direction; make it an edit "
            "of its own, or a chain of texts"
        )
    return text_edit(name, words_of(said[0], moves[said[0]], where=where), where=where)


def words_of(name: str, power: float, *, where: str = "") -> dict[str, Any]:
    """What a text edit says that is this name at this power.

    Raises:
        BadConfig: the name cannot be read.
    """
    if name in MAPPERS:
        strength = _OF_MAPPER * power
        return {"text": name, "method": "mapper", "mapper": _entry(name), "strength": strength}
    pattern = next(one for one in PATTERNS if name.startswith(one))
    parts = name.removeprefix(pattern).split("_")
    try:
        words: dict[str, Any] = dict(zip(_PARTS, parts, strict=True))
        words["disentangle"] = float(words["disentangle"])
    except ValueError:
        wanted = next(one.name for one in NAMED if one.name.startswith(pattern))
        raise BadConfig(
            f"{where}{name!r}: wanted {wanted}, with a number at its end and no _ in the texts; "
            "for others say text, neutral and method"
        ) from None
    return {**words, **PATTERNS[pattern], "templates": "imagenet", "strength": power}
