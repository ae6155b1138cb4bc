"""Files that photos should not be, and photos that files should not look like; all made here."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from tests.tiny import picture


class Case(NamedTuple):
    """A file of a folder of photos.

    Attributes:
        name: what it is called.
        data: its bytes.
        complaint: a part of what is said about it; None for a photo that must come through.
    """

    name: str
    data: bytes
    complaint: str | None = None


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """A file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, rows: bytes | None = None) -> bytes:
    """A PNG of 8-bit RGB that claims a size; `rows` are its compressed rows, black if left out."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    if rows is None:
        packer = zlib.compressobj(1)
        row = bytes(1 + 3 * width)
        rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    body = b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def colour_profile(gamma: float, *, grey: bool = False) -> bytes:
    """An ICC profile (version 2) with Adobe RGB's primaries, or of grey, and one gamma for all."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in (x, y, z)))

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    words = b"test\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(words)) + words + bytes(79),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(0.9642, 1, 0.8249),
    }
    if grey:
        tags[b"kTRC"] = curve
    else:
        tags |= {
            b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
            b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
            b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        }
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += padded
    space = b"GRAY" if grey else b"RGB "
    length = start + len(body)
    header = struct.pack(">I4xI", length, 0x02100000) + b"mntr" + space + b"XYZ " + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def scan_bomb(side: int, scans: int) -> bytes:
    """A small progressive JPEG that says the same about its many pixels over and over."""
    data = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    last = data.rindex(b"\xff\xda")
    again = data[last:-2]
    return data[:-2] + again * scans + data[-2:]


