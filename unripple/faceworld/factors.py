"""What a face of the face world is made of: named factors, how they are drawn, what they mean.

A face is a vector of `len(FACTORS)` numbers. All of them are drawn through a standard normal z of
the same length (`factors_from_normal`), so the world has a Gaussian latent space with exact labels:
a generator trained on it behaves like any other StyleGAN2. The detail of the background is not a
factor but a seed, so that no latent code can hold it.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Kind = Literal["signed", "normal", "amount", "switch", "choice"]


class Factor(NamedTuple):
    """One factor.

    Attributes:
        name: what it is called everywhere.
        kind: "signed" uniform in [-1, 1]; "normal" bell-shaped in [-1, 1] (sigma 0.45); "amount"
            uniform in [0, 1]; "switch" 0 or 1 with `chance`; "choice" an integer below `PLATES`.
            The drawing rules below reshape some of them; the ranges stay (jaw, brows, shoulders and
            neck may reach 1.2).
        meaning: what the positive end looks like.
        chance: probability of a switch.
    """

    name: str
    kind: Kind
    meaning: str
    chance: float = 0.0


PLATES = ("books", "foliage", "posters", "bricks", "city", "wallpaper", "clutter")
"""The kinds of background."""

FACTORS: tuple[Factor, ...] = (
    Factor("yaw", "signed", "face turned to the picture's right; 1 is YAW_MAX_DEG"),
    Factor("pitch", "signed", "chin up; 1 is PITCH_MAX_DEG"),
    Factor("roll", "normal", "head tilted to the picture's left; 1 is ROLL_MAX_DEG"),
    Factor("light_azimuth", "signed", "light from the picture's right"),
    Factor("light_elevation", "signed", "light from high up"),
    Factor("light_warmth", "normal", "yellowish light"),
    Factor("ambient", "normal", "soft, bright surround"),
    Factor("head_width", "normal", "wide head"),
    Factor("face_length", "normal", "long face"),
    Factor("jaw_width", "normal", "wide jaw"),
    Factor("chin", "normal", "chin forward and low"),
    Factor("cheek", "normal", "full cheeks"),
    Factor("eye_size", "normal", "large eyes"),
    Factor("eye_gap", "normal", "eyes far apart"),
    Factor("eye_height", "normal", "eyes high in the face"),
    Factor("eye_tilt", "normal", "outer corners raised"),
    Factor("nose_length", "normal", "long nose"),
    Factor("nose_width", "normal", "wide nose"),
    Factor("nose_up", "normal", "turned-up nose"),
    Factor("brow_height", "normal", "high brows"),
    Factor("brow_thickness", "normal", "thick brows"),
    Factor("brow_tilt", "normal", "inner ends of the brows raised"),
    Factor("lip_fullness", "normal", "full lips"),
    Factor("mouth_width", "normal", "wide mouth"),
    Factor("ear_size", "normal", "large ears"),
    Factor("neck_width", "normal", "thick neck"),
    Factor("shoulder_width", "normal", "broad shoulders"),
    Factor("smile", "signed", "corners of the mouth up"),
    Factor("mouth_open", "amount", "open mouth"),
    Factor("eye_open", "normal", "wide open eyes"),
    Factor("brow_raise", "normal", "raised brows"),
    Factor("gaze_x", "normal", "looks to the picture's right"),
    Factor("gaze_y", "normal", "looks up"),
    Factor("masculinity", "signed", "masculine"),
    Factor("age", "amount", "old: wrinkles, receding hair"),
    Factor("melanin", "amount", "dark skin"),
    Factor("redness", "normal", "rosy skin"),
    Factor("freckles", "amount", "freckles"),
    Factor("lipstick", "amount", "lipstick and eye shadow"),
    Factor("hair_length", "amount", "long hair"),
    Factor("hair_volume", "normal", "voluminous hair"),
    Factor("hair_curl", "amount", "curly hair"),
    Factor("hair_part", "signed", "parting on the picture's right"),
    Factor("fringe", "signed", "hair over the forehead"),
    Factor("bald", "switch", "no hair", 0.07),
    Factor("hair_light", "amount", "light hair"),
    Factor("hair_warmth", "signed", "red hair"),
    Factor("grey", "amount", "grey hair"),
    Factor("beard", "amount", "beard"),
    Factor("moustache", "amount", "moustache"),
    Factor("iris_hue", "amount", "blue and grey eyes"),
    Factor("cloth_hue", "amount", "hue of the clothes, cyclic"),
    Factor("cloth_saturation", "amount", "colourful clothes"),
    Factor("cloth_value", "amount", "light clothes"),
    Factor("cloth_pattern", "amount", "plain, stripes, check, dots, upright stripes"),
    Factor("collar", "amount", "wide collar, V-neck above 0.6"),
    Factor("glasses", "switch", "glasses", 0.24),
    Factor("glasses_shape", "amount", "square, dark rims"),
    Factor("glasses_dark", "amount", "sunglasses"),
    Factor("hat", "switch", "hat", 0.10),
    Factor("hat_hue", "amount", "hue of the hat, cyclic"),
    Factor("hat_brim", "switch", "hat with a brim rather than a beanie", 0.4),
    Factor("earring", "switch", "earrings", 0.38),
    Factor("necklace", "switch", "necklace", 0.30),
    Factor("plate_kind", "choice", "kind of background, an index into PLATES"),
    Factor("plate_hue", "amount", "hue of the background"),
    Factor("plate_value", "amount", "light background"),
)
NAMES = tuple(factor.name for factor in FACTORS)
INDEX = {name: i for i, name in enumerate(NAMES)}

YAW_MAX_DEG = 38.0
PITCH_MAX_DEG = 17.0
ROLL_MAX_DEG = 7.0

_CYCLIC = ("cloth_hue", "hat_hue")


def sample_factors(count: int, seed: int) -> Tensor:
    """Draw faces.

    Args:
        count: how many.
        seed: any non-negative integer; the same seed gives the same faces.

    Returns:
        float32 [count, len(FACTORS)].
    """
    generator = torch.Generator().manual_seed(seed)
    return factors_from_normal(torch.randn(count, len(FACTORS), generator=generator))


def factors_from_normal(z: Tensor) -> Tensor:
    """Turn standard normal codes into factors: quantiles first, then the plausible correlations.

    Args:
        z: float32 [B, len(FACTORS)].

    Returns:
        float32 [B, len(FACTORS)], in the ranges that `Factor.kind` states.
    """
    uniform = 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    drawn = [_quantile(factor, z[:, i], uniform[:, i]) for i, factor in enumerate(FACTORS)]
    return torch.stack(_correlate(dict(zip(NAMES, drawn, strict=True)), uniform), dim=1)


def _quantile(factor: Factor, z: Tensor, uniform: Tensor) -> Tensor:
    if factor.kind == "signed":
        return uniform * 2 - 1
    if factor.kind == "normal":
        return (z * 0.45).clamp(-1, 1)
    if factor.kind == "amount":
        return uniform
    if factor.kind == "switch":
        return (uniform < factor.chance).float()
    return torch.floor(uniform * len(PLATES)).clamp(max=len(PLATES) - 1)


def _correlate(f: dict[str, Tensor], uniform: Tensor) -> list[Tensor]:
    """What goes with what: sex and hair, age and grey, skin and hair colour, and so on."""
    masculine = f["masculinity"]
    feminine = (masculine < 0).float()
    # Frontal poses are commoner than extreme ones.
    f["yaw"] = f["yaw"].abs() ** 1.15 * f["yaw"].sign()
    f["pitch"] = f["pitch"].abs() ** 1.3 * f["pitch"].sign()
    f["age"] = f["age"] ** 1.5
    f["smile"] = (f["smile"] * 0.75 + 0.3).clamp(-1, 1)
    friendly = 0.25 + 0.75 * (f["smile"] > -0.1).float()
    f["mouth_open"] = ((f["mouth_open"] - 0.45) / 0.55).clamp(0, 1) * friendly
    f["beard"] = ((f["beard"] - 0.5) * 2).clamp(0, 1) * (1 - feminine)
    moustache = ((f["moustache"] - 0.6) * 2.5).clamp(0, 1) * (1 - feminine)
    f["moustache"] = torch.maximum(moustache, f["beard"] * 0.9)
    f["lipstick"] = f["lipstick"] * feminine
    long_hair = (f["hair_length"] * 1.15).clamp(0, 1)
    f["hair_length"] = torch.where(feminine > 0, long_hair, f["hair_length"] ** 3 * 0.9)
    f["grey"] = ((f["grey"] * 0.8 + f["age"] * 1.5 - 1.1) / 0.6).clamp(0, 1)
    # The low end of the bald code also makes a tenth of the men bald, the grown-up ones more.
    bald_draw = uniform[:, INDEX["bald"]]
    bald_below = 0.06 + 0.10 * (f["age"] > 0.1).float()
    f["bald"] = (bald_draw < bald_below).float() * (1 - feminine)
    f["freckles"] = ((f["freckles"] - 0.6) * 2.5).clamp(0, 1)
    dark_haired = f["melanin"] > 0.55
    f["hair_light"] = torch.where(dark_haired, f["hair_light"] * 0.25, f["hair_light"])
    curl = f["hair_curl"] + 0.35 * (f["melanin"] > 0.6).float()
    f["hair_curl"] = ((curl - 0.45) / 0.55).clamp(0, 1)
    earring_draw = uniform[:, INDEX["earring"]]
    f["earring"] = (earring_draw < 0.06 + 0.32 * feminine).float()
    f["glasses_dark"] = ((f["glasses_dark"] - 0.72) / 0.28).clamp(0, 1)
    for name, pull in (
        ("jaw_width", 0.35),
        ("brow_thickness", 0.35),
        ("shoulder_width", 0.4),
        ("neck_width", 0.4),
        ("eye_size", -0.25),
        ("lip_fullness", -0.3),
    ):
        f[name] = (f[name] + pull * masculine).clamp(-1.2, 1.2)
    return [f[name] for name in NAMES]


def with_factors(factors: Tensor, **changes: float | Tensor) -> Tensor:
    """The same faces with some factors set to other values.

    Args:
        factors: float32 [B, len(FACTORS)].
        **changes: factor name -> value or [B] values, in the factor's own range. `yaw_deg`,
            `pitch_deg` and `roll_deg` are understood too.

    Returns:
        A new tensor of the same shape.

    Raises:
        KeyError: a name is no factor.
    """
    degrees = {"yaw_deg": YAW_MAX_DEG, "pitch_deg": PITCH_MAX_DEG, "roll_deg": ROLL_MAX_DEG}
    changed = factors.clone()
    for name, value in changes.items():
        if name in degrees:
            changed[:, INDEX[name.removesuffix("_deg")]] = torch.as_tensor(value) / degrees[name]
        elif name in INDEX:
            changed[:, INDEX[name]] = torch.as_tensor(value, dtype=factors.dtype)
        else:
            raise KeyError(f"{name!r} is no factor of the face world; factors are {NAMES}")
    return changed


_HANDED = ("yaw", "roll", "light_azimuth", "hair_part", "gaze_x")


def mirrored(factors: Tensor) -> Tensor:
    """The factors of the faces in a mirror: the world is symmetric but for those that name a side.

    Rendered, they give the flipped render up to the grain of hair, brows and cloth; the background
    comes from its seed and stays as it was.

    Args:
        factors: float32 [B, len(FACTORS)].

    Returns:
        A new tensor of the same shape.
    """
    return with_factors(factors, **{name: -factors[:, INDEX[name]] for name in _HANDED})


def pose_deg(factors: Tensor) -> Tensor:
    """Yaw, pitch and roll in degrees, float32 [B, 3]."""
    limits = torch.tensor([YAW_MAX_DEG, PITCH_MAX_DEG, ROLL_MAX_DEG])
    return factors[:, : len(limits)] * limits.to(factors)


def embed(factors: Tensor) -> Tensor:
    """Factors as a network likes them: about unit scale, no jumps, background kind one-hot.

    Args:
        factors: float32 [B, len(FACTORS)].

    Returns:
        float32 [B, EMBED_WIDTH].
    """
    columns: list[Tensor] = []
    for i, factor in enumerate(FACTORS):
        value = factors[:, i : i + 1]
        if factor.kind == "choice":
            columns.append(2 * torch.nn.functional.one_hot(value[:, 0].long(), len(PLATES)).float())
        elif factor.name in _CYCLIC:
            angle = value * (2 * math.pi)
            columns += [1.4 * torch.sin(angle), 1.4 * torch.cos(angle)]
        elif factor.kind in ("amount", "switch"):
            columns.append((value - 0.5) * 3)
        else:
            columns.append(value * 1.7)
    return torch.cat(columns, dim=1)


EMBED_WIDTH = len(FACTORS) - 1 + len(PLATES) + len(_CYCLIC)


def code(factors: Tensor, width: int) -> Tensor:
    """The z of a face for a generator of this world: embedded factors, a constant 1, and zeros.

    Args:
        factors: float32 [B, len(FACTORS)].
        width: of z, more than EMBED_WIDTH.

    Returns:
        float32 [B, width].
    """
    embedded = embed(factors)
    one = embedded.new_ones(len(embedded), 1)
    rest = embedded.new_zeros(len(embedded), width - embedded.shape[1] - 1)
    return torch.cat((embedded, one, rest), dim=1)


def caption(factors: Tensor) -> str:
    """One face in words, as a short English sentence.

    Args:
        factors: float32 [len(FACTORS)].
    """
    f = dict(zip(NAMES, factors.tolist(), strict=True))
    age = "an old" if f["age"] > 0.6 else "a middle-aged" if f["age"] > 0.3 else "a young"
    person = "man" if f["masculinity"] >= 0 else "woman"
    traits = [_hair_words(f)]
    traits += [word for word, there in _trait_words(f) if there]
    yaw = f["yaw"] * YAW_MAX_DEG
    if abs(yaw) > 8:
        traits.append("looking to the " + ("right" if yaw > 0 else "left"))
    return f"{age} {person} with {', '.join(traits)}, in front of {PLATES[int(f['plate_kind'])]}"


def _hair_words(f: dict[str, float]) -> str:
    if f["hat"] > 0.5:
        return "a hat"
    if f["bald"] > 0.5:
        return "a bald head"
    length = "long" if f["hair_length"] > 0.5 else "short"
    curl = " curly" if f["hair_curl"] > 0.4 else ""
    if f["grey"] > 0.5:
        colour = "grey"
    elif f["hair_warmth"] > 0.6 and f["hair_light"] > 0.2:
        colour = "red"
    else:
        light = f["hair_light"]
        colour = "blond" if light > 0.7 else "brown" if light > 0.25 else "black"
    return f"{length}{curl} {colour} hair"


def _trait_words(f: dict[str, float]) -> list[tuple[str, bool]]:
    dark = "sunglasses" if f["glasses_dark"] > 0.5 else "glasses"
    skin = "dark skin" if f["melanin"] > 0.65 else "pale skin"
    return [
        (skin, f["melanin"] > 0.65 or f["melanin"] < 0.25),
        (dark, f["glasses"] > 0.5),
        ("a beard", f["beard"] > 0.4),
        ("a moustache", f["beard"] <= 0.4 and f["moustache"] > 0.4),
        ("freckles", f["freckles"] > 0.4 and f["melanin"] < 0.5),
        ("lipstick", f["lipstick"] > 0.6),
        ("earrings", f["earring"] > 0.5),
        ("a necklace", f["necklace"] > 0.5),
        ("a broad smile", f["smile"] > 0.7),
        ("an open mouth", f["mouth_open"] > 0.3),
    ]
