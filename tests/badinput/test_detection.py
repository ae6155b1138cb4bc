"""The embedded landmark net tells one face from none and two, whatever a file went through."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unripple.conventions import Landmarks
from unripple.ops.geometry import Framing
from unripple.stages import align as stage
from unripple.zoo.zoo import Zoo

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "photos"
PORTRAITS = [f"portrait-{number:02d}" for number in range(1, 9)]
Find = Callable[[Image.Image], list[Landmarks]]


@pytest.fixture(scope="module")
def find() -> Find:
    model = Zoo("embedded", "cpu").load("landmarks")
    framing = Framing(**model.metadata.get("framing", {}))

    def faces(picture: Image.Image) -> list[Landmarks]:
        pixels = np.asarray(picture.convert("RGB"))
        return stage.faces_by_network(pixels, model.net, net_size_px=model.size_px, framing=framing)

    return faces


def sample(name: str) -> Image.Image:
    return Image.open(SAMPLES / f"{name}.png").convert("RGB")


def saved(picture: Image.Image, kind: str, **options: Any) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return Image.open(buffer)


def resized(picture: Image.Image, factor: float) -> Image.Image:
    return picture.resize([round(side * factor) for side in picture.size], Image.Resampling.BICUBIC)


CODECS: dict[str, Callable[[Image.Image], Image.Image]] = {
    **{
        f"jpeg {quality} {chroma}": lambda one, q=quality, c=chroma: saved(
            one, "JPEG", quality=q, subsampling=c
        )
        for quality, chroma in ((30, 2), (40, 0), (60, 2), (75, 0), (90, 2), (95, 0))
    },
    **{
        f"webp {quality}": lambda one, q=quality: saved(one, "WEBP", quality=q)
        for quality in (40, 60, 80, 95)
    },
    "palette": lambda one: one.convert("P", palette=Image.Palette.ADAPTIVE),
    "smaller": lambda one: saved(resized(one, 0.95), "JPEG", quality=80),
    "larger": lambda one: saved(resized(one, 1.04), "WEBP", quality=80),
}


def pairs() -> list[tuple[str, str]]:
    """Every codec with two samples, every sample with three codecs; those that once failed."""
    turning = [
        (codec, PORTRAITS[(2 * at + step) % len(PORTRAITS)])
        for at, codec in enumerate(CODECS)
        for step in (0, 1)
    ]
    known = [("webp 80", "portrait-01"), ("webp 80", "portrait-08"), ("jpeg 75 0", "portrait-06")]
    return list(dict.fromkeys(turning + known))


@pytest.mark.parametrize(("codec", "name"), pairs())
def test_a_recompressed_face_is_one(find: Find, codec: str, name: str) -> None:
    assert len(find(CODECS[codec](sample(name)))) == 1


@pytest.mark.parametrize("degrees", [45, 90, 180])
@pytest.mark.parametrize("name", ["portrait-01", "portrait-06"])
def test_a_turned_face_is_one(find: Find, name: str, degrees: int) -> None:
    turned = sample(name).rotate(degrees, expand=True, fillcolor=(90, 90, 90))
    (face,) = find(turned)
    (upright,) = find(sample(name))
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    expected = (upright - 128) @ turn.T + np.array(turned.size) / 2
    assert np.abs(face - expected).max() < 4


@pytest.mark.parametrize("name", ["portrait-01", "portrait-03", "scene-02"])
def test_a_background_has_no_face(find: Find, name: str) -> None:
    (plate,) = (SAMPLES / "truth" / name).glob("plate.*")
    assert find(Image.open(plate)) == []


def test_two_faces_are_two(find: Find) -> None:
    both = Image.new("RGB", (512, 256))
    for at, name in enumerate(("portrait-03", "portrait-06")):
        both.paste(sample(name), (256 * at, 0))
    assert len(find(both)) == len(find(saved(both, "WEBP", quality=80))) == 2


def test_twelve_faces_are_twelve(find: Find) -> None:
    many = Image.new("RGB", (1024, 768))
    for at in range(12):
        many.paste(sample(PORTRAITS[at % 8]), (at % 4 * 256, at // 4 * 256))
    assert len(find(many)) == 12


def test_a_face_in_a_wide_strip_is_found(find: Find) -> None:
    wide = Image.new("RGB", (16000, 256), (120, 130, 140))
    wide.paste(sample("portrait-01"), (8000, 0))
    (face,) = find(wide)
    assert face.mean(0) == pytest.approx([8132, 143], abs=4)


@pytest.mark.parametrize("size", [(1, 1), (1, 100), (10, 10), (19, 400), (20, 20), (24, 3000)])
def test_mtcnn_finds_nothing_in_small_photos(size: tuple[int, int]) -> None:
    mtcnn = Zoo("embedded", "cpu").load("mtcnn").net
    for high, wide in (size, size[::-1]):
        assert stage.faces_by_mtcnn(np.zeros((high, wide, 3), np.uint8), mtcnn) == []
