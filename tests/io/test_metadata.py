"""A result says what its photo said, but for what the edit made untrue."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.badinput.hostile import colour_profile, encoded
from tests.tiny import picture
from unripple.io.metadata import NOTHING, Metadata
from unripple.io.photo import Photograph, encode_png, read_photo, write_photo
from unripple.io.provenance import SOURCE_TYPE, source_type, xmp_packet

IPTC = b"\x1c\x02\x74\x00\x07(c) Ann\x1c\x02\x19\x00\x04face"  # copyright and a keyword
XMP = b"""\
<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmp:CreatorTool="a camera" tiff:Orientation="6">
 <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture\
</Iptc4xmpExt:DigitalSourceType>
 <dc:creator><rdf:Seq><rdf:li>Ann \xc3\x84 &amp; Co</rdf:li></rdf:Seq></dc:creator>
 <xmp:Thumbnails><rdf:Alt><rdf:li>OLDFACE</rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>   \0"""


def camera_file() -> bytes:
    """A JPEG with everything: orientation, place, maker's note, preview, XMP, IPTC, profile."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A maker"
    exif.get_ifd(0x8769).update({0x9003: "2024:02:03 04:05:06", 0x927C: b"NOTE\x01\x02\xff" * 5})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.5)})
    block = exif.tobytes()
    # Add a second directory: the preview that cameras embed.
    preview = encoded(Image.new("RGB", (8, 8), "red"), "JPEG")
    entries = struct.unpack_from("<H" if block[6:8] == b"II" else ">H", block, 14)[0]
    order = "<" if block[6:8] == b"II" else ">"
    link = 14 + 2 + 12 * entries
    start = len(block) - 6
    directory = struct.pack(order + "H", 2)
    directory += struct.pack(order + "HHII", 0x0201, 4, 1, start + 30)
    directory += struct.pack(order + "HHII", 0x0202, 4, 1, len(preview)) + bytes(4)
    block = block[:link] + struct.pack(order + "I", start) + block[link + 4 :] + directory + preview
    assert preview in block
    photo = Metadata(iptc=IPTC)
    return encoded(
        Image.fromarray(picture(2, 60, 80)),
        "JPEG",
        quality=95,
        exif=block,
        xmp=XMP,
        icc_profile=colour_profile(1.8),
        extra=photo.segment(),
    )


@pytest.fixture
def photo(tmp_path: Path) -> Photograph:
    path = tmp_path / "camera.jpg"
    path.write_bytes(camera_file())
    with Image.open(path) as stored:
        assert stored.info["photoshop"][0x0404] == IPTC
    return read_photo(path)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_result_keeps_what_its_photo_said(tmp_path: Path, photo: Photograph, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    write_photo(out, photo.pixels, photo.metadata.of_result(marked=True))
    with Image.open(out) as written:
        exif = written.getexif()
        assert exif[0x010F] == "A maker" and 0x0112 not in exif
        assert exif.get_ifd(0x8769)[0x9003] == "2024:02:03 04:05:06"
        assert exif.get_ifd(0x8769)[0x927C] == b"NOTE\x01\x02\xff" * 5
        assert exif.get_ifd(0x8825)[2] == (52.0, 31.0, 12.5)
        assert written.info["icc_profile"] == colour_profile(1.8)
    again = read_photo(out)
    assert again.pixels.shape == photo.pixels.shape == (80, 60, 3)  # upright, once
    assert again.metadata.iptc == (None if ending == "webp" else IPTC)
    assert again.metadata.exif == photo.metadata.exif
    if ending != "jpg":
        assert np.array_equal(again.pixels, photo.pixels)
    text = (again.metadata.xmp or b"").decode()
    assert "Ann Ä &amp; Co" in text and 'CreatorTool="a camera"' in text
    for gone in ("Orientation", "OLDFACE", "digitalCapture", 'CreatorTool="unripple"'):
        assert gone not in text
    assert source_type(out) == SOURCE_TYPE
    data = out.read_bytes()
    assert encoded(Image.new("RGB", (8, 8), "red"), "JPEG") not in data


def test_a_result_of_a_result_is_marked_once(photo: Photograph) -> None:
    once = photo.metadata.of_result(marked=True)
    twice = once.of_result(marked=True)
    assert (twice.xmp or b"").count(b"DigitalSourceType=") == 1
    assert NOTHING.of_result(marked=True).of_result(marked=True).xmp is not None


def test_without_the_mark_the_photos_own_words_stay(photo: Photograph) -> None:
    text = (photo.metadata.of_result(marked=False).xmp or b"").decode()
    assert "digitalCapture" in text and SOURCE_TYPE not in text and "OLDFACE" not in text
    assert NOTHING.of_result(marked=False) == NOTHING


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"no XML",
        b"<a><b></a>",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "ha">]><a>&b;</a>',
        "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"),
        b"<a>" * 20_000 + b"</a>" * 20_000,
    ],
)
def test_a_spoilt_packet_makes_way_for_the_mark(packet: bytes) -> None:
    assert Metadata(xmp=packet).of_result(marked=True).xmp == xmp_packet()
    assert not Metadata(xmp=packet).of_result(marked=False).xmp


def test_what_does_not_fit_into_a_jpeg_is_left_out_but_for_the_mark(tmp_path: Path) -> None:
    long = XMP.replace(b"Ann", b"Ann" * 30_000)
    metadata = Metadata(exif=b"Exif\0\0" + bytes(70_000), xmp=long, iptc=bytes(70_000))
    write_photo(tmp_path / "out.jpg", picture(1), metadata.of_result(marked=True))
    assert source_type(tmp_path / "out.jpg") == SOURCE_TYPE
    assert read_photo(tmp_path / "out.jpg").metadata.iptc is None


def test_a_picture_without_metadata_holds_pixels_alone() -> None:
    encoded = encode_png(picture(1))
    chunks, at = [], 8
    while at < len(encoded):
        chunks.append(encoded[at + 4 : at + 8])
        at += 12 + int.from_bytes(encoded[at : at + 4], "big")
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}
    assert np.array_equal(np.array(Image.open(io.BytesIO(encoded))), picture(1))


@pytest.mark.parametrize(
    "text", ["", "\niptc\n", "\niptc\n  9\nzz", "\niptc\n  9\nabcd", "iptc", "\n\n\n"]
)
def test_spoilt_iptc_costs_no_photo(tmp_path: Path, text: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("Raw profile type iptc", text, zip=True)
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(picture(1)), "PNG", pnginfo=chunks))
    photo = read_photo(path)
    assert photo.metadata.iptc is None and np.array_equal(photo.pixels, picture(1))
