"""Pillow's own test images, many of them damaged on purpose: each is read or refused, none more.

They come from Pillow's source distribution, which is fetched once and kept in pytest's cache.
"""

from __future__ import annotations

import hashlib
import re
import resource
import tarfile
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from tests.badinput.runs import LIMITS, align, make_project
from unripple.io.results import Results
from unripple.io.sheet import read_sheet

INDEX = "https://pypi.org/simple/pillow/"
ARCHIVE = "pillow-12.3.0.tar.gz"
OTHER = ".other.png"
"""What is added to the names of other formats, so that they are photos by name."""
SHA256 = "3b8182a766685eaa002637e28b4ec8d6b18819a0c71f579bf0dbaa5830297cce"


@pytest.fixture(scope="module")
def archive(request: pytest.FixtureRequest) -> Path:
    """Pillow's source distribution."""
    path: Path = request.config.cache.mkdir("pillow") / ARCHIVE  # type: ignore[union-attr]
    if not path.exists():
        try:
            page = urllib.request.urlopen(INDEX, timeout=20).read().decode()
            found = re.search(rf'href="([^"#]+/{re.escape(ARCHIVE)})#sha256=([0-9a-f]+)"', page)
            if found is None:
                pytest.skip(f"{INDEX} does not list {ARCHIVE}")
            data = urllib.request.urlopen(found[1], timeout=120).read()
        except OSError as error:
            pytest.skip(f"needs {ARCHIVE} from {INDEX}, which cannot be reached: {error}")
        assert hashlib.sha256(data).hexdigest() == SHA256
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(data)
        unfinished.replace(path)
    return path


@pytest.fixture(scope="module")
def project(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every image under a name that makes it a photo."""
    folder = make_project(tmp_path_factory.mktemp("pillow"))
    with tarfile.open(archive) as files:
        inside = [file for file in files if "/Tests/images/" in file.name and file.isfile()]
        for number, file in enumerate(inside):
            content = files.extractfile(file)
            assert content is not None
            name = f"{number:04d}-{Path(file.name).name}"
            ending = "" if name.endswith((".png", ".jpg", ".webp")) else OTHER
            (folder / "data/photos" / f"{name}{ending}").write_bytes(content.read())
    return folder


def test_every_image_is_read_or_refused(
    project: Path, record_property: pytest.RecordProperty
) -> None:
    manifests = align(project)
    rows = read_sheet(project / "data" / "sheet.tsv")
    files = list((project / "data" / "photos").iterdir())
    assert len(files) > 1000 and len(rows) == len(files)
    keys = {photo for manifest in manifests.values() for photo in manifest.keys}
    failures = {
        photo: why for manifest in manifests.values() for photo, why in manifest.failures.items()
    }
    assert keys | failures.keys() == {row.photo for row in rows} and not keys & failures.keys()
    # No time limit, no memory limit and no crash had to end anything.
    kinds = Counter(why.type for why in failures.values())
    assert kinds.keys() == {"BadPhoto"}
    names = {row.photo: Path(row.path).name for row in rows}
    assert all(names[photo] in why.message for photo, why in failures.items())
    store = Results(project / "results").store
    for manifest in manifests.values():
        for key in manifest.keys.values():
            assert store.damage(key) is None
    for count, said in ((len(keys), "aligned"), (kinds["BadPhoto"], "refused")):
        record_property(said, count)
    used_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    assert used_mb < own_mb + LIMITS.memory_mb


def test_good_photos_are_among_them(project: Path) -> None:
    """What the formats' own tests show as sound must not be refused."""
    rows = read_sheet(project / "data" / "sheet.tsv")
    failed = {
        photo
        for path in (project / "results" / "align").glob("?????.json")
        for photo in Results(project / "results").read_manifest("align", None, path.stem).failures
    }
    refused = {Path(row.path).name for row in rows if row.photo in failed}
    named_so = {name.partition("-")[2] for name in refused if not name.endswith(OTHER)}
    expected = {
        "broken.png",
        "broken_data_stream.png",
        "chunk_no_fctl.png",
        "png_decompression_dos.png",
        "syntax_num_frames_zero.png",
        "truncated_end_chunk.png",
        "truncated_image.png",
        "truncated_jpeg.jpg",
        "ultrahdr.jpg",
        "unknown_compression_method.png",
    }
    assert named_so == expected
