"""XMP of a photo, and what of it a result may go on saying.

Gone is what the edit made untrue: orientation and size, previews and other pictures written as
text, and all that speaks of parts which do not come along (gain maps, films, depth maps).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.dom import minidom

from unripple.io.previews import is_picture_as_text
from unripple.io.provenance import SOURCE_TYPE, xmp_packet

log = logging.getLogger(__name__)

Name = tuple[str, str]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DECLARED = "http://www.w3.org/2000/xmlns/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_CREATOR = (_XMP, "CreatorTool")
_SOURCE_TYPE = ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType")
_OUTDATED: tuple[Name, ...] = (
    (_TIFF, "Orientation"),
    (_TIFF, "ImageWidth"),
    (_TIFF, "ImageLength"),
    (_TIFF, "NativeDigest"),
    (_EXIF, "PixelXDimension"),
    (_EXIF, "PixelYDimension"),
    (_EXIF, "NativeDigest"),
    (_EXIF, "MakerNote"),
    (_XMP, "Thumbnails"),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),  # longer XMP that does not come along
)
PLACES_IN_PX: tuple[Name, ...] = (
    (_EXIF, "SubjectArea"),
    (_EXIF, "SubjectLocation"),
    ("http://www.metadataworkinggroup.com/schemas/regions/", "Regions"),
    ("http://ns.microsoft.com/photo/1.2/", "RegionInfo"),
)
"""Where in the picture something is, untrue once the picture was turned."""
COLOURS: tuple[Name, ...] = (
    (_EXIF, "ColorSpace"),
    ("http://cipa.jp/exif/1.0/", "InteroperabilityIndex"),
    ("http://ns.adobe.com/photoshop/1.0/", "ICCProfile"),
)
"""The colour space, untrue once the pixels were brought to another."""
_LEFT_BEHIND = frozenset(
    (
        "http://ns.adobe.com/hdr-gain-map/1.0/",
        "http://ns.adobe.com/hdr-metadata/1.0/",
        "http://ns.apple.com/HDRGainMap/1.0/",
        "http://ns.apple.com/pixeldatainfo/1.0/",
        "http://ns.apple.com/depthData/1.0/",
        "http://ns.apple.com/portraitEffectsMatte/1.0/",
        "http://ns.google.com/photos/1.0/camera/",
        "http://ns.google.com/photos/1.0/container/",
        "http://ns.google.com/photos/1.0/container/item/",
        "http://ns.google.com/photos/1.0/depthmap/",
        "http://ns.google.com/photos/1.0/focus/",
        "http://ns.google.com/photos/1.0/image/",
        "http://ns.google.com/photos/1.0/audio/",
        "http://ns.adobe.com/xap/1.0/g/img/",
        "http://ns.oplus.com/photos/1.0/camera/",
        "http://ns.xiaomi.com/photos/1.0/camera/",
        "http://ns.vivo.com/photos/1.0/camera/",
    )
)
_LEFT_BEHIND_BELOW = "http://ns.google.com/photos/dd/1.0/"
"""Vocabularies that speak of what else lay in the file, or hold pictures."""


def of_result(packet: bytes | None, *, marked: bool) -> bytes | None:
    """A photo's XMP without what the edit made untrue, with the mark if asked for."""
    if not packet:
        return xmp_packet() if marked else None
    try:
        return _rewritten(packet, _OUTDATED, marked=marked)
    except Exception as error:  # expat, text encodings, depth: a packet is as wild as its writer
        log.warning("XMP cannot be read (%s) and is dropped", error)
        return xmp_packet() if marked else None


def without(packet: bytes | None, names: Iterable[Name]) -> bytes | None:
    """XMP without some properties; as it is where it has none of them, or cannot be read."""
    if not packet:
        return packet
    listed = [name for name in names if name[1].encode() in packet]
    try:
        return _rewritten(packet, listed, marked=False) if listed else packet
    except Exception:  # `of_result` will tell of it
        return packet


def is_marked(packet: bytes) -> bool:
    """Whether the packet states that a trained algorithm altered the picture."""
    return SOURCE_TYPE.encode() in packet


def _rewritten(packet: bytes, outdated: Iterable[Name], *, marked: bool) -> bytes:
    text = packet.decode("utf-8-sig").strip("\0 \r\n\t")
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise ValueError("it declares entities")
    document = minidom.parseString(text.encode())
    (frame, *_) = document.getElementsByTagNameNS(_RDF, "RDF") or [None]
    if frame is None:
        raise ValueError("it holds no RDF")
    root = document.documentElement
    assert root is not None
    for name in (*outdated, *([_SOURCE_TYPE] if marked else [])):
        _remove(frame, name)
    _clean(root)
    if marked:
        mark = minidom.parseString(xmp_packet()).getElementsByTagNameNS(_RDF, "Description")[0]
        if any(_holders(frame, _CREATOR)):
            mark.removeAttributeNS(*_CREATOR)
        frame.appendChild(document.importNode(mark, True))
    head, tail = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="r"?>'
    return f"{head}\n{root.toxml()}\n{tail}".encode()


def _clean(element: Any) -> None:
    """Take away what is left behind and what is a picture, here and in all that is within."""
    for attribute in list((element.attributes or {}).values()):
        declares = attribute.namespaceURI == _DECLARED
        vocabulary = attribute.value if declares else attribute.namespaceURI
        if _is_left_behind(vocabulary) or is_picture_as_text(attribute.value):
            element.removeAttributeNode(attribute)
    for child in list(element.childNodes):
        if child.nodeType == child.ELEMENT_NODE:
            if _is_left_behind(child.namespaceURI):
                element.removeChild(child)
            else:
                _clean(child)
        elif child.nodeType not in (child.TEXT_NODE, child.CDATA_SECTION_NODE):
            element.removeChild(child)  # comments and instructions, which nobody reads
    _clean_text(element)


def _is_left_behind(vocabulary: str | None) -> bool:
    return vocabulary in _LEFT_BEHIND or str(vocabulary).startswith(_LEFT_BEHIND_BELOW)


def _clean_text(element: Any) -> None:
    texts = [child for child in element.childNodes if child.nodeType != child.ELEMENT_NODE]
    if is_picture_as_text("".join(child.data for child in texts)):
        for child in texts:
            element.removeChild(child)


def _holders(frame: Any, name: Name) -> Iterator[Any]:
    """Descriptions that carry a property as an attribute, and elements that are one."""
    for description in frame.getElementsByTagNameNS(_RDF, "Description"):
        if description.hasAttributeNS(*name):
            yield description
    yield from frame.getElementsByTagNameNS(*name)


def _remove(frame: Any, name: Name) -> None:
    for holder in list(_holders(frame, name)):
        if (holder.namespaceURI, holder.localName) == name:
            holder.parentNode.removeChild(holder)
        else:
            holder.removeAttributeNS(*name)
