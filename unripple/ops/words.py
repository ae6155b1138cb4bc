"""Words of a text: which of them somebody does not know, and which cannot both be true."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

JOINT = " + "
"""Between texts that are asked of a mapper at once."""

_ARTICLES = frozenset(("a", "an", "the"))
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

_COLOURS = (
    "blonde?|golden|yellow|black|brown|brunette|red|ginger|orange|gr[ea]y|silver|white|pink|blue"
    "|purple|green"
)
_SHAPES = "long|short|shoulder-length|curly|wavy|straight|smooth"
_KINDS = rf"{_SHAPES}|thick|big|voluminous|thin|flat|dark|light"
_HAIR = rf"(?:(?:{_COLOURS}|{_KINDS})[ ,]+(?:and )?)*"
"""More of the same hair, between one word about it and `hair`."""

_CLAIMS: Mapping[str, Mapping[str, str]] = {
    "whether there is hair": {
        "bald": r"bald|bald-headed|hairless|no hair|without hair",
        "hair": r"(?<!no )(?<!without )(?:long|short|curly|wavy|straight|thick|blonde?|black|brown"
        r"|red|gr[ea]y|pink|blue|purple|ginger|silver|golden|shoulder-length|dark) hair"
        r"|curls|(?<!no )bangs|(?<!no )fringe|ponytail|afro|mohawk|bob-cut hairstyle",
    },
    "how long the hair is": {
        "long": rf"(?<!no )long {_HAIR}hair|hair down to the shoulders",
        "short": rf"short {_HAIR}hair|short-cut hair|short haircut|crew cut",
    },
    "how the hair falls": {
        "curly": rf"(?:curly|wavy) {_HAIR}hair|curls",
        "straight": rf"(?:straight|smooth) {_HAIR}hair",
    },
    "the colour of the hair": {
        colour: rf"(?<!no )(?:{words}) {_HAIR}hair"
        for colour, words in {
            "blond": "blonde?|golden|yellow",
            "black": "black",
            "brown": "brown|brunette",
            "red": "red|ginger|orange",
            "grey": "gr[ea]y|silver|white",
            "pink": "pink",
            "blue": "blue",
            "purple": "purple",
            "green": "green",
        }.items()
    },
    "the age": {
        "young": r"young|youthful|child|baby|teenager",
        "old": r"old|elderly|aged|senior",
    },
    "the sex": {
        "man": r"man|male|gentleman|guy|boy|he",
        "woman": r"woman|female|lady|girl|she",
    },
    "the mood": {
        "happy": r"smiling|happy|cheerful|laughing|(?<!no )(?:big |broad )?smile|a happy face",
        "serious": r"serious|sad|unsmiling|no smile|without a smile|frowning|angry",
    },
    "the mouth": {
        "open": r"open mouth|mouth open|mouth that is open|visible teeth",
        "closed": r"closed mouth|mouth closed",
    },
    "the skin": {
        "dark": r"(?:dark|brown|black) skin",
        "pale": r"(?:pale|light|fair|white) skin",
    },
    "where the face looks": {
        "left": r"to the left|facing left",
        "right": r"to the right|facing right",
        "ahead": r"straight ahead|from the front",
    },
    **{
        f"whether there is a {thing}": {
            "yes": rf"(?<!no )(?<!without )(?<!without a )(?<!without an )\b(?:{words})",
            "no": rf"(?:no|without|without an?) (?:{words})" + more,
        }
        for thing, words, more in (
            ("pair of glasses", "glasses|eyeglasses|sunglasses", ""),
            ("beard", "beard", r"|clean-shaven|shaven"),
            ("moustache", "moustache|mustache", ""),
            ("hat", "hat|headwear|beanie|cap", ""),
            ("fringe", "fringe|bangs", r"|a free forehead"),
        )
    },
}
"""What can be said of a face in one way only -> ways -> how each is said."""


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, each once, in their order."""
    return list(dict.fromkeys(_WORD.findall(text.lower())))


def same_words(one: str, other: str) -> bool:
    """Whether two texts say the same in the same words, but for articles, signs and capitals."""
    plain, second = ([w for w in words_of(text) if w not in _ARTICLES] for text in (one, other))
    return plain == second if plain or second else one.casefold() == other.casefold()


def unknown_words(text: str, known: Collection[str]) -> list[str]:
    """Words of a text that a network was not trained on; none where nothing is known of it."""
    return [word for word in words_of(text) if word not in known] if known else []


def contradictions(text: str) -> list[str]:
    """What a text says in two ways that cannot both be true, in words: 'bald' and 'long hair'."""
    lowered = " ".join(text.lower().split())
    told = []
    for ways in _CLAIMS.values():
        found = [
            match[0]
            for pattern in ways.values()
            if (match := re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", lowered))
        ]
        if len(found) > 1:
            told.append(" and ".join(repr(one) for one in found[:2]))
    return list(dict.fromkeys(told))


def numbers_of(text: str, texts: Mapping[str, str]) -> list[int | None]:
    """Where the texts that were said, `JOINT` between them, stand among named ones.

    Args:
        text: what was said.
        texts: name -> text; either may be said, in small or capital letters.

    Returns:
        For each its number, or None if it is none of them.
    """
    places: dict[str, int] = {}
    for number, pair in enumerate(texts.items()):
        for word in pair:
            places.setdefault(word.casefold(), number)
    return [places.get(one.strip().casefold()) for one in text.split(JOINT)]
