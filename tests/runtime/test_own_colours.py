"""Whatever the colours of a photo, its result has no others, on the road of files and in memory."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import unripple
from tests.badinput.hostile import chunk, colour_profile, encoded
from tests.tiny import LANDMARKS, picture, walk, write_project
from unripple.io import companions
from unripple.io.config import complete, read_config
from unripple.io.photo import read_photo
from unripple.io.png import colour_chunks
from unripple.io.results import Results
from unripple.report.assemble import assemble

LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))
HDR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-\
syntax-ns#"><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1"\
/></rdf:RDF></x:xmpmeta>'
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def with_chunk(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]


def photos() -> dict[str, bytes]:
    image = Image.fromarray(picture(3))
    large = Image.fromarray(picture(3, 200, 200))  # details finer than the crop come from it
    toned = np.rint(np.clip(picture(3) @ SEPIA.T * 0.7, 0, 255)).astype(np.uint8)
    pq = chunk(b"cICP", bytes((9, 16, 0, 1)))
    return {
        "grey.png": encoded(image.convert("L"), "PNG"),
        "grey-large.png": encoded(large.convert("L"), "PNG"),
        "grey-jpeg.jpg": encoded(image.convert("L"), "JPEG", quality=80),
        "grey-as-rgb.webp": encoded(image.convert("L").convert("RGB"), "WEBP", quality=70),
        "grey-linear.png": with_chunk(encoded(large.convert("L"), "PNG"), LINEAR),
        "grey-wide.png": encoded(
            large.convert("L").convert("RGB"), "PNG", icc_profile=colour_profile(2.2)
        ),
        "linear.png": with_chunk(encoded(image, "PNG"), LINEAR),
        "sepia.png": encoded(Image.fromarray(toned), "PNG"),
        "ultra.jpg": encoded(image, "JPEG", quality=95, xmp=HDR),
        "pq.png": with_chunk(encoded(image, "PNG"), pq),
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("colours"), {})
    listed = {}
    for name, data in photos().items():
        (folder / "data" / "photos" / name).write_bytes(data)
        with Image.open(folder / "data" / "photos" / name) as stored:
            scale = stored.width / 64
        listed[name] = [[x * scale, y * scale] for x, y in LANDMARKS]
    (folder / "data" / "landmarks.json").write_text(json.dumps(listed))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")))
    return folder


@pytest.fixture
def results(project: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.chdir(project)
    return Results()


def pasted(results: Results, photo: str) -> dict[str, Any]:
    key = results.read_manifest("paste", "look_left", "00000").keys[photo]
    return dict(results.store.get(key))


@pytest.mark.parametrize(
    "photo", ["grey", "grey-large", "grey-jpeg", "grey-as-rgb", "grey-linear", "grey-wide"]
)
def test_a_grey_photo_comes_back_grey(results: Results, photo: str) -> None:
    parts = pasted(results, photo)
    assert parts["touched"].any()
    shown = parts["picture"]
    assert (shown == shown[..., :1]).all()


def test_a_sepia_photo_stays_in_its_tone(results: Results) -> None:
    parts, before = pasted(results, "sepia"), read_photo(Path("data/photos/sepia.png")).pixels
    shown = parts["picture"].astype(int)
    assert parts["touched"].any() and (shown != before).any()
    warmth = shown[..., 0] - shown[..., 2]
    wanted = np.interp(shown[..., 1], *_warmth_by_green(before))
    assert np.abs(warmth - wanted)[parts["touched"]].max() <= 6


def _warmth_by_green(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    levels = np.unique(photo[..., 1])
    warmth = photo[..., 0].astype(int) - photo[..., 2]
    return levels, np.array([warmth[photo[..., 1] == level].mean() for level in levels])


@pytest.mark.parametrize("method", ["plate", "direct", "or"])
def test_every_way_to_compose_keeps_grey(results: Results, method: str, project: Path) -> None:
    assert results.root == Path("results")
    settings = read_config(project / "config.yaml")
    settings["compose"] = {**settings["compose"], "method": method}
    editor = unripple.Editor(settings=settings)
    result = editor.edit("data/photos/grey.png", pose=-3)
    for shown in (result.picture, result.stage("compose")):
        assert (shown == shown[..., :1]).all()
    assert result.artifacts["paste"]["touched"].any()  # type: ignore[union-attr]


def test_chunks_come_through_the_pipeline_and_memory_gives_its_bytes(
    results: Results, tmp_path: Path
) -> None:
    key = results.read_manifest("paste", "look_left", "00000").keys["linear"]
    stored = results.store.parts(key)["picture"]
    assert colour_chunks(stored)[0] == {b"gAMA": struct.pack(">I", 100_000)}
    editor = unripple.Editor(settings=read_config(Path("config.yaml")))
    editor.edit("data/photos/linear.png", pose=-3).save(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == stored.read_bytes()


def test_a_lost_hdr_part_is_told_on_every_road(results: Results) -> None:
    assert pasted(results, "ultra")["notes"] == {"lost": [companions.HDR]}
    assert "notes" not in pasted(results, "grey")
    config = complete(read_config(Path("config.yaml")))
    html, _ = assemble(config, ["00000"], results)
    assert html.count(companions.HDR) == 1
    editor = unripple.Editor(settings=read_config(Path("config.yaml")))
    assert companions.HDR in editor.edit("data/photos/ultra.jpg", pose=-3).warnings


def test_an_hdr_photo_fails_alone_and_by_its_name(results: Results) -> None:
    manifest = results.read_manifest("align", None, "00000")
    assert list(manifest.failures) == ["pq"] and len(manifest.keys) == len(photos()) - 1
    why = manifest.failures["pq"]
    assert why.type == "BadPhoto" and "PQ" in why.message and "export it" in why.message
