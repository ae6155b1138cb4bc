"""Every file ends as a correct artifact or as one typed error; no photo is lost beside it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.badinput import hostile
from tests.badinput.runs import align, make_project
from tests.tiny import picture
from unripple import conventions
from unripple.conventions import BadPhoto, UnrippleError
from unripple.io.photo import read_photo
from unripple.io.results import Failure, Manifest, Results
from unripple.io.sheet import read_sheet

PHOTOS = {case.name: case for case in hostile.photos()}
BROKEN = {case.name: case for case in hostile.broken()}


def typed(why: Failure) -> bool:
    kind = getattr(conventions, why.type, None)
    return isinstance(kind, type) and issubclass(kind, UnrippleError)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases and a few things that are no files, in one folder after the align stage."""
    folder = make_project(tmp_path_factory.mktemp("badinput"))
    photos = folder / "data" / "photos"
    for case in (*PHOTOS.values(), *BROKEN.values()):
        (photos / case.name).write_bytes(case.data)
    (photos / "folder.png").mkdir()
    (photos / "dangling.png").symlink_to("nowhere.png")
    (photos / "loop.png").symlink_to("loop.png")
    (photos / "device.png").symlink_to("/dev/zero")
    (photos / "link.png").symlink_to("plain.png")
    os.mkfifo(photos / "pipe.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(photos)
        socket.socket(socket.AF_UNIX).bind("socket.png")
    align(folder)
    return folder


@pytest.fixture(scope="module")
def outcome(project: Path) -> tuple[dict[str, str], dict[str, Failure]]:
    """Artifact keys and failures by file name."""
    names = {row.photo: Path(row.path).name for row in read_sheet(project / "data/sheet.tsv")}
    keys: dict[str, str] = {}
    failures: dict[str, Failure] = {}
    results = Results(project / "results")
    for path in sorted((project / "results" / "align").glob("?????.json")):
        manifest: Manifest = results.read_manifest("align", None, path.stem)
        keys |= {names[photo]: key for photo, key in manifest.keys.items()}
        failures |= {names[photo]: why for photo, why in manifest.failures.items()}
    return keys, failures


def test_nothing_is_lost_and_nothing_is_made_up(
    outcome: tuple[dict[str, str], dict[str, Failure]], project: Path
) -> None:
    keys, failures = outcome
    entries = {path.name for path in (project / "data" / "photos").iterdir()}
    assert set(keys) | set(failures) == entries
    assert set(keys) == set(PHOTOS) | {"link.png"}
    assert [name for name, why in failures.items() if not typed(why)] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_is_named_with_its_fault(
    outcome: tuple[dict[str, str], dict[str, Failure]], name: str
) -> None:
    why = outcome[1][name]
    assert why.type == "BadPhoto"
    assert name in why.message and str(BROKEN[name].complaint) in why.message


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("folder.png", "it is a folder"),
        ("dangling.png", "No such file"),
        ("loop.png", "Too many levels of symbolic links"),
        ("device.png", "it is no file of bytes"),
        ("pipe.png", "it is no file of bytes"),
        ("socket.png", "it is no file of bytes"),
    ],
)
def test_what_is_no_file_is_told(
    outcome: tuple[dict[str, str], dict[str, Failure]], name: str, complaint: str
) -> None:
    assert outcome[1][name].type == "BadPhoto"
    assert complaint in outcome[1][name].message


def shown(project: Path, key: str) -> np.ndarray:
    """The aligned picture behind a key."""
    return np.asarray(Results(project / "results").store.get(key)["picture"]).astype(int)


