"""Colour spaces: a photo's own, and sRGB, which the networks were trained on.

Untouched pixels never leave the photo's own space. Only crops go to sRGB and back.
"""

from __future__ import annotations

import io
import re
import struct
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from unripple.conventions import Photo, UnrippleError
from unripple.io import spaces

_SAME_LEVELS = 2  # the many profiles called sRGB differ by their rounding
_PROBES = 9  # levels per channel of the colours by which two spaces are compared


_HDR_WORDS = re.compile(r"(?<![^\W_])(PQ|HLG|ST ?2084)(?![^\W_])")
_MOST_TAGS = 100


class BadProfile(UnrippleError):
    """A colour profile that is damaged, or of another kind than its pixels."""


class _Space(NamedTuple):
    """How to leave a colour space and come back; None where that changes nothing."""

    to_srgb: Any
    from_srgb: Any


def to_srgb(pixels: Photo, profile: bytes | None) -> Photo:
    """Pixels of a photo, uint8 [H, W, 3], as sRGB.

    Raises:
        BadProfile: the profile cannot be used in both directions.
    """
    return pixels if profile is None else _through(pixels, _space(profile).to_srgb)


def from_srgb(pixels: Photo, profile: bytes | None) -> Photo:
    """sRGB pixels, uint8 [H, W, 3], in a photo's own colour space.

    Raises:
        BadProfile: the profile cannot be used in both directions.
    """
    return pixels if profile is None else _through(pixels, _space(profile).from_srgb)


def leads_back(profile: bytes) -> bool:
    """Whether RGB pixels can go from this colour space to sRGB and back."""
    try:
        _space(profile)
    except BadProfile:
        return False
    return True


def converted(picture: Image.Image, profile: bytes) -> Image.Image:
    """A picture of any mode as sRGB, on a way without return.

    Raises:
        BadProfile: the profile is damaged or not of the picture's mode.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        result = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise BadProfile(f"colour profile: {error}") from error
    assert result is not None
    return result


def refuse_hdr(profile: bytes | None, name: bytes = b"") -> None:
    """Refuse a profile of an HDR curve: by its tag `cicp`, or where it has none by its words.

    Args:
        profile: ICC profile.
        name: how the file calls it.

    Raises:
        BadPhoto: it is one.
    """
    if profile is None:
        return
    code_points = _tag(profile, b"cicp")
    if len(code_points) >= 12:
        spaces.refuse_code_points(code_points[8:12])
        return
    words = f"{name.decode('latin-1')} {_description(profile)}"
    curve = _HDR_WORDS.search(words)
    if curve:
        raise spaces.refused(f"the HDR curve {curve.group(1)} (by the colour profile's name)")


def _description(profile: bytes) -> str:
    try:
        return str(ImageCms.getProfileDescription(io.BytesIO(profile)))
    except Exception:  # a profile that says nothing is no HDR profile
        return ""


def _tag(profile: bytes, wanted: bytes) -> bytes:
    """Content of one tag; empty without it, and of what is no profile."""
    if len(profile) < 132:
        return b""
    (count,) = struct.unpack_from(">I", profile, 128)
    for place in range(min(count, _MOST_TAGS)):
        entry = profile[132 + 12 * place : 144 + 12 * place]
        if len(entry) == 12 and entry[:4] == wanted:
            start, length = struct.unpack(">II", entry[4:])
            return profile[start : start + length]
    return b""


@lru_cache(maxsize=4)
def _space(profile: bytes) -> _Space:
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        space = _Space(_transform(own, srgb), _transform(srgb, own))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise BadProfile(f"colour profile: {error}") from error
    levels = np.linspace(0, 255, _PROBES).astype(np.uint8)
    probes = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, _PROBES, 3)
    moved = _through(probes, space.to_srgb).astype(int) - probes
    return _Space(None, None) if abs(moved).max() <= _SAME_LEVELS else space


def _transform(source: Any, target: Any) -> Any:
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(source, target, "RGB", "RGB", renderingIntent=intent)


def _through(pixels: Photo, transform: Any) -> Photo:
    if transform is None:
        return pixels
    moved = ImageCms.applyTransform(Image.fromarray(pixels), transform)
    assert moved is not None
    return np.array(moved)