def photos() -> Iterator[Case]:
    """Photos of every kind that must come through."""
    pixels = picture(3)
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    yield Case("plain.png", encoded(image, "PNG"))
    yield Case("called-otherwise.png", encoded(image, "JPEG"))
    yield Case("called-a-gif.gif", encoded(image, "WEBP"))
    yield Case("grey.png", encoded(image.convert("L"), "PNG"))
    yield Case("grey-alpha.png", encoded(image.convert("LA"), "PNG"))
    yield Case("one-bit.png", encoded(image.convert("1"), "PNG"))
    yield Case("palette.png", encoded(image.quantize(256), "PNG"))
    yield Case("palette-alpha.png", encoded(image.quantize(256), "PNG", transparency=3))
    yield Case("alpha.webp", encoded(image.convert("RGBA"), "WEBP"))
    yield Case("inks.jpg", encoded(image.convert("CMYK"), "JPEG"))
    deep = pixels.astype(np.uint16) * 257
    yield Case("deep.png", cv2.imencode(".png", deep[..., ::-1])[1].tobytes())
    yield Case("deep-grey.png", encoded(Image.fromarray(deep[..., 0]), "PNG"))
    yield Case("progressive.jpg", encoded(image, "JPEG", progressive=True))
    others = [Image.fromarray(picture(seed)) for seed in (8, 9)]
    yield Case("moving.webp", encoded(image, "WEBP", save_all=True, append_images=others))
    yield Case("moving.png", encoded(image, "PNG", save_all=True, append_images=others))
    yield Case("pair.jpg", encoded(image, "MPO", save_all=True, append_images=others))
    for turn in range(1, 9):
        exif[0x0112] = turn
        yield Case(f"turned-{turn}.jpg", encoded(image, "JPEG", exif=exif.tobytes()))
    yield Case("bad-exif.jpg", encoded(image, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" * 9))
    looped = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    yield Case("looped-exif.jpg", encoded(image, "JPEG", exif=looped))
    yield Case("bad-xmp.jpg", encoded(image, "JPEG", xmp=b"<x><y></x>"))
    lol = b'<!DOCTYPE a [<!ENTITY b "ha">' + b'<!ENTITY c "&b;&b;&b;&b;">' * 9 + b"]><a>&c;</a>"
    yield Case("laughing-xmp.webp", encoded(image, "WEBP", xmp=lol))
    deep_xml = b"<a>" * 50_000 + b"</a>" * 50_000
    yield Case("deep-xmp.webp", encoded(image, "WEBP", xmp=deep_xml))
    yield Case("wide-gamut.png", encoded(image, "PNG", icc_profile=colour_profile(2.2)))
    grey_profile = colour_profile(1.0, grey=True)
    yield Case("grey-gamut.png", encoded(image.convert("L"), "PNG", icc_profile=grey_profile))
    yield Case("bad-profile.png", encoded(image, "PNG", icc_profile=b"no profile at all" * 20))
    yield Case("wrong-profile.png", encoded(image, "PNG", icc_profile=grey_profile))
    yield Case("other-kind.png", encoded(image.convert("L"), "PNG", icc_profile=colour_profile(2)))
    yield Case("tiny.png", encoded(Image.new("RGB", (1, 1), "red"), "PNG"))
    yield Case("strip.png", encoded(Image.new("RGB", (3000, 1), "red"), "PNG"))
    yield Case("trailing.png", encoded(image, "PNG") + b"PK\x03\x04 and a zip file" * 100)


def broken() -> Iterator[Case]:
    """Files that must be refused, each with its reason."""
    image = Image.fromarray(picture(4))
    yield Case("nothing.jpg", b"", "empty")
    yield Case("words.jpg", b"these are words", "not a picture")
    yield Case("page.png", b"<!doctype html><script>alert(1)</script>", "not a picture")
    yield Case("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG")
    yield Case("archive.png", b"PK\x03\x04" + bytes(200), "not a picture")
    yield Case("noise.webp", np.random.default_rng(0).bytes(5000), "not a picture")
    whole = {kind: encoded(image, kind) for kind in ("PNG", "JPEG", "WEBP")}
    for kind, data in whole.items():
        ending = kind.lower().replace("jpeg", "jpg")
        for share in (0.02, 0.5, 0.9):
            cut = data[: int(len(data) * share)]
            yield Case(f"cut-{share}.{ending}", cut, "")
    yield Case("signature.png", b"\x89PNG\r\n\x1a\n", "cut short")
    yield Case("start.jpg", b"\xff\xd8\xff", "cut short")
    yield Case("flat.png", png(0, 5, rows=zlib.compress(b"")), "cut short")
    spoilt = bytearray(whole["PNG"])
    spoilt[60] ^= 255
    yield Case("spoilt.png", bytes(spoilt), "cut short")
    yield Case("bomb.png", png(60_000, 60_000, rows=zlib.compress(b"")), "3600.0 megapixels")
    yield Case("largest.png", png(2**31 - 1, 2**31 - 1, rows=b""), "megapixels")
    yield Case("long.png", png(40_000, 1), "a side of more than 32766 px")
    squeezed = b"a\0\0" + zlib.compress(bytes(50_000_000))
    yield Case("talkative.png", png(8, 8, chunk(b"zTXt", squeezed)), "too large")
    other = {"gif": "a GIF", "bmp": "a BMP", "tiff": "a TIFF", "eps": "PostScript"}
    for kind, said in other.items():
        data = encoded(image, kind.upper())
        yield Case(f"{kind}.png", data, said)
        if kind != "eps":  # nobody takes that for a photo
            yield Case(f"named-rightly.{kind}", data, said)
    hello = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(hello) print\n"
    yield Case("program.jpg", hello, "PostScript")
    brand = struct.pack(">I", 24) + b"ftyp"
    yield Case("phone.heic", brand + b"heic\0\0\0\0mif1heic" + bytes(500), "a HEIC picture")
    yield Case("phone.jpg", brand + b"mif1\0\0\0\0mif1heic" + bytes(500), "a HEIC picture")
    yield Case("modern.avif", brand + b"avif\0\0\0\0mif1avif" + bytes(500), "an AVIF picture")
    yield Case("film.jpg", brand + b"isom\0\0\0\0isomavc1" + bytes(500), "a film")


def flipped(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The same bytes with some of them changed, and cut at times."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        spoilt = np.frombuffer(data, np.uint8).copy()
        at = rng.integers(0, len(spoilt), rng.integers(1, 12))
        spoilt[at] = rng.integers(0, 256, len(at))
        end = len(spoilt) if rng.random() < 0.7 else int(rng.integers(1, len(spoilt)))
        yield spoilt[:end].tobytes()


ODD_NAMES = (
    "two words.png",
    " leading and trailing .png",
    "line\nbreak.png",
    "carriage\rreturn.png",
    "tab\tstop.png",
    "escape\x1b[2Jcode.png",
    "-rf.png",
    "--out.png",
    "..dots...in.the.name..png",
    "$(touch pwned).png",
    "; touch pwned;.png",
    "`touch pwned`.png",
    "'quote\".png",
    "back\\slash.png",
    "{wildcard}.png",
    "[a-z]*?.png",
    "%s%n.png",
    "~root.png",
    "#comment.png",
    "&amp;<b>.png",
    "Ä-\u65e5\u672c-\U0001f600.png",
    "e\u0301.png",
    "\u00e9.png",
    "\u202egnp.exe.png",
    "Anna.png",
    "anna.PNG",
    "anna!.png",
    "anna-2.png",
    "00000.png",
    "photo.png",
    "n" * 240 + ".png",
    b"not-utf8-\xff\xfe.png".decode("utf-8", "surrogateescape"),
)
"""Names of good photos; those with a leading dot are hidden and left out."""
