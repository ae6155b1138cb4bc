"""What can be told of edits before they are made: codes that there are none of, doubtful degrees
and words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unripple.conventions import BadCheckpoint, BadConfig, UnknownName
from unripple.io.config import Config, Edit
from unripple.ops.drawn_words import WORDS as DRAWN
from unripple.ops.words import JOINT, contradictions, numbers_of, unknown_words
from unripple.pipeline.pixels import any_direction
from unripple.pipeline.turns import WORDS, turn_of, turn_warnings
from unripple.zoo.directions import find_direction
from unripple.zoo.weights import size_px
from unripple.zoo.zoo import EMBEDDED, Zoo, chosen_directions, directions_path


def check_codes(config: Config, edits: Sequence[Edit], zoo: Zoo) -> None:
    """Refuse codes that the generator does not have: what stands beyond the last moves nothing.

    Raises:
        BadConfig: the config, or what is known of a direction, names such codes.
    """
    knobs = config["translate"]
    asked = {"config: translate": (knobs["first_code"], knobs["end_code"])}
    path = directions_path(chosen_directions(config["directions"], zoo))
    for name in {name for edit in edits for name, _ in edit.moves}:
        with contextlib.suppress(BadCheckpoint, UnknownName):  # told where it is needed
            codes = find_direction(path, name).codes
            if codes is not None:
                asked[f"direction {name}"] = codes
    if all(codes == (0, None) for codes in asked.values()):
        return
    try:
        count = _code_count(zoo)
    except BadCheckpoint:
        return  # told where it is needed
    for where, (first, end) in asked.items():
        name, value, most = "first_code", first, count - 1
        if first < count and end is not None:
            name, value, most = "end_code", end, count
        if not 0 <= value <= most:
            raise BadConfig(
                f"{where}.{name} must be at most {most}, found {value}: this generator has "
                f"{count} codes"
            )


def _code_count(zoo: Zoo) -> int:
    """The codes of the set's generator: two for each doubling of its side, from 4 px on."""
    size = size_px(zoo.metadata("generator"), zoo.path("generator"))
    return 2 * size.bit_length() - 4


def warnings_of(config: Config, edit: Edit, zoo: Zoo) -> list[str]:
    """What to tell about an edit before it is made."""
    if edit.said:
        return text_warnings(edit.texts, zoo)
    return degree_warnings(chosen_directions(config["directions"], zoo), dict(edit.moves))


def settings_warnings(settings: Mapping[str, Any], directions: str, zoo: Zoo) -> list[str]:
    """The same, of the settings of a job that moves codes."""
    asked = settings.get("text")
    texts = settings.get("chain", ()) if asked is None else (asked,)
    return text_warnings(texts, zoo) + degree_warnings(directions, settings.get("moves", {}))


def text_warnings(texts: Sequence[Mapping[str, Any]], zoo: Zoo) -> list[str]:
    """What to tell about texts: what contradicts itself, words that the CLIP chosen was not trained
    on, things that the generator does not draw, and texts that a mapper was not trained for.

    Raises:
        BadConfig: the models have no mapper, and one is needed.
        BadCheckpoint: a file is missing.
    """
    known = zoo.metadata("clip").get("words", ()) if zoo.has("clip") else ()
    drawn = () if zoo.choice("generator") != EMBEDDED else DRAWN
    told = []
    for said in texts:
        text = said["text"]
        told += [f"{text!r}: {both} exclude each other" for both in contradictions(text)]
        words = [w for key in ("text", "neutral") for w in unknown_words(said[key], known)]
        if words:
            told.append(f"{text!r}: this CLIP was not trained on {_listed(words)}: expect anything")
        beyond = [word for word in unknown_words(text, drawn) if word not in words]
        if beyond:
            told.append(
                f"{text!r}: {_listed(beyond)} is nothing that the embedded generator draws, which "
                "knows rendered heads alone: expect anything"
            )
        told += _of_mapper(said, zoo)
    return list(dict.fromkeys(told))


def _of_mapper(said: Mapping[str, Any], zoo: Zoo) -> list[str]:
    """That a mapper, which reads any text, was not trained for this one."""
    if said["method"] != "mapper":
        return []
    own = said.get("mapper")
    texts = zoo.metadata(f"mapper:{own}" if own else "mapper").get("texts", {})
    parts = said["text"].split(JOINT)
    places = zip(parts, numbers_of(said["text"], texts), strict=True)
    others = [part for part, number in places if number is None] if texts else []
    if not others:
        return []
    return [
        f"{said['text']!r}: this mapper was not trained for {_listed(others)}, but for "
        f"{_listed(texts.values())}: expect anything"
    ]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in dict.fromkeys(words))


def degree_warnings(directions: str, moves: Mapping[str, float]) -> list[str]:
    """One sentence per degree outside its direction's usable range.

    Raises:
        UnknownName: there is no such direction.
    """
    return [*turn_warnings(turn_of(moves)), *generator_warnings(directions, moves)]


def generator_warnings(directions: str, moves: Mapping[str, float]) -> list[str]:
    """Those of them that are about the generator's directions, which say nothing of an edit that a
    photo's own pixels make.

    Raises:
        UnknownName: there is no such direction.
    """
    path = directions_path(directions)
    others = {name: degree for name, degree in moves.items() if name not in WORDS}
    warnings = [any_direction(path, name).warning(degree) for name, degree in others.items()]
    return [text for text in warnings if text]
