"""Photographs of all kinds come in as upright RGB bytes, or with a clear complaint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from unripple.conventions import BadPhoto, StoreError, UnrippleError
from unripple.io import photo
from unripple.io.metadata import Metadata
from unripple.io.photo import encode_png, read_photo, write_photo
from unripple.io.provenance import SOURCE_TYPE, source_type, xmp_packet

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 9, 3), np.uint8)


def save(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_lossless_files_keep_every_byte(tmp_path: Path, ending: str) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    path = save(tmp_path / f"a.{ending}", Image.fromarray(PIXELS), **options)
    assert np.array_equal(read_photo(path).pixels, PIXELS)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees to view
    path = save(tmp_path / "a.png", Image.fromarray(PIXELS), exif=exif)
    assert np.array_equal(read_photo(path).pixels, np.rot90(PIXELS, k=-1))


def test_alpha_is_laid_over_white(tmp_path: Path) -> None:
    layers = np.zeros((2, 2, 4), np.uint8)
    layers[0, 0] = (10, 20, 30, 255)
    path = save(tmp_path / "a.png", Image.fromarray(layers, "RGBA"))
    pixels = read_photo(path).pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert (pixels[1] == 255).all()


def test_a_palette_with_transparency_becomes_rgb(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putdata([0, 1])
    path = save(tmp_path / "a.png", picture, transparency=0)
    assert read_photo(path).pixels.tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_grey_of_16_bits_keeps_its_upper_byte(tmp_path: Path) -> None:
    deep = np.array([[0, 256, 65535]], np.uint16)
    path = save(tmp_path / "a.png", Image.fromarray(deep))
    assert read_photo(path).pixels[0, :, 0].tolist() == [0, 1, 255]


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(PIXELS[..., 0]))
    pixels = read_photo(path).pixels
    assert all(np.array_equal(pixels[..., channel], PIXELS[..., 0]) for channel in range(3))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)))
    red = read_photo(path).pixels.reshape(-1, 3).mean(0)
    assert red[0] > 200 and red[1] < 60 and red[2] < 60


def test_the_colour_profile_travels_along(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(tmp_path / "a.png", Image.fromarray(PIXELS), icc_profile=profile)
    photo = read_photo(path)
    assert photo.metadata.icc_profile == profile
    assert photo.srgb is photo.pixels  # sRGB is sRGB: nothing is rounded
    out = tmp_path / "out.jpg"
    write_photo(out, photo.pixels, photo.metadata)
    assert read_photo(out).metadata.icc_profile == profile


def test_pixels_can_be_written_to(tmp_path: Path) -> None:
    pixels = read_photo(save(tmp_path / "a.png", Image.fromarray(PIXELS))).pixels
    pixels[0, 0] = 0
    assert pixels[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"these are words, no picture", "not a picture"),
        (encode_png(RNG.integers(0, 256, (64, 64, 3), np.uint8))[:3000], "cut short"),
    ],
)
def test_bad_files_are_named_with_their_fault(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(BadPhoto, match=complaint) as caught:
        read_photo(path)
    assert str(path) in str(caught.value)


def test_a_truncated_jpeg_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(BadPhoto, match="cut short"):
        read_photo(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nobody.png", tmp_path):
        with pytest.raises(BadPhoto, match="cannot be opened"):
            read_photo(path)


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", (100, 100)))
    with pytest.raises(
        BadPhoto, match=r"100x100 is 0\.0 megapixels, more than the limit of 0\.005"
    ):
        read_photo(path, max_megapixels=0.005)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_results_carry_the_digital_source_type(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    write_photo(path, PIXELS, Metadata(xmp=xmp_packet()))
    assert source_type(path) == SOURCE_TYPE == "compositeWithTrainedAlgorithmicMedia"
    write_photo(path, PIXELS)
    assert source_type(path) is None


def test_png_bytes_depend_on_the_pixels_alone() -> None:
    first = encode_png(PIXELS, Metadata(xmp=xmp_packet()))
    assert encode_png(PIXELS.copy(), Metadata(xmp=xmp_packet())) == first


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnrippleError, match=r"cannot write \.bmp; use one of \.png"):
        write_photo(tmp_path / "out.bmp", PIXELS)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write_photo(tmp_path / "file" / "out.png", PIXELS)


def test_the_longest_side_is_the_one_that_can_be_resampled() -> None:
    from unripple.ops import geometry

    assert photo.MAX_SIDE_PX == geometry.MAX_SIDE_PX
