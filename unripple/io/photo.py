"""Photographs: any common file to RGB uint8, and back to PNG, JPEG or WebP."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unripple.conventions import BadPhoto, Photo, UnrippleError
from unripple.io import atomic

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_MEGAPIXELS = 100.0


@dataclass(frozen=True)
class Photograph:
    """A photograph as people see it: upright, RGB.

    Attributes:
        pixels: uint8 [H, W, 3].
        icc_profile: the colour space of `pixels` where the file named one, to be written back.
    """

    pixels: Photo
    icc_profile: bytes | None = None


def read_photo(path: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Photograph:
    """Read a png, jpg or webp file, turned upright by its EXIF orientation.

    Alpha is laid over white, palettes, grey and 16 bits per channel become 8-bit RGB, CMYK goes
    through its colour profile. Of an animation the first picture counts.

    Raises:
        BadPhoto: the file is missing, empty, cut short, no picture, or larger than the limit.
    """
    try:
        if path.stat().st_size == 0:
            raise BadPhoto(f"{path}: the file is empty (0 bytes); copy it again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                _check_size(path, picture.size, max_megapixels)
                picture.load()
                # Upright first: conversions below drop the EXIF block.
                return _rgb(ImageOps.exif_transpose(picture))
    except UnrippleError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadPhoto(f"{path}: cannot be opened: {error.strerror}") from error
    except UnidentifiedImageError as error:
        raise BadPhoto(f"{path}: not a picture; expected png, jpg or webp") from error
    except Image.DecompressionBombError as error:
        raise BadPhoto(f"{path}: far larger than {max_megapixels:g} megapixels") from error
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError) as error:
        # Pillow reports damage by many types, SyntaxError for broken PNG chunks among them.
        raise BadPhoto(f"{path}: damaged or cut short ({error}); copy it again") from error


def _check_size(path: Path, size: tuple[int, int], max_megapixels: float) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > max_megapixels:
        raise BadPhoto(
            f"{path}: {size[0]}x{size[1]} is {megapixels:.1f} megapixels, more than the limit of "
            f"{max_megapixels:g}; shrink it or raise align.max_megapixels"
        )


def _rgb(picture: Image.Image) -> Photograph:
    profile = picture.info.get("icc_profile") or None
    if picture.mode == "CMYK":
        return Photograph(np.array(_cmyk_to_rgb(picture, profile)))
    if picture.mode.startswith("I"):  # 16-bit grey, also where Pillow widens it to 32 bits
        grey = np.clip(np.asarray(picture).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return Photograph(np.repeat(grey[:, :, None], 3, axis=2))
    coloured = picture.mode in ("RGB", "RGBA", "P", "PA", "YCbCr")
    if picture.has_transparency_data:
        layers = picture.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, layers)
    pixels = np.array(picture.convert("RGB"))
    return Photograph(pixels, profile if coloured else None)


def _cmyk_to_rgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile is None:
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture.convert("RGB")  # a broken profile still leaves readable inks
    return converted if converted is not None else picture.convert("RGB")


def encode_png(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.bool_],
    *,
    xmp: bytes | None = None,
    icc_profile: bytes | None = None,
) -> bytes:
    """PNG bytes of uint8 [H, W, 3], uint8 [H, W] or bool [H, W] (one bit per pixel).

    The same input gives the same bytes.
    """
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    if xmp is not None:
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
    buffer = io.BytesIO()
    # Level 3 is a third of the default's time for pictures 3% larger.
    Image.fromarray(pixels).save(
        buffer, "PNG", compress_level=3, pnginfo=chunks, icc_profile=icc_profile
    )
    return buffer.getvalue()


def encode_jpeg(pixels: Photo, *, xmp: bytes | None, icc_profile: bytes | None = None) -> bytes:
    """JPEG bytes at quality 95 without chroma subsampling."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(
        buffer, "JPEG", quality=95, subsampling=0, xmp=xmp, icc_profile=icc_profile
    )
    return buffer.getvalue()


def encode_webp(pixels: Photo, *, xmp: bytes | None, icc_profile: bytes | None = None) -> bytes:
    """Lossless WebP bytes."""
    buffer = io.BytesIO()
    options = {"xmp": xmp or b"", "icc_profile": icc_profile or b""}
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, **options)
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


def write_photo(
    path: Path, pixels: Photo, *, xmp: bytes | None, icc_profile: bytes | None = None
) -> None:
    """Write a result in one step, in the format of the name's ending.

    Raises:
        UnrippleError: the ending is none that can be written.
        StoreError: the disk is full or not writable.
    """
    check_writable_name(path)
    encoders = {".png": encode_png, ".webp": encode_webp}
    encode = encoders.get(path.suffix.lower(), encode_jpeg)
    atomic.write_bytes(path, encode(pixels, xmp=xmp, icc_profile=icc_profile))
