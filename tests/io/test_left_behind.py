"""No result shows the unedited face, speaks of parts that it lacks, or lies about its size."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.badinput.hostile import encoded
from tests.tiny import picture
from unripple.io import companions
from unripple.io.metadata import Metadata
from unripple.io.photo import Photograph, read_photo, write_photo
from unripple.io.previews import holds_a_picture, is_picture_as_text

FACE = Image.fromarray(picture(7, 60, 80))
PREVIEWS = {kind: encoded(FACE, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")}
JPEG = PREVIEWS["JPEG"]
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def packet(attributes: str = "", elements: str = "") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="Ann" '
        f"{attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def read(tmp_path: Path, data: bytes) -> Photograph:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    return read_photo(path)


def written(tmp_path: Path, photo: Photograph) -> dict[str, bytes]:
    """All that is said beside the pixels, by format."""
    said = {}
    for ending in ("png", "jpg", "webp"):
        out = tmp_path / f"out.{ending}"
        write_photo(out, photo.pixels, photo.metadata.of_result(marked=True))
        told = read_photo(out).metadata
        said[ending] = (told.exif or b"") + (told.xmp or b"") + (told.iptc or b"")
        with Image.open(out) as stored:
            said[ending] += str(stored.getexif().get_ifd(0x8769)).encode()
    return said


@pytest.mark.parametrize("kind", PREVIEWS)
@pytest.mark.parametrize("spoilt", [0, 1])
def test_a_makers_note_with_a_preview_is_dropped(tmp_path: Path, kind: str, spoilt: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Nikon"
    hidden = b"\x02" * spoilt + PREVIEWS[kind][spoilt if kind == "JPEG" else 0 :]
    details = exif.get_ifd(0x8769)
    details.update({0x9003: "2024:02:03 04:05:06", 0x927C: b"Nikon\0\x02\x10\0\0" + hidden})
    details[0x9286] = b"ASCII\0\0\0" + hidden
    exif[0x935C] = b"Adobe Photoshop Document Data Block\0" + bytes(range(256))
    exif[0xC634] = b"private"
    exif[0x014A] = 12345
    photo = read(tmp_path, encoded(FACE, "JPEG", exif=exif))
    again = Image.Exif()
    again.load(photo.metadata.exif or b"")
    assert again[0x010F] == "Nikon" and again.get_ifd(0x8769)[0x9003].startswith("2024")
    assert not {0x927C, 0x9286} & set(again.get_ifd(0x8769))
    assert not {0x935C, 0xC634, 0x014A} & set(again)
    assert not any(holds_a_picture(said) for said in written(tmp_path, photo).values())


def test_a_long_note_is_dropped_without_a_signature_too(tmp_path: Path) -> None:
    """A thumbnail need not be a file, and a long note's pointers lead nowhere any more."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x927C: FACE.resize((40, 30)).tobytes(), 0x9286: b"words " * 999})
    exif[0x010E] = "many words " * 999
    photo = read(tmp_path, encoded(FACE, "PNG", exif=exif))
    again = Image.Exif()
    again.load(photo.metadata.exif or b"")
    assert 0x927C not in again.get_ifd(0x8769) and 0x9286 in again.get_ifd(0x8769)
    assert again[0x010E].startswith("many words")


@pytest.mark.parametrize("where", ["attribute", "element", "list", "wrapped", "vocabulary"])
def test_pictures_written_as_text_are_dropped(tmp_path: Path, where: str) -> None:
    code = base64.b64encode(JPEG).decode()
    own = 'xmlns:a="http://some.where/1.0/"'
    image = 'xmlns:GImage="http://ns.google.com/photos/1.0/image/"'
    xmp = {
        "attribute": packet(f'{own} a:Data="{code}"'),
        "element": packet(own, f"<a:Data>{code}</a:Data>"),
        "list": packet(own, f"<a:All><rdf:Bag><rdf:li>{code}</rdf:li></rdf:Bag></a:All>"),
        "wrapped": packet(own, f"<a:Data>{base64.encodebytes(b'raw' + JPEG).decode()}</a:Data>"),
        "vocabulary": packet(f'{image} GImage:Mime="image/jpeg" GImage:Data="AAAA"'),
    }[where]
    photo = read(tmp_path, encoded(FACE, "JPEG", xmp=xmp))
    for said in written(tmp_path, photo).values():
        assert (
            b"Ann" in said and code[:40].encode() not in said and code[400:440].encode() not in said
        )
        assert b"GImage" not in said


def test_iptc_keeps_its_words_and_loses_its_preview(tmp_path: Path) -> None:
    def data_set(record: int, number: int, content: bytes) -> bytes:
        long = len(content) > 0x7FFF
        length = (
            struct.pack(">HI", 0x8004, len(content)) if long else struct.pack(">H", len(content))
        )
        return bytes((0x1C, record, number)) + length + content

    words = data_set(2, 116, b"(c) Ann")
    preview = data_set(2, 200, b"\0\1") + data_set(2, 202, JPEG) + data_set(8, 10, bytes(40_000))
    records = preview + words + data_set(2, 120, b"said: " + JPEG)
    data = encoded(FACE, "JPEG", extra=Metadata(iptc=records).segment())
    assert read(tmp_path, data).metadata.iptc == words


