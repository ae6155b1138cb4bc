"""What a photo's file says beside its pixels, and how a result goes on saying it.

Kept: how the colours are named, EXIF, XMP and IPTC. Not kept: what the edit made untrue, what may
show the unedited photo, and what speaks of parts that do not come along; see `exif`, `xmp` and
`companions`.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from PIL import Image

from unripple.io import colour, exif, png, spaces, xmp
from unripple.io.companions import companions
from unripple.io.previews import holds_a_picture
from unripple.io.provenance import xmp_packet

log = logging.getLogger(__name__)

_IPTC = 0x0404  # IPTC-IIM among Photoshop's image resources
_RESOURCE = b"8BIM" + struct.pack(">HH", _IPTC, 0)  # with an empty name
PNG_IPTC = "Raw profile type iptc"
"""The text chunk that holds IPTC records in PNG, by the name that ExifTool knows."""
_LONGEST = 1 << 20  # bytes of one kind of metadata; no camera writes more
_LONGEST_SEGMENT = 65_533  # bytes of one JPEG segment
_IPTC_MARK = 0x1C  # before every data set of IPTC-IIM
_IPTC_PREVIEW = (200, 201, 202)  # data sets of record 2
_IPTC_OBJECT = (7, 8, 9)  # records around a whole file


@dataclass(frozen=True)
class Metadata:
    """What a picture's file says beside its pixels; None where it says nothing.

    Attributes:
        icc_profile: the colour profile in the file.
        exif: EXIF block, starting with `Exif`.
        xmp: XMP packet, UTF-8.
        iptc: IPTC-IIM records.
        png_colours: chunks by which a PNG names its colours beside a profile, type and content.
        lost: what lay in the file beside the photo and does not come along, one sentence each.
    """

    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    png_colours: tuple[tuple[bytes, bytes], ...] = ()
    lost: tuple[str, ...] = ()

    @cached_property
    def space(self) -> bytes | None:
        """The colour space of the pixels, as a profile; None is sRGB."""
        chunks = dict(self.png_colours)
        if self.icc_profile is not None and not spaces.names_by_code_points(chunks):
            return self.icc_profile
        if chunks:
            return spaces.profile_of_chunks(chunks)
        return spaces.adobe_rgb() if exif.says_adobe_rgb(self.exif) else None

    def profile_for_png(self) -> bytes | None:
        """What to embed where chunks and EXIF can be written: EXIF alone is not believed in PNG."""
        return self.icc_profile or (None if self.png_colours else self.space)

    def profile_for_jpeg(self) -> bytes | None:
        """What to embed where EXIF is believed, but no chunks can be written."""
        by_exif = self.icc_profile is None and not self.png_colours
        return None if by_exif and exif.says_adobe_rgb(self.exif) else self.space

    def in_srgb(self) -> Metadata:
        """What is still true once the pixels were brought to sRGB."""
        return replace(
            self,
            icc_profile=None,
            png_colours=(),
            exif=exif.saying_srgb(self.exif),
            xmp=xmp.without(self.xmp, xmp.COLOURS),
        )

    def of_result(self, *, marked: bool) -> Metadata:
        """The metadata of a picture made from this photo.

        Args:
            marked: whether to state that a trained algorithm altered it.
        """
        return replace(self, xmp=xmp.of_result(self.xmp, marked=marked))

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
        fitting = self
        if self.exif and len(self.exif) > _LONGEST_SEGMENT:
            log.warning("EXIF of %d bytes does not fit into a JPEG", len(self.exif))
            fitting = replace(fitting, exif=None, icc_profile=self.space, png_colours=())
        if self.xmp and len(self.xmp) > _LONGEST_SEGMENT - 29:  # 29: the segment's own title
            log.warning("XMP of %d bytes does not fit into a JPEG", len(self.xmp))
            fitting = replace(fitting, xmp=xmp_packet() if xmp.is_marked(self.xmp) else None)
        return fitting

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
        return exif.orientation(picture)
    except Exception as error:  # Pillow reports damaged EXIF by a dozen types
        log.warning("%s: EXIF cannot be read (%s)", _name(picture), error)
        return 1


def read_metadata(picture: Image.Image, path: Path, size: tuple[int, int]) -> Metadata:
    """The metadata of an opened file.

    Args:
        picture: the opened file.
        path: the same, for what Pillow does not tell of.
        size: width and height of the upright picture, px.

    Raises:
        BadPhoto: the colours are of a kind that cannot be edited, HDR above all.
    """
    profile = picture.info.get("icc_profile") or None
    chunks, profile_name = png.colour_chunks(path)
    named = spaces.sensible(chunks, _name(picture))
    if not spaces.names_by_code_points(named):
        colour.refuse_hdr(profile, profile_name)
    turned = orientation(picture) != 1  # asked before it is taken out
    blocks = _blocks(picture, size)
    lost = _lost(picture, path, blocks["xmp"])
    if turned:
        blocks["xmp"] = xmp.without(blocks["xmp"], xmp.PLACES_IN_PX)
    return Metadata(profile, **blocks, png_colours=tuple(named.items()), lost=lost)


def _blocks(picture: Image.Image, size: tuple[int, int]) -> dict[str, bytes | None]:
    readers: dict[str, Callable[[], bytes | None]] = {
        "exif": lambda: exif.block_of_upright(picture, size),
        "xmp": lambda: _xmp(picture),
        "iptc": lambda: _iptc(picture),
    }
    blocks: dict[str, bytes | None] = {}
    for name, read in readers.items():
        try:
            block = read()
        except Exception as error:  # as above; a photo is not lost for what is said about it
            log.warning("%s: %s cannot be read (%s)", _name(picture), name.upper(), error)
            block = None
        if block and len(block) > _LONGEST:
            log.warning("%s: %d bytes of %s dropped", _name(picture), len(block), name.upper())
            block = None
        blocks[name] = block or None
    return blocks


def _lost(picture: Image.Image, path: Path, packet: bytes | None) -> tuple[str, ...]:
    try:
        return companions(picture, path, packet)
    except Exception as error:  # as above
        log.warning("%s: what else is in it cannot be read (%s)", _name(picture), error)
        return ()


def _name(picture: Image.Image) -> str:
    return str(getattr(picture, "filename", "") or "picture")


def _xmp(picture: Image.Image) -> bytes | None:
    packet = picture.info.get("xmp", picture.info.get("XML:com.adobe.xmp"))
    return packet.encode() if isinstance(packet, str) else packet


def _iptc(picture: Image.Image) -> bytes | None:
    records = _iptc_records(picture)
    return _without_previews(records) if records else None


def _without_previews(records: bytes) -> bytes:
    """IPTC records without those that hold a picture. What follows a spoilt one is not kept.

    Source: IPTC-IIM 4.2, chapter 1.5 (data sets), 2:200 to 2:202 and records 7 to 9.
    """
    kept, at = [], 0
    while at + 5 <= len(records) and records[at] == _IPTC_MARK:
        _, record, data_set, length = struct.unpack_from(">BBBH", records, at)
        end = at + 5 + length
        if length & 0x8000:  # that many bytes tell the length
            start = at + 5 + (length & 0x7FFF)
            end = start + int.from_bytes(records[at + 5 : start], "big")
        whole = records[at:end]
        preview = record == 2 and data_set in _IPTC_PREVIEW
        if not preview and record not in _IPTC_OBJECT and not holds_a_picture(whole):
            kept.append(whole)
        at = end
    return b"".join(kept)


def _iptc_records(picture: Image.Image) -> bytes | None:
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