@pytest.mark.parametrize(
    ("name", "farthest"),
    [  # mean difference in levels to the plain photo: losses of the format, nothing else
        ("called-otherwise.png", 3),
        ("called-a-gif.gif", 4),
        ("palette.png", 12),
        ("alpha.webp", 4),
        ("inks.jpg", 6),
        ("deep.png", 0),
        ("progressive.jpg", 3),
        ("moving.png", 0),
        ("moving.webp", 4),
        ("pair.jpg", 3),
        ("turned-1.jpg", 3),
        ("bad-exif.jpg", 3),
        ("bad-xmp.jpg", 3),
        ("laughing-xmp.webp", 4),
        ("deep-xmp.webp", 4),
        ("bad-profile.png", 0),
        ("wrong-profile.png", 0),
        ("link.png", 0),
        ("trailing.png", 0),
    ],
)
def test_other_formats_show_the_same_photo(
    project: Path,
    outcome: tuple[dict[str, str], dict[str, Failure]],
    name: str,
    farthest: float,
) -> None:
    plain = shown(project, outcome[0]["plain.png"])
    assert np.abs(shown(project, outcome[0][name]) - plain).mean() <= farthest


def test_grey_photos_are_grey(
    project: Path, outcome: tuple[dict[str, str], dict[str, Failure]]
) -> None:
    levels = np.asarray(Image.fromarray(picture(3)).convert("L")).astype(int)
    for name, expected in (
        ("grey.png", levels),
        ("grey-alpha.png", levels),
        ("other-kind.png", levels),  # an RGB profile on grey says nothing
        ("deep-grey.png", picture(3)[..., 0].astype(int)),
    ):
        seen = shown(project, outcome[0][name])
        assert (seen == seen[..., :1]).all(), name
        crop = read_photo(project / "data/photos" / name).srgb[..., 0]
        assert np.array_equal(crop, expected), name


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_turned_upright(project: Path, turn: int) -> None:
    with Image.open(project / "data/photos" / f"turned-{turn}.jpg") as stored:
        lying = np.asarray(stored.convert("RGB"))
    flip, quarters = {
        1: (False, 0), 2: (True, 0), 3: (False, 2), 4: (True, 2),
        5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1),
    }[turn]  # fmt: skip
    upright = np.rot90(lying[:, ::-1] if flip else lying, quarters)
    photo = read_photo(project / "data/photos" / f"turned-{turn}.jpg")
    assert np.array_equal(photo.pixels, upright)


def test_a_rerun_finds_the_same(project: Path) -> None:
    def manifests() -> dict[str, str]:
        folder = project / "results" / "align"
        return {path.name: path.read_text() for path in folder.glob("?????.json")}

    before = manifests()
    align(project)
    assert manifests() == before


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_flipped_bytes_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(picture(1))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    options = {"exif": exif.tobytes(), "icc_profile": hostile.colour_profile(1.8)}
    data = hostile.encoded(image, kind, **options)
    path = tmp_path / "photo.png"
    read = 0
    for spoilt in hostile.flipped(data, count=150, seed=len(kind)):
        path.write_bytes(spoilt)
        try:
            pixels = read_photo(path, max_megapixels=1).srgb
        except BadPhoto as error:
            assert str(path) in str(error)
        else:
            read += 1
            assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
    assert 0 < read < 150


def test_odd_names_come_through(tmp_path: Path) -> None:
    folder = make_project(tmp_path, mode="aligned")
    photos = folder / "data" / "photos"
    for number, name in enumerate(hostile.ODD_NAMES):
        Image.fromarray(picture(number)).save(photos / name)
    align(folder)
    align(folder)  # the sheet is read as it was written
    rows = read_sheet(folder / "data/sheet.tsv")
    expected = sorted(name for name in hostile.ODD_NAMES if name[0] != ".")
    assert sorted(Path(row.path).name for row in rows) == expected
    results = Results(folder / "results")
    for row in rows:
        manifest = results.read_manifest("align", None, row.shard)
        seed = hostile.ODD_NAMES.index(Path(row.path).name)
        assert np.array_equal(results.store.get(manifest.keys[row.photo])["picture"], picture(seed))
    assert not list(folder.rglob("pwned"))


def test_a_sheet_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    Image.fromarray(picture(1)).save(folder / "data/photos/a.png")
    Image.fromarray(picture(2)).save(folder / "data/outside.png")
    align(folder)
    sheet = folder / "data/sheet.tsv"
    sheet.write_text(sheet.read_text() + "b\tdata/photos/../outside.png\t00000\t\n")
    align(folder)
    assert set(Results(folder / "results").read_manifest("align", None, "00000").keys) == {"a"}
