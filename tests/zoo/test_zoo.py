"""Which file serves a role, by every way to say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import BadCheckpoint, BadConfig, UnknownName
from unripple.zoo import zoo as module
from unripple.zoo.index import read_index
from unripple.zoo.zoo import Zoo, chosen_directions, embedded_variants

LOCK = """
files:
  inverter:
    {what: all in one, file: ckpt.pt, page: here, licence: MIT, commercial: null, layout: psp,
     networks: {generator: stylegan2, encoder: e4e, hfgi: hfgi}}
  parser_a:
    {what: a parser, file: a.pth, page: here, licence: MIT, commercial: true, layout: bare,
     networks: {parser: bisenet}}
  parser_b:
    {what: a parser, file: b.pth, page: here, licence: MIT, commercial: true, layout: bare,
     networks: {parser: graphonomy}}
sets:
  published: {generator: inverter, encoder: inverter, hfgi: inverter, parser: parser_a}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models.lock.yaml").write_text(LOCK)
    monkeypatch.setenv("UNRIPPLE_HOME", str(tmp_path))
    monkeypatch.delenv("UNRIPPLE_MODELS", raising=False)
    read_index.cache_clear()
    return tmp_path


def test_embedded_is_the_default(home: Path) -> None:
    assert Zoo().path("parser") == home / "data" / "models" / "parser.safetensors"


def test_a_set_chooses_for_every_role(home: Path) -> None:
    zoo, folder = Zoo("published"), home / "data" / "published"
    assert zoo.path("encoder") == folder / "inverter.encoder.safetensors"
    assert zoo.path("parser") == folder / "parser_a.parser.safetensors"


def test_one_role_may_leave_the_set(home: Path) -> None:
    zoo = Zoo({"base": "published", "parser": "parser_b", "depth": "embedded"})
    assert zoo.path("parser").name == "parser_b.parser.safetensors"
    assert zoo.path("depth") == home / "data" / "models" / "depth.safetensors"
    assert zoo.path("hfgi").name == "inverter.hfgi.safetensors"


def test_a_stage_stands_for_its_role() -> None:
    assert Zoo({"parse": "parser_b"}).path("parser").name == "parser_b.parser.safetensors"


def test_a_path_is_taken_as_it_is() -> None:
    assert Zoo({"parser": "mine.safetensors"}).path("parser") == Path("mine.safetensors")


def faithful(home: Path) -> Path:
    path = home / "data" / "models" / "hfgi-faithful.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


def test_a_role_may_have_other_embedded_files(home: Path) -> None:
    path = faithful(home)
    zoo = Zoo({"hfgi": "hfgi-faithful"})
    assert zoo.path("hfgi") == path and not zoo.is_published("hfgi")
    assert zoo.path("parser") == home / "data" / "models" / "parser.safetensors"
    assert Zoo({"base": "published", "invert": "hfgi-faithful"}).path("hfgi") == path
    assert Zoo().path("hfgi").name == "hfgi.safetensors"
    assert embedded_variants() == ["hfgi-faithful"]


def test_another_embedded_file_serves_its_own_role_alone(home: Path) -> None:
    faithful(home)
    with pytest.raises(BadConfig, match=r"models\.parser: 'hfgi-faithful' holds no parser"):
        Zoo({"parser": "hfgi-faithful"}).path("parser")
    with pytest.raises(UnknownName, match="did you mean 'hfgi-faithful'"):
        Zoo({"hfgi": "hfgi-faithfull"}).path("hfgi")
    with pytest.raises(BadConfig, match="no set 'hfgi-faithful'"):
        Zoo("hfgi-faithful")


def test_the_folder_of_published_models_can_be_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path / "large"))
    assert Zoo("published").path("parser").parent == tmp_path / "large"


def test_a_set_may_lack_a_role() -> None:
    zoo = Zoo("published")
    assert not zoo.has("pose") and zoo.has("parser")
    with pytest.raises(BadConfig, match=r"'published' has no pose; choose one under models\.pose"):
        zoo.path("pose")


@pytest.mark.parametrize(
    ("models", "error", "said"),
    [
        ("publishd", BadConfig, "no set 'publishd'; sets: embedded, published"),
        ({"parsr": "parser_b"}, UnknownName, "no role 'parsr'; roles: generator"),
        ({"parser": "parser_c"}, UnknownName, "no published file 'parser_c'; did you mean"),
        ({"parser": "inverter"}, BadConfig, "'inverter' holds no parser, but generator, encoder"),
    ],
)
def test_wrong_words_are_named(models: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Zoo(models).path("parser")


def test_a_missing_download_says_how_to_get_it() -> None:
    with pytest.raises(BadCheckpoint, match=r"run `unripple models fetch parser_a`, or .* a\.pth"):
        Zoo("published").metadata("parser")


def test_directions_follow_the_generator() -> None:
    assert chosen_directions("auto", Zoo()) == "embedded"
    assert chosen_directions("auto", Zoo("published")) == "published"
    assert chosen_directions("auto", Zoo({"generator": "mine.safetensors"})) == "embedded"
    assert chosen_directions("mine.safetensors", Zoo("published")) == "mine.safetensors"


def test_the_largest_leaves_when_all_would_be_too_large(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = ("pose", "landmarks", "parser", "generator")
    files = {role: repo / f"data/models/{role}.safetensors" for role in roles}
    zoo = Zoo({role: str(file) for role, file in files.items()})
    lengths = {role: file.stat().st_size / 1e6 for role, file in files.items()}
    monkeypatch.setattr(module, "_kept", None)  # what other tests keep for the process
    monkeypatch.setattr(module, "LARGE_MB", 0.1)
    monkeypatch.setattr(module, "WORKING_MB", {"landmarks": lengths["parser"]})
    monkeypatch.setattr(module, "LOADED_MB", lengths["generator"] + lengths["pose"] + 0.01)

    def loaded() -> list[str]:
        return [role for role in roles if zoo.is_loaded(role)]

    first = [zoo.load(role) for role in ("pose", "parser")]
    zoo.load("generator")  # larger than the parser
    assert loaded() == ["pose", "generator"]
    zoo.load("parser")
    assert loaded() == ["pose", "parser"]
    assert zoo.load("parser") is not first[1]
    zoo.load("landmarks")  # needs as much as the parser has
    assert loaded() == ["pose", "landmarks"]


def test_freed_memory_goes_back_when_another_large_network_begins(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = ("pose", "landmarks")
    zoo = Zoo({role: str(repo / f"data/models/{role}.safetensors") for role in roles})
    monkeypatch.setattr(module, "LARGE_MB", 0.1)
    given_back: list[str] = []
    monkeypatch.setattr(module, "give_back_freed_memory", lambda: given_back.append("some"))
    counts = []
    for role in ("pose", "pose", "landmarks", "pose"):
        zoo.load(role)
        counts.append(len(given_back))
    assert counts == [1, 1, 2, 3]
