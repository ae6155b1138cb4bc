"""`unripple models`: the table, the cards, fetching and adding, and how each fails."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

from tests.tiny import save_model
from tests.zoo.site import Site, serving
from unripple.cli import models
from unripple.cli.main import main
from unripple.cli.model_table import size_text
from unripple.conventions import BadCheckpoint
from unripple.io.config import schema
from unripple.zoo.index import Entry, Index
from unripple.zoo.registry import Taken, read_taken

CONTENT = b"weights of a net"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def home(tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Path:
    """A home with its own list and one embedded model; converting is somebody else's business."""
    schema()  # of the program, read before there is another home
    monkeypatch.setenv("UNRIPPLE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("UNRIPPLE_MODELS", raising=False)
    monkeypatch.setitem(sys.modules, "unripple.zoo.published", toy_published())
    monkeypatch.setitem(sys.modules, "unripple.zoo.containers", toy_containers())
    data = tmp_path / "home" / "data"
    (data / "models").mkdir(parents=True)
    for name in ("pose.safetensors", "pose.md", "mtcnn.md"):
        shutil.copy(repo / "data" / "models" / name, data / "models")
    entry = {
        "what": "a net",
        "page": "https://example.org/page",
        "licence": "MIT; but trained on borrowed photographs.",
        "layout": "flat",
    }
    parser = {"networks": {"parser": "bisenet"}, "metadata": {"parser": {"size": 512}}}
    files = {
        "known": {"sha256": SHA256, "size": len(CONTENT), "commercial": True, **parser},
        "unknown": {"commercial": None, **parser},
        "packed": {"member": "in/best.ckpt", "commercial": False, **parser},
        "later": {"networks": {}, "commercial": False},
    }
    for name, words in files.items():
        words.update(entry, file=f"{name}_1.pth", urls=[f"{site.root}/{name}"])
    sets = {"both": {"parser": "known"}}
    content = {"files": files, "sets": sets, "groups": {"both": ["unknown"]}}
    (data / "models.lock.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "home"


def toy_published() -> ModuleType:
    def convert(source: Path, entry: Entry, folder: Path, *, sha256: str) -> dict[str, Path]:
        content = source.read_bytes()
        if content.startswith(b"bad"):
            raise BadCheckpoint(f"{source}: missing key 'conv.weight'")
        made = {}
        for role in entry.networks:
            made[role] = folder / entry.converted_as(role)
            source_of = {"entry": entry.name, "file": source.name, "sha256": sha256}
            save_model(made[role], {"w": torch.ones(1)}, role=role, source=source_of)
        return made

    def recognise(content: Any, lock: Index) -> list[Entry]:
        return [entry for entry in lock.entries.values() if entry.name in content["fits"]]

    module = ModuleType("unripple.zoo.published")
    module.convert = convert  # type: ignore[attr-defined]
    module.recognise = recognise  # type: ignore[attr-defined]
    return module


def toy_containers() -> ModuleType:
    def read_container(path: Path, *, member: str | None = None) -> Mapping[str, Any]:
        return {"fits": path.read_text().split()}

    module = ModuleType("unripple.zoo.containers")
    module.read_container = read_container  # type: ignore[attr-defined]
    return module


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def complaint(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    """The one line about what is wrong."""
    assert main(["models", *arguments]) == status
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    lines = [line for line in shown.err.splitlines() if line.startswith("unripple: ")]
    assert len(lines) == 1
    return lines[0]


def test_the_list_of_this_repository_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("UNRIPPLE_HOME", raising=False)
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path))
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = lines[: lines.index("")]
    assert max(len(line) for line in lines) <= 100
    assert table[0].split() == ["NAME", "ROLES", "SIZE", "LICENCE", "COMMERCIAL", "STATE"]
    column = table[0].index("LICENCE")
    assert all(line[column - 1] == " " and line[column] != " " for line in table)
    rows = {line.split()[0]: line for line in table[1:]}
    assert rows["embedded/generator"].endswith("there")
    assert "Apache-2.0" in rows["embedded/generator"]
    assert rows["mtcnn"].endswith("there")
    assert "none given" in rows["hfgi"] and rows["hfgi"].endswith("not fetched")
    assert lines[-1].startswith("set directions: age, smile")


def test_json_tells_everything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys)
    assert rows["known"] == {
        "name": "known",
        "kind": "published",
        "roles": ["parser"],
        "size": len(CONTENT),
        "licence": "MIT; but trained on borrowed photographs.",
        "commercial": True,
        "state": "not fetched",
        "what": "a net",
        "sha256": SHA256,
        "file": "known_1.pth",
        "page": "https://example.org/page",
        "urls": [rows["known"]["urls"][0]],
        "sets": ["both"],
    }
    assert rows["embedded/pose"]["state"] == "there"
    assert rows["embedded/generator"]["state"] == "missing"
    assert rows["later"]["state"] == "listed only"


