"""What a photo's file says beside its pixels, and how a result goes on saying it.

Kept: the colour profile, EXIF, XMP and IPTC. Not kept: the orientation, because pixels are turned
upright when they are read, and embedded previews, because they show the unedited photo.
"""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.dom import minidom

from PIL import Image

from unripple.io.provenance import SOURCE_TYPE, xmp_packet

log = logging.getLogger(__name__)

_ORIENTATION = 0x0112
_PREVIEW_TAGS = (0x0201, 0x0202)  # where a preview lies, and how long it is
_IPTC = 0x0404  # IPTC-IIM among Photoshop's image resources
_RESOURCE = b"8BIM" + struct.pack(">HH", _IPTC, 0)  # with an empty name
PNG_IPTC = "Raw profile type iptc"
"""The text chunk that holds IPTC records in PNG, by the name that ExifTool knows."""
_LONGEST = 1 << 20  # bytes of one kind of metadata; no camera writes more
_LONGEST_SEGMENT = 65_533  # bytes of one JPEG segment

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_CREATOR = (_XMP, "CreatorTool")
_OUTDATED = (
    ("http://ns.adobe.com/tiff/1.0/", "Orientation"),
    (_XMP, "Thumbnails"),
)
_SOURCE_TYPE = ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType")


@dataclass(frozen=True)
class Metadata:
    """What a picture's file says beside its pixels; None where it says nothing.

    Attributes:
        icc_profile: the colour space of the pixels; None is sRGB.
        exif: EXIF block, starting with `Exif`.
        xmp: XMP packet, UTF-8.
        iptc: IPTC-IIM records.
    """

    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None

    def of_result(self, *, marked: bool) -> Metadata:
        """The metadata of a picture made from this photo.

        Args:
            marked: whether to state that a trained algorithm altered it.
        """
        return replace(self, xmp=_xmp_of_result(self.xmp, marked=marked))

    def segment(self) -> bytes:
        """The IPTC records as a JPEG segment; empty without any, or where they are too long."""
        if not self.iptc:
            return b""
        padded = self.iptc + b"\0" * (len(self.iptc) % 2)
        content = b"Photoshop 3.0\0" + _RESOURCE + struct.pack(">I", len(self.iptc)) + padded
        if len(content) > _LONGEST_SEGMENT:
            log.warning("IPTC records of %d bytes do not fit into a JPEG", len(content))
            return b""
        return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content

    def within_segments(self) -> Metadata:
        """What of it fits into JPEG's segments; the mark always does."""
        exif, xmp = self.exif, self.xmp
        if exif and len(exif) > _LONGEST_SEGMENT:
            log.warning("EXIF of %d bytes does not fit into a JPEG", len(exif))
            exif = None
        if xmp and len(xmp) > _LONGEST_SEGMENT - 29:  # 29: the segment's own title
            log.warning("XMP of %d bytes does not fit into a JPEG", len(xmp))
            xmp = xmp_packet() if SOURCE_TYPE.encode() in xmp else None
        return replace(self, exif=exif, xmp=xmp)

    def png_text(self) -> str | None:
        """The IPTC records as PNG text, by the name `PNG_IPTC`."""
        if not self.iptc:
            return None
        return f"\niptc\n{len(self.iptc):8}\n{self.iptc.hex()}\n"


NOTHING = Metadata()
"""Of a picture whose file says nothing."""


