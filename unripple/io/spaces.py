"""Colour spaces that a file names by numbers, as ICC profiles that any other file can carry.

PNG has four chunks beside iCCP for that, EXIF a word for Adobe RGB. Of several the strongest holds:
cICP, iCCP, sRGB, gAMA with cHRM (PNG specification, third edition, 4.3), then EXIF.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from unripple.conventions import BadPhoto, Floats

log = logging.getLogger(__name__)

Chunks = Mapping[bytes, bytes]

_FULL_RANGE = 1
_PNG_UNIT = 100_000
_PLAIN_GAMMA = (0.45, 0.46)  # 1/2.2 is what writers of sRGB put into gAMA, each by its rounding
_GAMMAS = (0.2, 5.0)  # beyond, 8 bits hold no picture
_SAME_PLACE = 0.002  # of chromaticities: writers round them, too


class Curve(NamedTuple):
    """From a channel's value to light: (a x + b) ** gamma from d on, c x below it.

    It is type 3 of ICC's parametric curves, ICC.1:2022, 10.18.
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


class Primaries(NamedTuple):
    """Chromaticities x and y of white, red, green, blue."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_SRGB = Primaries(_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_SMPTE_C = Primaries(_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_FILMED = Curve(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)  # BT.709, BT.601, BT.2020
_ADOBE = Primaries(_D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))

# ITU-T H.273, table 2 (colour primaries) and table 3 (transfer characteristics).
_PRIMARIES = {
    1: _SRGB,
    4: Primaries(_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE_C,
    7: _SMPTE_C,
    8: Primaries(_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: Primaries(_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
_CURVES = {
    **dict.fromkeys((1, 6, 11, 12, 14, 15), _FILMED),
    4: Curve(2.2),
    5: Curve(2.8),
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: Curve(1.0),
    13: _SRGB_CURVE,
}
_REFUSED_CURVES = {
    9: "a logarithmic curve (cICP 9)",
    10: "a logarithmic curve (cICP 10)",
    16: "the HDR curve PQ (SMPTE ST 2084, cICP 16)",
    17: "the cinema curve of SMPTE ST 428 (cICP 17)",
    18: "the HDR curve HLG (ARIB STD-B67, cICP 18)",
}
_REFUSED_PRIMARIES = {10: "the cinema colours XYZ (SMPTE ST 428, cICP 10)"}
_ADVICE = "export it as sRGB or Display P3, in standard dynamic range"


def refused(what: str) -> BadPhoto:
    """What to say of a photo whose colours are of a kind that no network here knows."""
    return BadPhoto(f"its colours are in {what}, which cannot be edited; {_ADVICE}")


def refuse_code_points(code_points: bytes) -> None:
    """Refuse what a cICP chunk, or an ICC profile's tag `cicp`, names and nobody here can edit.

    Args:
        code_points: primaries, transfer curve, matrix, and whether the range is full.

    Raises:
        BadPhoto: HDR, logarithmic and cinema curves, cinema primaries, the narrow range.
    """
    primaries, curve, _, full = code_points[:4]
    what = _REFUSED_CURVES.get(curve) or _REFUSED_PRIMARIES.get(primaries)
    if what:
        raise refused(what)
    if full != _FULL_RANGE and primaries in _PRIMARIES and curve in _CURVES:
        raise refused("the narrow range of video, 16 to 235 (cICP)")


def sensible(chunks: Chunks, name: str) -> dict[bytes, bytes]:
    """The colour chunks of a PNG file that say something; the others are told of and left out.

    Args:
        chunks: content by type.
        name: the file's, for messages.

    Raises:
        BadPhoto: the colours cannot be edited, see `refuse_code_points`.
    """
    kept = {}
    for kind, content in chunks.items():
        complaint = _complaint(kind, content)
        if complaint:
            log.warning("%s: colour chunk %s %s; not heeded", name, kind.decode(), complaint)
        else:
            kept[kind] = content
    return kept


def _complaint(kind: bytes, content: bytes) -> str:
    """What is wrong with a colour chunk, or ""."""
    if len(content) != {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}[kind]:
        return f"has {len(content)} bytes"
    if kind == b"cICP":
        refuse_code_points(content)
        supported = content[0] in _PRIMARIES and content[1] in _CURVES
        return "" if supported else f"names no known colours ({content[0]}, {content[1]})"
    if kind == b"gAMA":
        gamma = _gamma(content)
        return "" if _GAMMAS[0] <= gamma <= _GAMMAS[1] else f"says {gamma:g}"
    if kind == b"cHRM" and _to_d50(_chromaticities(content)) is None:
        return "spans no colours"
    return ""


def _gamma(content: bytes) -> float:
    return float(struct.unpack(">I", content)[0]) / _PNG_UNIT


def _chromaticities(content: bytes) -> Primaries:
    x = [value / _PNG_UNIT for value in struct.unpack(">8I", content)]
    return Primaries(*zip(x[::2], x[1::2], strict=True))


def names_by_code_points(chunks: Chunks) -> bool:
    """Whether the chunk that is stronger than a profile is there."""
    return b"cICP" in chunks


def profile_of_chunks(chunks: Chunks) -> bytes | None:
    """The profile of the colour space that sensible chunks name; None is sRGB."""
    if b"cICP" in chunks:
        primaries, transfer = chunks[b"cICP"][:2]
        return _profile_or_srgb(_PRIMARIES[primaries], _CURVES[transfer])
    if b"sRGB" in chunks:
        return None
    space = _chromaticities(chunks[b"cHRM"]) if b"cHRM" in chunks else _SRGB
    gamma = _gamma(chunks[b"gAMA"]) if b"gAMA" in chunks else None
    plain = gamma is None or _PLAIN_GAMMA[0] <= gamma <= _PLAIN_GAMMA[1]
    if plain and _are_srgbs(space):
        return None
    return _profile(space, _SRGB_CURVE if gamma is None else Curve(1 / gamma))


def adobe_rgb() -> bytes:
    """The profile of Adobe RGB (1998)."""
    return _profile(_ADOBE, Curve(563 / 256))


def _profile_or_srgb(primaries: Primaries, curve: Curve) -> bytes | None:
    return None if curve == _SRGB_CURVE and _are_srgbs(primaries) else _profile(primaries, curve)


def _are_srgbs(primaries: Primaries) -> bool:
    return bool(np.allclose(primaries, _SRGB, rtol=0, atol=_SAME_PLACE))


def _to_d50(primaries: Primaries) -> Floats | None:
    """From linear RGB to XYZ under D50, which profiles count in, [3, 3]; None if nothing is so."""
    white, *ends = (np.array([x, y, 1 - x - y]) for x, y in primaries)
    if white[1] < 1e-3:
        return None
    columns = np.stack(ends, axis=1)
    if abs(np.linalg.det(columns)) < 1e-3:
        return None
    shares = np.linalg.solve(columns, white / white[1])
    if shares.min() < 1e-3:  # white lies outside the triangle
        return None
    return _adapted(white / white[1]) @ (columns * shares)


_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def _adapted(white: Floats) -> Floats:
    """From XYZ under a white to XYZ under D50, [3, 3]; Bradford's, as ICC.1:2022, annex E."""
    scales = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.linalg.inv(_BRADFORD) @ scales @ _BRADFORD


@lru_cache(maxsize=16)
def _profile(primaries: Primaries, curve: Curve) -> bytes:
    """An ICC profile, version 4, of a matrix and one curve for all channels."""
    matrix = _to_d50(primaries)
    assert matrix is not None
    x, y = primaries.white
    chad = _adapted(np.array([x, y, 1 - x - y]) / y)
    values = tuple(curve) if curve.d else (curve.gamma,)
    trc = b"para\0\0\0\0" + struct.pack(">HH", 3 if curve.d else 0, 0) + _fixed(*values)
    tags = {
        b"desc": _text("colours named by the photo"),
        b"cprt": _text("no copyright"),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
        b"chad": b"sf32\0\0\0\0" + _fixed(*chad.ravel()),
        b"rXYZ": b"XYZ \0\0\0\0" + _fixed(*matrix[:, 0]),
        b"gXYZ": b"XYZ \0\0\0\0" + _fixed(*matrix[:, 1]),
        b"bXYZ": b"XYZ \0\0\0\0" + _fixed(*matrix[:, 2]),
        b"rTRC": trc,
        b"gTRC": trc,
        b"bTRC": trc,
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI", start + len(body), 0x04300000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*_D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _text(words: str) -> bytes:
    text = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text
