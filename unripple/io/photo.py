"""Photographs: png, jpg and webp files to RGB uint8, and back with all that they say."""

from __future__ import annotations

import contextlib
import io
import logging
import stat
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from unripple import atomic
from unripple.conventions import BadPhoto, Photo, UnrippleError
from unripple.io import colour
from unripple.io.digest import array_sha256
from unripple.io.metadata import NOTHING, PNG_IPTC, Metadata, orientation, read_metadata

log = logging.getLogger(__name__)

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_MEGAPIXELS = 100.0
MAX_SIDE_PX = 32_766
"""Longest side of a photo, px: resampling counts in 16 bits."""

_FORMATS = ("PNG", "JPEG", "WEBP")  # by content, whatever the name says
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = {  # what a file is by its first bytes, where it is not what we read
    "an AVIF picture": (4, (b"ftypavif", b"ftypavis")),
    "a HEIC picture": (4, (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")),
    "a film or raw photo": (4, (b"ftyp",)),
    "a GIF picture": (0, (b"GIF8",)),
    "a BMP picture": (0, (b"BM",)),
    "a TIFF picture or raw photo": (0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    "a Photoshop file": (0, (b"8BPS",)),
    "a JPEG 2000 picture": (0, (b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")),
    "a PDF or PostScript file": (0, (b"%PDF", b"%!PS", b"\xc5\xd0\xd3\xc6")),
    "an SVG or XML file": (0, (b"<svg", b"<?xml")),
}


@dataclass(frozen=True)
class Photograph:
    """A photograph as people see it: upright, RGB.

    Attributes:
        pixels: uint8 [H, W, 3], in the colour space that the metadata names.
        metadata: what the file says beside its pixels.
    """

    pixels: Photo
    metadata: Metadata = NOTHING

    @cached_property
    def srgb(self) -> Photo:
        """The pixels in the colour space of the networks, uint8 [H, W, 3]."""
        return colour.to_srgb(self.pixels, self.metadata.space)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the pixels; a large photo is not read again for each of its steps."""
        return array_sha256(self.pixels)

    def in_own_colours(self, pixels: Photo) -> Photo:
        """sRGB pixels, uint8 [..., 3], in the colour space of this photograph."""
        return colour.from_srgb(pixels, self.metadata.space)


def check_photo(
    path: Path, *, max_megapixels: float = MAX_MEGAPIXELS, max_mb: float | None = None
) -> None:
    """Refuse by its directory entry and its first bytes what is not worth reading further.

    Args:
        path: the file.
        max_megapixels: limit on the picture's area.
        max_mb: limit on the file's length, megabytes.

    Raises:
        BadPhoto: the file is missing, empty, no png, jpg or webp, or larger than a limit.
    """
    with _opened(path, max_megapixels, max_mb):
        pass


def read_photo(path: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Photograph:
    """Read a png, jpg or webp file, turned upright by its EXIF orientation.

    What the file is, its content says and not its name. Alpha is laid over white, palettes, grey
    and 16 bits per channel become 8-bit RGB. RGB stays in its own colour space; CMYK and grey with
    a colour profile become sRGB. Of an animation the first picture counts.

    Raises:
        BadPhoto: the file is missing, empty, cut short, no such picture, larger than the limit, or
            its colours are HDR.
    """
    with _opened(path, max_megapixels) as picture:
        picture.load()
        turn = _UPRIGHT.get(orientation(picture))
        upright = picture if turn is None else picture.transpose(turn)
        try:
            metadata = read_metadata(picture, path, upright.size)
        except BadPhoto as error:
            raise BadPhoto(f"{printable(str(path))}: {error}") from error
        return Photograph(*_rgb(upright, metadata, path))


@contextlib.contextmanager
def _opened(
    path: Path, max_megapixels: float, max_mb: float | None = None
) -> Iterator[Image.Image]:
    """The file as a picture whose header was read; what Pillow complains of becomes `BadPhoto`."""
    pillows_limit = Image.MAX_IMAGE_PIXELS
    name = printable(str(path))
    try:
        _check_file(path, name, max_mb)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about bombs, which are refused, and damaged EXIF
            Image.MAX_IMAGE_PIXELS = None  # `_check_size` counts, and says by which limit
            # Pillow would import every format that it knows to find the one of WebP.
            from PIL import WebPImagePlugin  # noqa: F401

            with Image.open(path, formats=_FORMATS) as picture:
                Image.MAX_IMAGE_PIXELS = pillows_limit
                _check_size(name, picture.size, max_megapixels)
                yield picture
    except (UnrippleError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise BadPhoto(f"{name}: {_what_it_is(path)}") from error
    except OSError as error:
        if error.errno is not None:
            raise BadPhoto(f"{name}: cannot be opened: {error.strerror}") from error
        raise BadPhoto(f"{name}: damaged or cut short ({error}); copy it again") from error
    except Exception as error:  # Pillow reports damage by many types, SyntaxError among them
        raise BadPhoto(f"{name}: damaged or cut short ({error}); copy it again") from error
    finally:
        Image.MAX_IMAGE_PIXELS = pillows_limit


def _check_file(path: Path, name: str, max_mb: float | None) -> None:
    entry = path.stat()
    if stat.S_ISDIR(entry.st_mode):
        raise BadPhoto(f"{name}: cannot be opened: it is a folder")
    if not stat.S_ISREG(entry.st_mode):  # opening a pipe waits for ever
        raise BadPhoto(f"{name}: cannot be opened: it is no file of bytes")
    if entry.st_size == 0:
        raise BadPhoto(f"{name}: the file is empty (0 bytes); copy it again")
    if max_mb is not None and entry.st_size > max_mb * 1e6:
        raise BadPhoto(
            f"{name}: {entry.st_size / 1e6:.0f} MB on the disk, more than the limit of {max_mb:g}; "
            "shrink it or raise limits.memory_mb"
        )


def _check_size(name: str, size: tuple[int, int], max_megapixels: float) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > max_megapixels:
        raise BadPhoto(
            f"{name}: {size[0]}x{size[1]} is {megapixels:.1f} megapixels, more than the limit of "
            f"{max_megapixels:g}; shrink it or raise limits.megapixels"
        )
    if max(size) > MAX_SIDE_PX:
        raise BadPhoto(f"{name}: {size[0]}x{size[1]} has a side of more than {MAX_SIDE_PX} px")


def _what_it_is(path: Path) -> str:
    """What to say of a file that is no png, jpg or webp."""
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff")) or start[8:12] == b"WEBP":
        return "damaged or cut short; copy it again"
    for kind, (at, signatures) in _SIGNATURES.items():
        if start[at:].startswith(signatures):
            return f"{kind}; save it as png, jpg or webp"
    return "not a picture; expected png, jpg or webp"


def printable(text: str) -> str:
    """A file's name for messages: line breaks and what no terminal should get are spelled out.

    Example:
        >>> printable("a\\nb")
        'a\\\\nb'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "replace").decode()
        for letter in text
    )


def _rgb(picture: Image.Image, metadata: Metadata, path: Path) -> tuple[Photo, Metadata]:
    """Pixels, and metadata that name their colour space."""
    if picture.mode.startswith("I"):  # 16-bit grey, also where Pillow widens it to 32 bits
        deep = np.asarray(picture).astype(np.int64) >> 8
        picture = Image.fromarray(np.clip(deep, 0, 255).astype(np.uint8))
    elif picture.mode != "CMYK" and picture.has_transparency_data:
        coloured = picture.mode not in ("LA", "L")
        layers = picture.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, layers).convert("RGB" if coloured else "L")
    if picture.mode not in ("CMYK", "L"):
        picture = picture.convert("RGB")
    profile = metadata.icc_profile
    if profile is None or metadata.space != profile:  # a stronger word than the profile's
        metadata = metadata.in_srgb() if picture.mode == "CMYK" else metadata
        return np.array(picture.convert("RGB")), metadata
    if picture.mode == "RGB" and colour.leads_back(profile):
        return np.array(picture), metadata
    try:
        return np.array(colour.converted(picture, profile)), metadata.in_srgb()
    except colour.BadProfile as error:  # what is left are readable colours
        log.warning("%s: %s; taken for sRGB", printable(str(path)), error)
        return np.array(picture.convert("RGB")), replace(metadata, icc_profile=None)


def encode_png(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.bool_], metadata: Metadata = NOTHING
) -> bytes:
    """PNG bytes of uint8 [H, W, 3], uint8 [H, W] or bool [H, W] (one bit per pixel).

    The same input gives the same bytes.
    """
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for kind, content in metadata.png_colours:
        chunks.add(kind, content)
    if metadata.xmp is not None:
        chunks.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode())
    iptc = metadata.png_text()
    if iptc is not None:
        chunks.add_text(PNG_IPTC, iptc, zip=True)
    exif = {} if metadata.exif is None else {"exif": metadata.exif}
    buffer = io.BytesIO()
    # Runs and Huffman codes alone: of photographs and masks, a third less time than level 3 with
    # its search for repetitions, and files 6% smaller.
    profile = metadata.profile_for_png()
    Image.fromarray(pixels).save(
        buffer,
        "PNG",
        compress_level=3,
        compress_type=zlib.Z_RLE,
        pnginfo=chunks,
        icc_profile=profile,
        **exif,
    )
    return buffer.getvalue()


