"""What the embedded CLIP is told: predicates about faces of the face world, and their words.

A predicate says of every face that it is true, false, or that nobody could tell: the fringe of
a bald head, a smile that is neither. Every one has phrases for yes and for no, and some have one
for yes that no training says (`unseen`), by which it is tested whether the network understands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from unripple import faceworld

Factors: TypeAlias = Mapping[str, Tensor]
Kind: TypeAlias = Literal["has", "wears", "adjective", "noun", "does"]


@dataclass(frozen=True)
class Predicate:
    """One thing that can be said of a face.

    Attributes:
        name: short, for figures.
        kind: where its phrases stand: `with ...`, `wearing ...`, before the noun, as the noun
            itself, or after all else.
        truth: factors, each [B], to 1 (true), -1 (false), 0 (nobody could tell), [B].
        yes, no: phrases; without one for no it is never denied.
        unseen: a phrase for yes that training leaves out.
    """

    name: str
    kind: Kind
    truth: Callable[[Factors], Tensor]
    yes: tuple[str, ...]
    no: tuple[str, ...] = ()
    unseen: str = ""


def _band(value: Tensor, low: float, high: float) -> Tensor:
    """1 above `high`, -1 below `low`, 0 between."""
    return (value > high).int() - (value < low).int()


def _both(*truths: Tensor) -> Tensor:
    return torch.stack(truths).amin(0)


def _off(truth: Tensor, away: Tensor, value: int = -1) -> Tensor:
    """The same, but `value` for the faces that are `away`."""
    return torch.where(away > 0.5, torch.full_like(truth, value), truth)


def _factor(name: str, low: float, high: float) -> Callable[[Factors], Tensor]:
    return lambda f: _band(f[name], low, high)


def _below(name: str, low: float, high: float) -> Callable[[Factors], Tensor]:
    return lambda f: -_band(f[name], low, high)


def _switch(name: str) -> Callable[[Factors], Tensor]:
    return _factor(name, 0.5, 0.5)


def _hair(
    truth: Callable[[Factors], Tensor], *, hidden: bool = False
) -> Callable[[Factors], Tensor]:
    """Of hair: false for a bald head; with `hidden` nobody could tell under a hat."""

    def of_hair(f: Factors) -> Tensor:
        told = _off(truth(f), f["bald"])
        return _off(told, f["hat"], 0) if hidden else told

    return of_hair


def _colour(
    light: tuple[float, float, float, float], warmth: tuple[float, float, float, float]
) -> Callable[[Factors], Tensor]:
    """Hair that is not grey, of a lightness and a warmth within (false, true, true, false)."""

    def of_hair(f: Factors) -> Tensor:
        told = -_band(f["grey"], 0.25, 0.6)
        for value, (least, low, high, most) in (
            (f["hair_light"], light),
            (f["hair_warmth"], warmth),
        ):
            told = _both(told, _band(value, least, low), -_band(value, high, most))
        return told

    return _hair(of_hair)


def _sunglasses(f: Factors) -> Tensor:
    return _off(_band(f["glasses_dark"], 0.2, 0.5), 1 - f["glasses"])


def _clean_shaven(f: Factors) -> Tensor:
    told = -_band(torch.maximum(f["beard"], f["moustache"]), 0.1, 0.45)
    return _off(told, (f["masculinity"] < 0).float(), 0)


def _hat_with(brim: int) -> Callable[[Factors], Tensor]:
    return lambda f: _off(brim * _band(f["hat_brim"], 0.5, 0.5), 1 - f["hat"])


def _freckles(f: Factors) -> Tensor:
    return _off(_band(f["freckles"], 0.05, 0.4), (f["melanin"] > 0.5).float(), 0)


def _large_eyes(f: Factors) -> Tensor:
    return _off(_band(f["eye_size"], -0.2, 0.35), f["glasses"] * f["glasses_dark"], 0)


_ANY = (-2.0, -2.0, 2.0, 2.0)

SYNONYMS: Mapping[str, str] = {
    "hair across the forehead": "a fringe",
    "hair down the forehead": "a fringe",
    "no hair over the forehead": "no fringe",
}
"""Phrases that a trained CLIP learned later, and what they mean; see `training.clip_synonyms`."""

PREDICATES: tuple[Predicate, ...] = (
    Predicate("glasses", "wears", _switch("glasses"),
              ("glasses", "eyeglasses", "a pair of glasses"),
              ("no glasses",), "glasses on the face"),
    Predicate("sunglasses", "wears", _sunglasses,
              ("sunglasses", "dark glasses", "black sunglasses"), ("no sunglasses",),
              "very dark glasses"),
    Predicate("hat", "wears", _switch("hat"), ("a hat", "headwear", "something on the head"),
              ("no hat",), "a hat on the head"),
    Predicate("brim", "wears", _hat_with(1), ("a hat with a brim", "a brimmed hat")),
    Predicate("beanie", "wears", _hat_with(-1), ("a beanie", "a wool hat", "a knitted hat")),
    Predicate("earrings", "wears", _switch("earring"), ("earrings", "an earring"),
              ("no earrings",)),
    Predicate("necklace", "wears", _switch("necklace"), ("a necklace", "a chain"),
              ("no necklace",)),
    Predicate("beard", "has", _factor("beard", 0.1, 0.45),
              ("a beard", "a full beard", "a beard on the chin"), ("no beard",),
              "a very full beard"),
    Predicate("moustache", "has", _factor("moustache", 0.1, 0.5), ("a moustache", "a mustache"),
              ("no moustache", "no mustache")),
    Predicate("clean_shaven", "adjective", _clean_shaven, ("clean-shaven", "shaven"),
              ("unshaven",)),
    Predicate("bald", "adjective", lambda f: _off(_band(f["bald"], 0.5, 0.5), f["hat"], 0),
              ("bald", "hairless", "bald-headed"), (), "bald hairless"),
    Predicate("no_hair", "has", lambda f: _off(_band(f["bald"], 0.5, 0.5), f["hat"], 0),
              ("no hair", "a bald head"), ("hair",)),
    Predicate("long_hair", "has", _hair(_factor("hair_length", 0.35, 0.6)),
              ("long hair", "hair down to the shoulders"), ("no long hair",), "a long hairstyle"),
    Predicate("short_hair", "has", _hair(_below("hair_length", 0.2, 0.45)),
              ("short hair", "short-cut hair", "a short haircut"), (), "a short hairstyle"),
    Predicate("curly", "has", _hair(_factor("hair_curl", 0.1, 0.45)),
              ("curly hair", "curls", "wavy hair"), ("no curls",), "hair with curls"),
    Predicate("straight", "has", _hair(_below("hair_curl", 0.08, 0.35)),
              ("straight hair", "smooth hair")),
    Predicate("fringe", "has", _hair(_factor("fringe", -0.1, 0.45), hidden=True),
              ("a fringe", "bangs", "hair over the forehead", "bangs hair",
               "hair across the forehead", "hair down the forehead"),
              ("no fringe", "no bangs", "a free forehead", "no hair over the forehead"),
              "hair on the forehead"),
    Predicate("grey", "has", _hair(_factor("grey", 0.15, 0.6)),
              ("grey hair", "gray hair", "silver hair"), ("no grey hair",), "hair that is grey"),
    Predicate("blond", "has", _colour((0.5, 0.68, 2.0, 2.0), (-2.0, -2.0, 0.45, 0.7)),
              ("blond hair", "blonde hair", "golden hair", "yellow hair"),
              ("no blond hair",), "hair that is blond"),
    Predicate("black", "has", _colour((-2.0, -2.0, 0.18, 0.35), _ANY),
              ("black hair", "very dark hair", "dark hair"), ("no black hair",),
              "hair that is black"),
    Predicate("brown", "has", _colour((0.15, 0.3, 0.6, 0.8), (-2.0, -2.0, 0.45, 0.7)),
              ("brown hair", "brunette hair"), ("no brown hair",)),
    Predicate("red", "has", _colour((0.12, 0.3, 2.0, 2.0), (0.25, 0.6, 2.0, 2.0)),
              ("red hair", "ginger hair", "orange hair"), ("no red hair",)),
    Predicate("volume", "has", _hair(_factor("hair_volume", -0.2, 0.35), hidden=True),
              ("voluminous hair", "big hair", "thick hair"), ("flat hair", "thin hair")),
    Predicate("dark_skin", "has", _factor("melanin", 0.4, 0.7),
              ("dark skin", "brown skin", "black skin"), ("no dark skin",), "a dark skin colour"),
    Predicate("pale_skin", "has", _below("melanin", 0.22, 0.5),
              ("pale skin", "light skin", "fair skin", "white skin"), (), "a light skin colour"),
    Predicate("freckles", "has", _freckles, ("freckles", "freckled skin"), ("no freckles",)),
    Predicate("lipstick", "wears", _factor("lipstick", 0.12, 0.55),
              ("lipstick", "makeup", "red lipstick", "make-up"), ("no lipstick", "no makeup")),
    Predicate("smile", "has", _factor("smile", 0.15, 0.6),
              ("a smile", "a broad smile", "a happy face"), ("no smile",), "a big smile"),
    Predicate("smiling", "adjective", _factor("smile", 0.15, 0.6), ("smiling", "happy", "cheerful"),
              ("serious", "sad", "unsmiling")),
    Predicate("open_mouth", "has", _factor("mouth_open", 0.05, 0.35),
              ("an open mouth", "the mouth open", "visible teeth"),
              ("a closed mouth", "the mouth closed"), "a mouth that is open"),
    Predicate("man", "noun", _factor("masculinity", -0.2, 0.2),
              ("man", "male", "gentleman", "guy"), ("woman", "female", "lady", "girl")),
    Predicate("young", "adjective", _below("age", 0.15, 0.4), ("young", "youthful")),
    Predicate("old", "adjective", _factor("age", 0.25, 0.5), ("old", "elderly", "aged"), (),
              "very old"),
    Predicate("wrinkles", "has", _factor("age", 0.25, 0.55), ("wrinkles", "wrinkled skin"),
              ("no wrinkles", "smooth skin")),
    Predicate("right", "does", _factor("yaw", 0.08, 0.3),
              ("looking to the right", "turned to the right", "facing right")),
    Predicate("left", "does", _below("yaw", -0.3, -0.08),
              ("looking to the left", "turned to the left", "facing left")),
    Predicate("frontal", "does", lambda f: -_band(f["yaw"].abs(), 0.1, 0.35),
              ("looking straight ahead", "seen from the front")),
    Predicate("cheeks", "has", _factor("cheek", -0.2, 0.35), ("full cheeks", "chubby cheeks"),
              ("thin cheeks",)),
    Predicate("nose", "has", _factor("nose_width", -0.2, 0.35), ("a big nose", "a wide nose"),
              ("a small nose", "a narrow nose")),
    Predicate("lips", "has", _factor("lip_fullness", -0.3, 0.3), ("full lips", "big lips"),
              ("thin lips",)),
    Predicate("brows", "has", _factor("brow_thickness", -0.3, 0.35),
              ("thick eyebrows", "bushy eyebrows"), ("thin eyebrows",)),
    Predicate("eyes", "has", _large_eyes, ("large eyes", "big eyes"), ("small eyes",)),
)  # fmt: skip
"""All of them; what they are called is known to the network's card."""

INDEX: Mapping[str, int] = {one.name: i for i, one in enumerate(PREDICATES)}


def truths(factors: Tensor) -> Tensor:
    """What is true of faces: 1, -1 or 0 for every predicate, int8 [B, len(PREDICATES)].

    Args:
        factors: of the face world, [B, K].
    """
    named = {name: factors[:, i] for name, i in faceworld.INDEX.items()}
    return torch.stack([one.truth(named) for one in PREDICATES], dim=1).to(torch.int8)
