"""Good and bad photos together through every stage, and through the workflow itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.badinput import hostile
from tests.badinput.runs import make_project
from tests.io.test_metadata import IPTC, camera_file
from tests.tiny import LANDMARKS, SIZE, picture, snakemake, walk
from unripple.io.config import Config, read_config
from unripple.io.photo import read_photo
from unripple.io.provenance import SOURCE_TYPE, source_type
from unripple.io.results import Results
from unripple.io.sheet import read_sheet
from unripple.report.assemble import assemble
from unripple.runtime.editor import Editor

ODD = ("line\nbreak.png", "{wildcard}.png", " two words.png", "Ä-日本.png", "-rf.png")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mixed folder after all stages but the report."""
    folder = make_project(tmp_path_factory.mktemp("whole"))
    photos = folder / "data" / "photos"
    (photos / "camera.jpg").write_bytes(camera_file())
    Image.fromarray(picture(5, 80, 96)).save(photos / "plain.png")
    rgba = Image.fromarray(picture(6, 80, 96)).convert("RGBA")
    rgba.save(photos / "alpha.webp", lossless=True)
    for case in hostile.broken():
        (photos / case.name).write_bytes(case.data)
    (photos / "notes.txt").write_text("no photo")
    names = ("camera.jpg", "plain.png", "alpha.webp")
    (folder / "data/landmarks.json").write_text(json.dumps(dict.fromkeys(names, LANDMARKS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")))
    return folder


@pytest.fixture
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(project)
    return read_config(Path("config.yaml"))


def test_good_photos_are_edited_and_bad_ones_reported(project: Path, config: Config) -> None:
    shards = sorted({row.shard for row in read_sheet(Path("data/sheet.tsv"))})
    html, figures = assemble(config, shards, Results())
    told = json.loads(figures)
    assert [row["photo"] for row in told["edits"]] == ["alpha", "camera", "plain"]
    assert {failure["stage"] for failure in told["failures"]} == {"align"}
    reasons = {failure["reason"] for failure in told["failures"]}
    for case in hostile.broken():
        (reason,) = (reason for reason in reasons if f"/{case.name}:" in reason)
        assert reason.startswith("BadPhoto: ") and str(case.complaint) in reason
        assert case.name in html


def test_untouched_bytes_colours_and_words_stay(project: Path, config: Config) -> None:
    """The photo is upright, in its own colours, and says all that it said, and the mark."""
    photo = read_photo(Path("data/photos/camera.jpg"))
    path = Path("results/paste/look_left/camera.picture.png")
    pasted = read_photo(path)
    touched = np.asarray(Image.open("results/paste/look_left/camera.touched.png"))
    assert touched.any() and not touched.all()
    assert np.array_equal(pasted.pixels[~touched], photo.pixels[~touched])
    assert (pasted.pixels[touched] != photo.pixels[touched]).any()
    assert pasted.metadata.icc_profile == hostile.colour_profile(1.8)
    assert pasted.metadata.exif == photo.metadata.exif and pasted.metadata.iptc == IPTC
    assert source_type(path) == SOURCE_TYPE and b"Ann" in (pasted.metadata.xmp or b"")


def test_networks_see_srgb(project: Path, config: Config) -> None:
    with Image.open("results/align/camera.picture.png") as crop:
        assert "icc_profile" not in crop.info and crop.size == (SIZE, SIZE)
    photo = read_photo(Path("data/photos/camera.jpg"))
    from unripple.stages.align import align

    points = np.array(LANDMARKS, np.float32)
    seen = align(photo.srgb, points, size_px=SIZE).picture
    stored = np.asarray(Image.open("results/align/camera.picture.png"))
    assert np.array_equal(stored, seen)
    assert not np.array_equal(seen, align(photo.pixels, points, size_px=SIZE).picture)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_live_session_saves_the_same(
    project: Path, config: Config, tmp_path: Path, ending: str
) -> None:
    result = Editor(settings=config).edit("data/photos/camera.jpg", pose=-3)
    out = tmp_path / f"out.{ending}"
    result.save(out)
    if ending == "png":
        stored = Path("results/paste/look_left/camera.picture.png")
        assert out.read_bytes() == stored.read_bytes()
    saved = read_photo(out).metadata
    assert saved.icc_profile == hostile.colour_profile(1.8)
    assert saved.exif is not None and source_type(out) == SOURCE_TYPE


@pytest.mark.slow
def test_the_workflow_stands_odd_names_and_sees_their_files_change(tmp_path: Path) -> None:
    folder = make_project(tmp_path, mode="aligned")
    photos = folder / "data" / "photos"
    odd = [*ODD, b"not-utf8-\xff.png".decode("utf-8", "surrogateescape")]
    for seed, name in enumerate(odd):
        Image.fromarray(picture(seed)).save(photos / name)
    (photos / "dangling.png").symlink_to("nowhere")
    (photos / "folder.png").mkdir()
    snakemake(folder, "results/align/00000.json", cores=1)
    results = Results(folder / "results")
    first = results.read_manifest("align", None, "00000")
    assert len(first.keys) == len(odd) and set(first.failures) == {"dangling", "folder"}
    assert "Nothing to be done" in snakemake(
        folder, "--dry-run", "results/align/00000.json", cores=1
    )
    changed = {"line\nbreak.png", odd[-1]}
    for number, name in enumerate(sorted(changed)):
        Image.fromarray(picture(20 + number)).save(photos / name)
    snakemake(folder, "results/align/00000.json", cores=1)
    rows = {Path(row.path).name: row.photo for row in read_sheet(folder / "data/sheet.tsv")}
    second = results.read_manifest("align", None, "00000")
    renewed = {photo for photo in first.keys if first.keys[photo] != second.keys[photo]}
    assert renewed == {rows[name] for name in changed}
