"""EXIF of a photo, and what of it a result may go on saying.

Gone are the orientation, because pixels are turned upright when they are read; previews and all in
which one may hide, because they show the unedited photo; and pointers to what does not come along.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from PIL import Image

from unripple.io.previews import holds_a_picture, is_picture_as_text

ORIENTATION = 0x0112
_DETAILS, _PLACE, _INTEROP = 0x8769, 0x8825, 0xA005
_NOTE = 0x927C
_COMMENTS = (0x9286, *range(0x9C9B, 0x9CA0))  # text that is stored as bytes
_COLOUR_SPACE, _INDEX = 0xA001, 0x0001
_SRGB, _ADOBE = 1, 2  # 2 is no standard, but what some cameras write
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_RELATED = (0x1000, 0x1001, 0x1002)  # kind and size of the file to which this one is a preview
_PLACES_IN_PX = (0x9214, 0xA214)  # where the subject was before the photo was turned

_NOT_CARRIED = frozenset(
    (
        *(0x0111, 0x0117, 0x0144, 0x0145, 0x014A, 0x0201, 0x0202),  # where pixels lie, how many
        *(0x0207, 0x0208, 0x0209),  # tables of old JPEG previews
        *(0x02BC, 0x83BB, 0x8649, 0x8773),  # XMP, IPTC, Photoshop's resources, a profile: once more
        *(0x935C, 0xC634, 0xC68B, 0xC74E),  # layers, a raw file's private data and originals
    )
)
_SHORT_NOTE = 256  # bytes: no picture of a face fits in; what is longer counts places in its file
_LONGEST_VALUE = 4096  # bytes of a value whose meaning nobody here knows
Tags = MutableMapping[int, Any]


def orientation(picture: Image.Image) -> int:
    """How the pixels must be turned to be upright, 1 to 8; 1 if nobody says."""
    value = picture.getexif().get(ORIENTATION, 1)
    return value if value in range(1, 9) else 1


def block_of_upright(picture: Image.Image, size: tuple[int, int]) -> bytes | None:
    """The EXIF block of a picture that has been turned upright.

    Args:
        picture: the opened file.
        size: width and height after the turn, px.
    """
    exif = picture.getexif()
    turned = exif.get(ORIENTATION, 1) != 1
    exif.pop(ORIENTATION, None)
    for tags in _directories(exif):
        _clean(tags, size, turned=turned)
    return exif.tobytes() if len(exif) else None


def _directories(exif: Image.Exif) -> list[Tags]:
    """Those that a block keeps; the one of previews is not among them."""
    blocks: list[Tags] = [exif]
    blocks += [exif.get_ifd(tag) for tag in (_DETAILS, _PLACE) if tag in exif]  # asking makes one
    if _DETAILS in exif and _INTEROP in exif.get_ifd(_DETAILS):
        blocks.append(exif.get_ifd(_INTEROP))
    return blocks


def _clean(tags: Tags, size: tuple[int, int], *, turned: bool) -> None:
    gone = _NOT_CARRIED | frozenset(_PLACES_IN_PX if turned else ())
    for tag, value in list(tags.items()):
        if tag in gone or _may_show(tag, value):
            del tags[tag]
    for named, px in zip((_WIDTHS, _HEIGHTS), size, strict=True):
        for tag in named:
            if tag in tags:
                tags[tag] = px
    for tag in _RELATED:
        tags.pop(tag, None)


def _may_show(tag: int, value: Any) -> bool:
    """Whether a value may hold a preview."""
    if isinstance(value, str):
        return is_picture_as_text(value) or holds_a_picture(value.encode("latin-1", "replace"))
    if isinstance(value, tuple) and len(value) > _SHORT_NOTE:
        return all(isinstance(number, int) for number in value)  # bytes told as numbers
    if not isinstance(value, bytes):
        return False
    longest = _SHORT_NOTE if tag == _NOTE else _LONGEST_VALUE
    return holds_a_picture(value) or (len(value) > longest and tag not in _COMMENTS)


def says_adobe_rgb(block: bytes | None) -> bool:
    """Whether the colours are Adobe RGB by DCF 2.0: uncalibrated, and index R03."""
    if not block:
        return False
    try:
        exif = Image.Exif()
        exif.load(block)
        said = exif.get_ifd(_DETAILS).get(_COLOUR_SPACE)
        index = exif.get_ifd(_INTEROP).get(_INDEX)
    except Exception:  # Pillow reports damage by a dozen types; it names no colours
        return False
    return said == _ADOBE or (said != _SRGB and str(index).strip("\0 ") == "R03")


def saying_srgb(block: bytes | None) -> bytes | None:
    """The block of pixels that became sRGB, if it said otherwise."""
    if not block or not says_adobe_rgb(block):
        return block
    exif = Image.Exif()
    exif.load(block)
    exif.get_ifd(_INTEROP)[_INDEX] = "R98"
    exif.get_ifd(_DETAILS)[_COLOUR_SPACE] = _SRGB
    return exif.tobytes()