def test_a_set_is_fetched_converted_and_kept_in_mind(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("known", "unknown"):
        site.routes[f"/{name}"] = lambda request: request.file(CONTENT)
    assert main(["models", "fetch", "both"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "known: licence: MIT; but trained on borrowed photographs." in told.err
    assert f"unknown: trusted on first use: {SHA256}" in told.err
    assert f"known: trusted on first use: {SHA256}" not in told.err.replace("unknown", "-")
    assert "known: 16 B of 16 B, 100%" in told.err
    folder = home / "data" / "published"
    assert read_taken(folder) == {
        "known": Taken(SHA256, len(CONTENT), "known.pth", "lock"),
        "unknown": Taken(SHA256, len(CONTENT), "unknown.pth", "first use"),
    }
    assert sorted(path.name for path in folder.iterdir()) == [
        "known.parser.safetensors",
        "known.pth",
        "seen.json",
        "unknown.parser.safetensors",
        "unknown.pth",
    ]
    rows = listed(capsys)
    assert rows["known"]["state"] == rows["unknown"]["state"] == "there"
    assert main(["models", "fetch", "both"]) == 0
    assert len(site.asked) == 2


def test_one_failure_does_not_keep_the_others_away(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.routes["/known"] = lambda request: request.page("<html><title>Sign in</title></html>")
    site.routes["/unknown"] = lambda request: request.file(CONTENT)
    line = complaint(capsys, 1, "fetch", "both")
    assert "known: 127.0.0.1 shows a web page instead of the file ('Sign in')" in line
    assert "open https://example.org/page" in line
    kept = home / "data" / "published" / "known.pth"
    assert line.endswith(f"unripple models add {kept} --as known")
    assert listed(capsys)["unknown"]["state"] == "there"


def test_a_changed_file_is_refused_until_it_is_accepted(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.routes["/unknown"] = lambda request: request.file(CONTENT)
    assert main(["models", "fetch", "unknown"]) == 0
    folder = home / "data" / "published"
    (folder / "unknown.pth").unlink()
    (folder / "unknown.parser.safetensors").unlink()
    capsys.readouterr()
    site.routes["/unknown"] = lambda request: request.file(b"new weights")
    new = hashlib.sha256(b"new weights").hexdigest()
    line = complaint(capsys, 1, "fetch", "unknown")
    assert new in line and SHA256 in line and "--accept-new" in line
    assert read_taken(folder)["unknown"].sha256 == SHA256
    assert not (folder / "unknown.parser.safetensors").exists()
    assert main(["models", "fetch", "unknown", "--accept-new"]) == 0
    assert f"unknown: accepted in place of {SHA256}" in capsys.readouterr().err
    assert read_taken(folder)["unknown"].sha256 == new


def test_a_file_that_cannot_be_converted_is_not_trusted(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.routes["/unknown"] = lambda request: request.file(b"bad bytes")
    assert "missing key 'conv.weight'" in complaint(capsys, 1, "fetch", "unknown")
    assert read_taken(home / "data" / "published") == {}
    assert listed(capsys)["unknown"]["state"] == "not converted"


def test_a_listed_file_can_be_fetched_but_not_loaded(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    site.routes["/later"] = lambda request: request.file(CONTENT)
    assert main(["models", "fetch", "later"]) == 0
    assert listed(capsys)["later"]["state"] == "there"
    (tmp_path / "later_1.pth").write_bytes(b"mine")
    line = complaint(capsys, 1, "add", str(tmp_path / "later_1.pth"))
    assert "'later' is listed only; no stage loads it yet" in line


@pytest.mark.parametrize("how", ["digest", "name", "as", "content", "member"])
def test_a_file_at_hand_is_recognised_and_stays_where_it_is(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/best.ckpt", CONTENT)
    name, content, entry, words = {
        "digest": ("any.bin", CONTENT, "known", []),
        "name": ("unknown_1.pth", b"other", "unknown", []),
        "as": ("any.bin", b"other", "unknown", ["--as", "unknown"]),
        "content": ("any.bin", b"unknown", "unknown", []),
        "member": ("any.zip", packed.getvalue(), "packed", []),
    }[how]
    source = tmp_path / name
    source.write_bytes(content)
    assert main(["models", "add", str(source), *words]) == 0
    told = capsys.readouterr().err
    assert f"{entry}: added from {source}; licence: MIT" in told
    assert ("trusted on first use" in told) == (entry != "known")
    assert source.read_bytes() == content
    folder = home / "data" / "published"
    kept = {path.name for path in folder.iterdir()}
    assert kept == {f"{entry}.parser.safetensors", "seen.json"}
    assert read_taken(folder)[entry].file == str(source)
    assert listed(capsys)[entry]["state"] == "there"


def test_a_file_that_is_not_what_the_list_knows(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "known_1.pth"
    source.write_bytes(CONTENT[:7])
    short = hashlib.sha256(CONTENT[:7]).hexdigest()
    line = complaint(capsys, 1, "add", str(source))
    assert short in line and SHA256 in line and str(source) in line and "--accept-new" in line
    assert not list((home / "data" / "published").glob("*"))
    assert main(["models", "add", str(source), "--accept-new"]) == 0
    assert "known: not the published file, taken all the same" in capsys.readouterr().err
    assert read_taken(home / "data" / "published")["known"].trusted == "user"
    assert listed(capsys)["known"]["state"] == "there"


@pytest.mark.parametrize(
    ("content", "words", "status", "text"),
    [
        (b"nothing", [], 1, "none of the published files, by sha256, file name or content"),
        (b"known unknown", [], 2, "fits known, unknown; say which one it is with --as NAME"),
        (b"other", ["--as", "unknwn"], 2, "did you mean 'unknown'?"),
        (b"bad", ["--as", "unknown"], 1, "missing key 'conv.weight'"),
        (None, ["--as", "known"], 1, "cannot be read (No such file or directory)"),
    ],
)
def test_files_that_cannot_be_added(
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    words: list[str],
    status: int,
    text: str,
) -> None:
    source = tmp_path / "any.bin"
    if content is not None:
        source.write_bytes(content)
    assert text in complaint(capsys, status, "add", str(source), *words)
    assert not list((home / "data" / "published").glob("*"))


def test_cards_say_what_is_known(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "card", "embedded/pose"]) == 0
    card = capsys.readouterr().out
    assert card.startswith("# pose\n") and "Licence: Apache-2.0" in card
    assert main(["models", "card", "known"]) == 0
    card = capsys.readouterr().out
    assert card.startswith("# known\n\na net.\n")
    assert f"| sha256 | {SHA256} |" in card
    assert "| px | parser: 512 |" in card
    assert "Licence: MIT; but trained on borrowed photographs." in card
    assert main(["models", "card", "unknown"]) == 0
    assert "unknown; the first file is trusted" in capsys.readouterr().out
    assert main(["models", "card", "mtcnn"]) == 0
    assert "WIDER FACE" in capsys.readouterr().out
    assert "did you mean 'known'?" in complaint(capsys, 2, "card", "knwn")
    assert "this card cannot be read" in complaint(capsys, 1, "card", "embedded/depth")


def test_the_folder_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["models", "where"]) == 0
    assert capsys.readouterr().out == f"{home / 'data' / 'published'}\n"
    monkeypatch.setenv("UNRIPPLE_MODELS", "/elsewhere")
    assert main(["models", "where"]) == 0
    assert capsys.readouterr().out == "/elsewhere\n"


def test_unknown_names_are_a_wrong_command(
    home: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "did you mean 'both'?" in complaint(capsys, 2, "fetch", "known", "bth")
    assert site.asked == []


def test_looking_around_needs_no_torch(repo: Path) -> None:
    script = (
        "import sys; from unripple.cli.main import main\n"
        "for words in (['list'], ['list', '--json'], ['where'], ['card', 'hfgi']):\n"
        "    assert main(['models', *words]) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repo, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["age", "smile", "pose_direction", "ffhq_pca"])
def test_real_published_files_are_added(
    repo: Path,
    published_directions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.delenv("UNRIPPLE_HOME", raising=False)
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path / "published"))
    file = {"pose_direction": "pose"}.get(name, name)
    renamed = tmp_path / "renamed.bin"
    shutil.copy(published_directions / f"{file}.pt", renamed)
    assert main(["models", "add", str(renamed)]) == 0
    assert f"{name}: added from" in capsys.readouterr().err
    assert read_taken(tmp_path / "published")[name].trusted == "lock"
    assert listed(capsys)[name]["state"] == "there"

    renamed.write_bytes(renamed.read_bytes()[:-100])
    line = complaint(capsys, 1, "add", str(renamed), "--as", name)
    assert "sha256" in line and str(renamed) in line
    line = complaint(capsys, 1, "add", str(renamed), "--as", name, "--accept-new")
    assert str(renamed) in line
    assert read_taken(tmp_path / "published")[name].trusted == "lock"
    assert listed(capsys)[name]["state"] == "there"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with models.bar("net") as progress:
        time.sleep(0.15)  # bars are drawn now and then
        progress(2_000_000, 4_000_000)
    assert "net:  50%" in terminal.getvalue() and "2.00M/4.00M" in terminal.getvalue()


def test_progress_is_lines_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([0.0, 0.0, 1.0, 11.0, 11.0, 12.0])
    caplog.set_level("INFO")
    with models.bar("net", lambda: next(times)) as progress:
        for done in (1_000_000, 2_000_000, 3_000_000, 4_000_000):
            progress(done, 4_000_000)
    assert caplog.messages == [
        "net: 1.0 MB of 4.0 MB, 25%",
        "net: 3.0 MB of 4.0 MB, 75%",
        "net: 4.0 MB of 4.0 MB, 100%",
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (999, "999 B"),
        (2808, "3 kB"),
        (999_999, "1.0 MB"),
        (53_289_463, "53 MB"),
        (999_700_000, "1.0 GB"),
        (1_376_378_527, "1.4 GB"),
    ],
)
def test_sizes_are_said_for_people(size: int | None, text: str) -> None:
    assert size_text(size) == text