def orientation(picture: Image.Image) -> int:
    """How the pixels must be turned to be upright, 1 to 8 as EXIF counts; 1 if nobody says."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception as error:  # Pillow reports damaged EXIF by a dozen types
        log.warning("%s: EXIF cannot be read (%s)", _name(picture), error)
        return 1
    return value if value in range(1, 9) else 1


def read_metadata(picture: Image.Image) -> Metadata:
    """The metadata of an opened file, but for its colour profile."""
    readers = {"exif": _exif, "xmp": _xmp, "iptc": _iptc}
    found: dict[str, bytes | None] = {}
    for name, read in readers.items():
        try:
            block = read(picture)
        except Exception as error:  # as above; a photo is not lost for what is said about it
            log.warning("%s: %s cannot be read (%s)", _name(picture), name.upper(), error)
            block = None
        if block and len(block) > _LONGEST:
            log.warning("%s: %d bytes of %s dropped", _name(picture), len(block), name.upper())
            block = None
        found[name] = block or None
    return Metadata(**found)


def _name(picture: Image.Image) -> str:
    return str(getattr(picture, "filename", "") or "picture")


def _exif(picture: Image.Image) -> bytes | None:
    exif = picture.getexif()
    for tag in (_ORIENTATION, *_PREVIEW_TAGS):
        if tag in exif:
            del exif[tag]
    return exif.tobytes() if len(exif) else None


def _xmp(picture: Image.Image) -> bytes | None:
    packet = picture.info.get("xmp", picture.info.get("XML:com.adobe.xmp"))
    return packet.encode() if isinstance(packet, str) else packet


def _iptc(picture: Image.Image) -> bytes | None:
    resources = picture.info.get("photoshop")
    if isinstance(resources, Mapping):
        block = resources.get(_IPTC)
        return block if isinstance(block, bytes) else None
    text = picture.info.get(PNG_IPTC)
    if not isinstance(text, str):
        return None
    _, _, listed = text.strip().partition("\n")  # the kind, the length, the bytes in hex
    length, _, digits = listed.strip().partition("\n")
    block = bytes.fromhex("".join(digits.split()))
    if len(block) != int(length):
        raise ValueError(f"{length.strip()} bytes announced, {len(block)} found")
    wrapped = block.find(_RESOURCE)  # some writers wrap the records as JPEG files do
    if wrapped < 0:
        return block
    start = wrapped + len(_RESOURCE)
    (size,) = struct.unpack_from(">I", block, start)
    return block[start + 4 : start + 4 + size]


def _xmp_of_result(packet: bytes | None, *, marked: bool) -> bytes | None:
    """A photo's XMP without what the edit made untrue, with the mark if asked for."""
    if not packet:
        return xmp_packet() if marked else None
    try:
        return _rewritten(packet, marked=marked)
    except Exception as error:  # expat, text encodings, depth: a packet is as wild as its writer
        log.warning("XMP cannot be read (%s) and is dropped", error)
        return xmp_packet() if marked else None


def _rewritten(packet: bytes, *, marked: bool) -> bytes:
    text = packet.decode("utf-8-sig").strip("\0 \r\n\t")
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise ValueError("it declares entities")
    document = minidom.parseString(text.encode())
    (frame, *_) = document.getElementsByTagNameNS(_RDF, "RDF") or [None]
    if frame is None:
        raise ValueError("it holds no RDF")
    for name in (*_OUTDATED, *([_SOURCE_TYPE] if marked else [])):
        _remove(frame, name)
    if marked:
        mark = minidom.parseString(xmp_packet()).getElementsByTagNameNS(_RDF, "Description")[0]
        if any(_holders(frame, _CREATOR)):
            mark.removeAttributeNS(*_CREATOR)
        frame.appendChild(document.importNode(mark, True))
    root = document.documentElement
    assert root is not None
    head, tail = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="r"?>'
    return f"{head}\n{root.toxml()}\n{tail}".encode()


def _holders(frame: Any, name: tuple[str, str]) -> Iterator[Any]:
    """Descriptions that carry a property as an attribute, and elements that are one."""
    for description in frame.getElementsByTagNameNS(_RDF, "Description"):
        if description.hasAttributeNS(*name):
            yield description
    yield from frame.getElementsByTagNameNS(*name)


def _remove(frame: Any, name: tuple[str, str]) -> None:
    for holder in list(_holders(frame, name)):
        if (holder.namespaceURI, holder.localName) == name:
            holder.parentNode.removeChild(holder)
        else:
            holder.removeAttributeNS(*name)