HDR_WORDS = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
CAMERA = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
DIRECTORY = (
    '<Container:Directory xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq><rdf:li '
    'rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Length="4321"/>'
    "</rdf:li></rdf:Seq></Container:Directory>"
)
ISO = b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"
APPLE = (
    'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" HDRGainMap:HDRGainMapVersion="65536"'
)
LOSSES = {
    "ultra hdr": (packet(HDR_WORDS, DIRECTORY), b"", companions.HDR),
    "apple": (packet(APPLE), b"", companions.HDR),
    "iso": (packet(), ISO, companions.HDR),
    "google": (packet(f'{CAMERA} GCamera:MotionPhoto="1"'), b"", companions.MOTION),
    "google, older": (packet(f'{CAMERA} GCamera:MicroVideo="1"'), b"", companions.MOTION),
    "samsung": (packet(), b"MotionPhoto_Data", companions.MOTION),
    "film": (packet(), b"\0\0\0\x18ftypmp42", companions.MOTION),
    "depth": (
        packet('xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Near="1"'),
        b"",
        companions.DEPTH,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_does_not_come_along_is_told_and_no_longer_spoken_of(
    tmp_path: Path, name: str
) -> None:
    xmp, trailer, lost = LOSSES[name]
    photo = read(tmp_path, encoded(FACE, "JPEG", xmp=xmp) + trailer)
    assert photo.metadata.lost == (lost,)
    gone = (b"hdrgm", b"HDRGainMap", b"GCamera", b"Container", b"Item:", b"GDepth")
    for said in written(tmp_path, photo).values():
        assert b"Ann" in said and not any(word in said for word in gone)
    for ending in ("png", "jpg", "webp"):
        assert read_photo(tmp_path / f"out.{ending}").metadata.lost == ()


def test_a_still_picture_loses_nothing(tmp_path: Path) -> None:
    xmp = packet(f'{CAMERA} GCamera:MotionPhoto="0"')
    assert read(tmp_path, encoded(FACE, "JPEG", xmp=xmp)).metadata.lost == ()
    small = FACE.resize((20, 15))
    pair = encoded(FACE, "MPO", save_all=True, append_images=[small])
    assert read(tmp_path, pair).metadata.lost == ()  # a larger preview is no loss


def test_longer_xmp_that_stays_behind_is_not_pointed_to(tmp_path: Path) -> None:
    note = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="00FF"'
    photo = read(tmp_path, encoded(FACE, "JPEG", xmp=packet(note)))
    assert all(b"HasExtendedXMP=" not in said for said in written(tmp_path, photo).values())


SIZES = 'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelXDimension="80"'
REGIONS = (
    '<mwg-rs:Regions xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/">'
    "Ann's face</mwg-rs:Regions>"
)


@pytest.mark.parametrize("turn", range(1, 9))
def test_sizes_and_places_follow_the_turned_picture(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0100], exif[0x0101] = turn, 60, 80
    exif.get_ifd(0x8769).update({0xA002: 60, 0xA003: 80, 0x9214: (30, 20, 8, 8)})
    xmp = packet(SIZES, REGIONS)
    photo = read(tmp_path, encoded(FACE, "JPEG", exif=exif, xmp=xmp))
    high, wide = photo.pixels.shape[:2]
    assert (wide, high) == ((80, 60) if turn < 5 else (60, 80))
    for ending, said in written(tmp_path, photo).items():
        with Image.open(tmp_path / f"out.{ending}") as stored:
            told = stored.getexif()
            details = told.get_ifd(0x8769)
            assert stored.size == (details[0xA002], details[0xA003]) == (told[0x0100], told[0x0101])
            assert 0x0112 not in told and (0x9214 in details) == (turn == 1)
        assert b"PixelXDimension=" not in said
        assert (b"Ann's face" in said) == (turn == 1)


def test_metadata_of_any_kind_costs_no_photo(tmp_path: Path) -> None:
    """Whole blocks of noise, and good ones with bytes changed."""
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0xA001: 0xFFFF, 0xA005: {1: "R03"}, 0x927C: b"note" * 8})
    good = {"exif": exif.tobytes(), "xmp": packet(HDR_WORDS, DIRECTORY)}
    for _ in range(25):
        spoilt = {}
        for name, block in good.items():
            changed = np.frombuffer(block, np.uint8).copy()
            places = rng.integers(0 if name == "xmp" else 6, len(changed), rng.integers(1, 9))
            changed[places] = rng.integers(0, 256, len(places))
            spoilt[name] = changed.tobytes()
        photo = read(tmp_path, encoded(FACE, "JPEG", **spoilt))
        buffer = io.BytesIO()
        Image.fromarray(photo.srgb).save(buffer, "PNG")
        written(tmp_path, photo)


def test_text_is_told_from_pictures() -> None:
    assert is_picture_as_text(base64.b64encode(bytes(2000)).decode())
    assert is_picture_as_text(JPEG.hex())
    assert not is_picture_as_text("face " * 900) and not is_picture_as_text("0" * 64)
    assert not holds_a_picture(b"words of a maker") and holds_a_picture(b"maker" + JPEG)
