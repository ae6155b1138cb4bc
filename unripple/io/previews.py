"""Pictures hidden in metadata: they show the unedited photo, so that no result may carry one."""

from __future__ import annotations

import re

_SIGNATURES = (  # first bytes of picture files. Some makers spoil a JPEG's very first byte
    *(b"\xd8\xff" + bytes([marker]) for marker in (*range(0xE0, 0xF0), 0xDB, 0xC0, 0xC4, 0xFE)),
    b"\x89PNG\r\n",
    b"WEBPVP8",
    b"GIF89a",
    b"GIF87a",
    b"ftyphei",
    b"ftypmif1",
    b"ftypavif",
    b"\0\0\0\x0cjP  ",
)
_AS_TEXT = ("/9j/", "iVBORw0KGgo", "UklGR", "R0lGODlh", "ffd8ff", "FFD8FF")  # in base64 and hex
_SHORTEST = 20  # letters; no picture is that small
_LONGEST_CODE = 1000  # letters of base64 or hex; names, keys and digests are shorter
_SHORTEST_LINE = 40  # letters: lines of code are longer, words shorter
_CODED = re.compile(r"[A-Za-z0-9+/=_-]+")


def holds_a_picture(data: bytes) -> bool:
    """Whether a picture file may lie somewhere in there."""
    return any(signature in data for signature in _SIGNATURES)


def is_picture_as_text(text: str) -> bool:
    """Whether a value is a picture written in base64 or hex, or may be.

    Example:
        >>> is_picture_as_text("data:image/jpeg;base64,/9j/4AAQSkZJRgABAQEASABIAAD")
        True
        >>> is_picture_as_text("A long story about a face. " * 99)
        False
    """
    words = text.split()
    letters = "".join(words)
    if letters.startswith("data:"):
        letters = letters.partition(",")[2]
    if letters.startswith(_AS_TEXT) and len(letters) > _SHORTEST:
        return True
    is_code = len(letters) > _LONGEST_CODE and len(letters) > _SHORTEST_LINE * len(words)
    return is_code and bool(_CODED.fullmatch(letters))
