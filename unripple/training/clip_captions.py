"""Sentences about faces: none to four claims each, some denied, in many wordings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unripple.models.clip_text import imagenet_templates
from unripple.ops.words import words_of
from unripple.training.clip_words import INDEX, PREDICATES

COUNTS = (0.03, 0.5, 0.27, 0.13, 0.07)
"""How often a sentence makes 0, 1, 2, 3 or 4 claims."""

DENIED = 0.25  # of the claims, where a predicate can be
NOUNS = ("face", "face", "person", "person", "head", "human")
PREFIXES = ("a photo of", "a picture of", "a portrait of", "an image of", "a photograph of")


class Claim(NamedTuple):
    """A predicate, by number, said or denied."""

    predicate: int
    said: bool


class Caption(NamedTuple):
    """A sentence and what it claims."""

    text: str
    claims: tuple[Claim, ...]


def caption_of(truth: Sequence[int], chance: random.Random) -> Caption:
    """A sentence that is true of a face.

    Args:
        truth: of every predicate, see `clip_words.truths`.
        chance: where all choices come from.
    """
    able = [Claim(i, said=True) for i, value in enumerate(truth) if value > 0]
    denied = [
        Claim(i, said=False)
        for i, (value, one) in enumerate(zip(truth, PREDICATES, strict=True))
        if value < 0 and one.no
    ]
    (count,) = chance.choices(range(len(COUNTS)), COUNTS)
    claims: dict[int, Claim] = {}
    for _ in range(count):
        pool = denied if denied and chance.random() < DENIED else able
        if pool:
            claim = chance.choice(pool)
            claims[claim.predicate] = claim
    chosen = tuple(claims.values())
    return Caption(sentence(chosen, chance), chosen)


def sentence(claims: Sequence[Claim], chance: random.Random) -> str:
    """Claims in words."""
    parts: dict[str, list[str]] = {
        kind: [] for kind in ("adjective", "noun", "wears", "has", "does")
    }
    for claim in claims:
        one = PREDICATES[claim.predicate]
        parts[one.kind].append(chance.choice(one.yes if claim.said else one.no))
    if len(claims) == 1 and chance.random() < 0.15:  # the bare words
        return next(phrase for phrases in parts.values() for phrase in phrases)
    subject = " ".join([*parts["adjective"], *(parts["noun"] or [chance.choice(NOUNS)])])
    if parts["wears"] and chance.random() < 0.4:
        tail = [f"wearing {_listed(parts['wears'])}"]
        tail += [f"with {_listed(parts['has'])}"] if parts["has"] else []
        chance.shuffle(tail)
    else:
        held = parts["wears"] + parts["has"]
        chance.shuffle(held)
        tail = [f"with {_listed(held)}"] if held else []
    return _framed(" ".join([subject, *tail, *parts["does"]]), chance)


def _framed(thing: str, chance: random.Random) -> str:
    """A thing with its article, within a template or not."""
    article = "an" if thing[0] in "aeiou" else "a"
    draw = chance.random()
    if draw < 0.4:
        return f"{article} {thing}"
    if draw < 0.5:
        return f"the {thing}"
    if draw < 0.75:
        return f"{chance.choice(PREFIXES)} {article} {thing}"
    if draw < 0.85:  # as templates get it from people, who say the article
        thing = f"{article} {thing}"
    return chance.choice(imagenet_templates()).format(thing)


def _listed(phrases: Sequence[str]) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def fits(truth: Tensor, captions: Sequence[Caption]) -> Tensor:
    """Which sentences are true of which faces: 1, -1 or 0 (nobody could tell), int8 [B, C].

    One false claim makes a sentence false, else one unknown claim makes it unknown.

    Args:
        truth: of every predicate, int8 [B, P].
        captions: C sentences.
    """
    columns = []
    for caption in captions:
        told = [truth[:, i] if said else -truth[:, i] for i, said in caption.claims]
        always = torch.ones_like(truth[:, 0])
        columns.append(torch.stack([always, *told]).amin(0))
    return torch.stack(columns, dim=1)


def claimed(captions: Sequence[Caption]) -> Tensor:
    """What each sentence claims: 1 (said), -1 (denied), 0 (nothing), int8 [C, P]."""
    found = torch.zeros(len(captions), len(PREDICATES), dtype=torch.int8)
    for row, caption in enumerate(captions):
        for predicate, said in caption.claims:
            found[row, predicate] = 1 if said else -1
    return found


def plain(name: str, *, unseen: bool = False) -> str:
    """The sentence by which a predicate is tested."""
    one = PREDICATES[INDEX[name]]
    phrase = one.unseen if unseen else one.yes[0]
    if one.kind == "adjective":
        return f"a {phrase} person"
    if one.kind == "noun":
        return f"a {phrase}"
    return f"a face {phrase}" if one.kind == "does" else f"a face with {phrase}"


def words() -> list[str]:
    """All words that training says, sorted."""
    phrases = [phrase for one in PREDICATES for phrase in (*one.yes, *one.no)]
    frames = [*PREFIXES, *imagenet_templates(), *NOUNS, "a an the with wearing and"]
    return sorted({word for text in (*phrases, *frames) for word in words_of(text)})
