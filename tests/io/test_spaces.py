"""Colours that PNG chunks and EXIF name: seen rightly, given back as they were, refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.badinput.hostile import chunk, colour_profile, encoded
from tests.tiny import picture
from unripple.conventions import BadPhoto, Photo
from unripple.io.photo import Photograph, read_photo, write_photo
from unripple.io.png import colour_chunks

DULL = (picture(5) // 3 + 90).astype(np.uint8)  # within every space that is tried
ADOBE = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
SRGB = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def primaries(places: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *places))


def code_points(*numbers: int) -> bytes:
    return chunk(b"cICP", bytes(numbers))


def with_chunks(pixels: Photo, *chunks: bytes, **options: object) -> bytes:
    data = encoded(Image.fromarray(pixels), "PNG", **options)
    return data[:33] + b"".join(chunks) + data[33:]


def read(tmp_path: Path, *chunks: bytes, pixels: Photo = DULL, **options: object) -> Photograph:
    path = tmp_path / "photo.png"
    path.write_bytes(with_chunks(pixels, *chunks, **options))
    return read_photo(path)


def seen(tmp_path: Path, *chunks: bytes, colour: tuple[int, ...], **options: object) -> list[int]:
    """One colour as the networks see it."""
    pixels = np.full((4, 4, 3), colour, np.uint8)
    return [int(v) for v in read(tmp_path, *chunks, pixels=pixels, **options).srgb[0, 0]]


def close(found: list[int], wanted: tuple[int, ...], within: int = 2) -> bool:
    return bool(np.abs(np.subtract(found, wanted)).max() <= within)


def test_light_itself_is_brought_to_srgb(tmp_path: Path) -> None:
    grey = seen(tmp_path, gamma(1), colour=(55, 55, 55))
    assert close(grey, (128, 128, 128)) and len(set(grey)) == 1
    assert close(seen(tmp_path, code_points(1, 8, 0, 1), colour=(55, 55, 55)), (128, 128, 128))


def test_wide_primaries_mean_stronger_colours(tmp_path: Path) -> None:
    """Computed by hand: Adobe RGB's matrix, 2.2, and sRGB's back."""
    found = seen(tmp_path, primaries(ADOBE), gamma(1 / 2.2), colour=(180, 120, 90))
    assert close(found, (199, 121, 88))
    p3 = seen(tmp_path, code_points(12, 13, 0, 1), colour=(200, 100, 100))
    assert close(p3, (215, 93, 97))


def test_the_strongest_word_holds(tmp_path: Path) -> None:
    linear, wide = gamma(1), colour_profile(1.0)
    grey = {"colour": (55, 55, 55)}
    assert close(seen(tmp_path, chunk(b"sRGB", b"\0"), linear, **grey), (55, 55, 55))
    assert close(seen(tmp_path, code_points(1, 13, 0, 1), linear, **grey), (55, 55, 55))
    assert close(seen(tmp_path, gamma(1 / 2.2), icc_profile=wide, **grey), (128, 128, 128))
    both = seen(tmp_path, code_points(1, 13, 0, 1), icc_profile=wide, **grey)
    assert close(both, (55, 55, 55))


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(0.45455),),
        (gamma(0.45455), primaries(SRGB)),
        (primaries(SRGB),),
        (chunk(b"sRGB", b"\1"),),
        (code_points(1, 13, 0, 1),),
    ],
)
def test_what_is_srgb_in_other_words_changes_no_byte(
    tmp_path: Path, chunks: tuple[bytes, ...]
) -> None:
    photo = read(tmp_path, *chunks)
    assert photo.metadata.space is None
    assert photo.srgb is photo.pixels and photo.in_own_colours(DULL) is DULL


CHUNKS = [
    (gamma(1),),
    (gamma(1 / 1.8),),
    (primaries(ADOBE), gamma(1 / 2.2)),
    (code_points(12, 13, 0, 1),),
    (code_points(9, 14, 0, 1), gamma(1)),
    (chunk(b"sRGB", b"\0"), gamma(0.45455), primaries(SRGB)),
]


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_result_has_the_photos_colours_in_every_format(
    tmp_path: Path, chunks: tuple[bytes, ...], ending: str
) -> None:
    photo = read(tmp_path, *chunks)
    back = photo.in_own_colours(photo.srgb)
    assert np.abs(back.astype(int) - photo.pixels).mean() < 1.5
    out = tmp_path / f"out.{ending}"
    write_photo(out, photo.pixels, photo.metadata.of_result(marked=True))
    if ending == "png":
        assert colour_chunks(out)[0] == colour_chunks(tmp_path / "photo.png")[0]
        assert b"iCCP" not in out.read_bytes()
    with Image.open(out) as stored:
        bare = "icc_profile" not in stored.info
    assert bare == (ending == "png" or photo.metadata.space is None)
    again = read_photo(out).srgb.astype(int)
    assert np.abs(again - photo.srgb).mean() < (8 if ending == "jpg" else 1)
    assert np.abs(again.mean((0, 1)) - photo.srgb.mean((0, 1))).max() < 1.5


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((9, 16, 0, 1), "PQ"),
        ((9, 18, 0, 1), "HLG"),
        ((9, 16, 9, 0), "PQ"),
        ((1, 9, 0, 1), "logarithmic"),
        ((10, 17, 0, 1), "SMPTE ST 428"),
        ((10, 8, 0, 1), "XYZ"),
        ((1, 1, 0, 0), "narrow range"),
    ],
)
def test_what_no_network_knows_is_refused_by_its_name(
    tmp_path: Path, numbers: tuple[int, ...], name: str
) -> None:
    with pytest.raises(BadPhoto, match=rf"photo\.png.*{name}.*export it as sRGB"):
        read(tmp_path, code_points(*numbers))


def with_tag(profile: bytes, name: bytes, content: bytes) -> bytes:
    """The profile with one of its tags renamed and moved to its end."""
    at = profile.index(b"cprt")
    entry = name + struct.pack(">II", len(profile), len(content))
    moved = profile[:at] + entry + profile[at + 12 :] + content
    return struct.pack(">I", len(moved)) + moved[4:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_hdr_named_by_a_profile_is_refused(tmp_path: Path, kind: str) -> None:
    by_tag = with_tag(colour_profile(2.2), b"cicp", b"cicp\0\0\0\0" + bytes((9, 18, 0, 1)))
    words = b"Rec2020 PQ\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(words)) + words + bytes(79)
    at = colour_profile(2.2).index(b"desc")
    plain = colour_profile(2.2)
    entry = b"desc" + struct.pack(">II", len(plain), len(text))
    by_words = plain[:at] + entry + plain[at + 12 :] + text
    for profile, name in ((by_tag, "HLG"), (struct.pack(">I", len(by_words)) + by_words[4:], "PQ")):
        path = tmp_path / "photo"
        path.write_bytes(encoded(Image.fromarray(DULL), kind, icc_profile=profile))
        with pytest.raises(BadPhoto, match=name):
            read_photo(path)


@pytest.mark.parametrize(
    "spoilt",
    [
        gamma(0),
        gamma(1e-5),
        gamma(40_000),
        primaries((0,) * 8),
        primaries((31270, 32900, *(30000, 30000) * 3)),
        primaries((1000, 98000, *SRGB[2:])),
        chunk(b"cHRM", b"\xff" * 32),
        code_points(2, 2, 0, 1),
        code_points(99, 200, 0, 1),
        chunk(b"cICP", b"\x09\x10"),
        chunk(b"gAMA", bytes(300)),
    ],
)
def test_chunks_that_say_nothing_are_told_and_not_heeded(
    tmp_path: Path, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    photo = read(tmp_path, spoilt)
    assert photo.metadata.png_colours == () and photo.srgb is photo.pixels
    assert "not heeded" in caplog.text and "photo.png" in caplog.text


@pytest.mark.parametrize("cut", [chunk(b"gAMA", b""), chunk(b"cHRM", b"\0" * 31)])
def test_chunks_that_are_cut_short_are_a_damaged_file(tmp_path: Path, cut: bytes) -> None:
    with pytest.raises(BadPhoto, match="damaged"):
        read(tmp_path, cut)


def test_a_grey_png_of_another_curve_stays_grey(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    photo = read(tmp_path, gamma(1), pixels=levels)
    for shown in (photo.srgb, photo.in_own_colours(photo.srgb)):
        assert (shown == shown[..., :1]).all()


def adobe_exif(space: int = 0xFFFF, index: str = "R03") -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    exif.get_ifd(0x8769).update({0xA001: space, 0xA005: {1: index, 2: b"0100"}})
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_adobe_rgb_said_by_exif_alone_is_heard(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo"
    pixels = np.full((16, 16, 3), (180, 120, 90), np.uint8)
    path.write_bytes(encoded(Image.fromarray(pixels), kind, exif=adobe_exif()))
    photo = read_photo(path)
    assert close([int(v) for v in photo.srgb[8, 8]], (199, 121, 88), within=5)
    for ending in ("jpg", "png", "webp"):
        out = tmp_path / f"out.{ending}"
        write_photo(out, photo.pixels, photo.metadata.of_result(marked=True))
        with Image.open(out) as stored:
            said = stored.getexif()
            assert said.get_ifd(0x8769)[0xA001] == 0xFFFF and said.get_ifd(0xA005)[1] == "R03"
            assert ("icc_profile" in stored.info) == (ending != "jpg")
        assert np.abs(read_photo(out).srgb.astype(int) - photo.srgb).max() <= 3


@pytest.mark.parametrize(("space", "index"), [(1, "R03"), (0xFFFF, "R98"), (0xFFFF, "THM")])
def test_other_words_of_exif_are_no_colours(tmp_path: Path, space: int, index: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(Image.fromarray(DULL), "JPEG", exif=adobe_exif(space, index)))
    assert read_photo(path).metadata.space is None


def test_pixels_that_became_srgb_are_called_so(tmp_path: Path) -> None:
    path = tmp_path / "inks.jpg"
    path.write_bytes(encoded(Image.fromarray(DULL).convert("CMYK"), "JPEG", exif=adobe_exif()))
    photo = read_photo(path)
    assert photo.metadata.space is None and photo.srgb is photo.pixels
    exif = Image.Exif()
    exif.load(photo.metadata.exif or b"")
    assert exif.get_ifd(0x8769)[0xA001] == 1 and exif[0x010F] == "A maker"


def test_exif_that_is_too_long_for_a_jpeg_takes_no_colours_with_it(tmp_path: Path) -> None:
    exif = adobe_exif()
    exif[0x010E] = "a long story, told at length. " * 3000
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(Image.fromarray(DULL), "PNG", exif=exif))
    photo = read_photo(path)
    write_photo(tmp_path / "out.jpg", photo.pixels, photo.metadata)
    assert read_photo(tmp_path / "out.jpg").metadata.space == photo.metadata.space is not None