def encode_jpeg(pixels: Photo, metadata: Metadata = NOTHING, *, quality: int = 95) -> bytes:
    """JPEG bytes, without chroma subsampling."""
    buffer = io.BytesIO()
    fitting = metadata.within_segments()
    Image.fromarray(pixels).save(
        buffer,
        "JPEG",
        quality=quality,
        subsampling=0,
        xmp=fitting.xmp,
        exif=fitting.exif or b"",
        icc_profile=fitting.profile_for_jpeg(),
        extra=fitting.segment(),
    )
    return buffer.getvalue()


def encode_webp(pixels: Photo, metadata: Metadata = NOTHING) -> bytes:
    """Lossless WebP bytes. WebP has no place for IPTC records."""
    buffer = io.BytesIO()
    options = {
        "xmp": metadata.xmp or b"",
        "exif": metadata.exif or b"",
        "icc_profile": metadata.space or b"",
    }
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, **options)
    return buffer.getvalue()


def encode_thumbnail(pixels: Photo, metadata: Metadata = NOTHING) -> bytes:
    """Small WebP bytes of a picture that is only looked at: not the very pixels, but near them."""
    buffer = io.BytesIO()
    # Masks and parts have hard coloured borders, which plain chroma subsampling would smear.
    Image.fromarray(pixels).save(
        buffer, "WEBP", quality=86, method=2, use_sharp_yuv=True, xmp=metadata.xmp or b""
    )
    return buffer.getvalue()


def check_writable_name(path: Path) -> None:
    """Refuse a result's name before any work is done for it.

    Raises:
        UnrippleError: the ending is none that can be written.
    """
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        raise UnrippleError(
            f"{path}: cannot write {path.suffix or 'a name without an ending'}; "
            f"use one of {', '.join(PHOTO_SUFFIXES)}"
        )


def write_photo(path: Path, pixels: Photo, metadata: Metadata = NOTHING) -> None:
    """Write a result in one step, in the format of the name's ending.

    Raises:
        UnrippleError: the ending is none that can be written.
        StoreError: the disk is full or not writable.
    """
    check_writable_name(path)
    encoders = {".png": encode_png, ".webp": encode_webp}
    encode = encoders.get(path.suffix.lower(), encode_jpeg)
    atomic.write_bytes(path, encode(pixels, metadata))
