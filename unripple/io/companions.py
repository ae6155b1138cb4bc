"""What lies in a photo's file beside the photo and does not come along into a result.

A result is one picture in standard dynamic range: the gain map that makes it HDR, the film of a
motion photo and the depth map of a portrait show the unedited scene, and stay behind.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

HDR = "the HDR part of the photo (its gain map) is not in the result, which is SDR alone"
MOTION = "the film of this motion photo is not in the result"
DEPTH = "the depth map of the photo is not in the result"
OTHERS = "the other pictures in the photo's file (stereo, panorama) are not in the result"

_SIGNS = {
    HDR: (
        b"http://ns.adobe.com/hdr-gain-map/1.0/",
        b"http://ns.apple.com/HDRGainMap/1.0/",
        b"aux:hdrgainmap",
        b"urn:iso:std:iso:ts:21496:-1",
    ),
    MOTION: (
        *(b'MotionPhoto="1"', b"MotionPhoto='1'", b"MotionPhoto>1<", b"MotionPhoto_Data"),
        *(b'MicroVideo="1"', b"MicroVideo='1'", b"MicroVideo>1<"),
        *(b"ftypmp4", b"ftypisom", b"ftypqt  "),
    ),
    DEPTH: (
        *(b"http://ns.google.com/photos/1.0/depthmap/", b"http://ns.google.com/photos/dd/1.0/"),
        *(b"aux:disparity", b"aux:depth", b"aux:portraiteffectsmatte"),
    ),
}
_MP_ENTRIES = 0xB002
_STEREO = ("Multi-Frame Image",)


def companions(picture: Any, path: Path, xmp: bytes | None) -> tuple[str, ...]:
    """What of a file will be lost, one sentence each.

    Args:
        picture: the opened file.
        path: the same, to look at what lies behind the photo in a JPEG.
        xmp: its XMP packet.
    """
    if picture.format in ("JPEG", "MPO"):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            kinds = _told_by(data)
    else:
        kinds = _told_by(xmp or b"")
    if not kinds and any(str(kind).startswith(_STEREO) for kind in _further_kinds(picture)):
        kinds = (OTHERS,)
    return kinds


def _told_by(data: mmap.mmap | bytes) -> tuple[str, ...]:
    return tuple(
        lost for lost, signs in _SIGNS.items() if any(data.find(sign) >= 0 for sign in signs)
    )


def _further_kinds(picture: Any) -> list[str]:
    """Of the pictures behind the first one, as CIPA DC-007 calls them."""
    entries = (getattr(picture, "mpinfo", None) or {}).get(_MP_ENTRIES, ())
    return [entry["Attribute"]["MPType"] for entry in entries][1:]
