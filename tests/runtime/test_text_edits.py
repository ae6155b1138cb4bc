"""Edits that follow a text, from the photo to the picture, in memory and through the stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from tests.tiny import SIZE, W, save_model, walk, write_project
from tests.tiny_clip import save_clip
from unripple.cli.main import main
from unripple.conventions import BadText, UnrippleError
from unripple.io.config import Edit, edits, read_config
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet
from unripple.io.text_edits import text_edit
from unripple.models.mapper import LatentMapper, published_vectors
from unripple.pipeline.checks import warnings_of
from unripple.pipeline.jobs import Job, job_from_config
from unripple.report.assemble import assemble
from unripple.runtime.editor import Editor
from unripple.zoo import zoo as zoo_module
from unripple.zoo.zoo import Zoo

PHOTO = "data/photos/anna.png"
SAID: dict[str, Any] = {"text": "a face with a hat", "strength": 1.5}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two texts, and a CLIP of a few thousand weights that knows some words."""
    folder = write_project(tmp_path_factory.mktemp("project"), {"anna.png": (64, 64)})
    save_clip(folder / "clip.safetensors")
    torch.manual_seed(0)
    net = LatentMapper((W,) * 9)
    state = {**net.state_dict(), "text_vectors": published_vectors(2, W)}
    texts = {"hat": "a hat", "beard": "a face with a beard"}
    save_model(folder / "own.safetensors", state, size=SIZE, texts=texts, vectors="embedding")
    return folder


@pytest.fixture
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its config, with two text edits."""
    monkeypatch.chdir(project)
    given = read_config(Path("config.yaml"))
    models = {**given["models"], "clip": str(project / "clip.safetensors")}
    said = [{"name": "hat", **SAID}, {"name": "beard", "text": "a face with a beard"}]
    return {**given, "models": models, "edits": said}


def test_python_and_the_stages_give_the_same_bytes(
    project: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    walk(config)
    result = Editor(settings=config).edit(PHOTO, **SAID)
    result.save(tmp_path / "out.png")
    made = project / "results" / "paste" / "hat" / "anna.picture.png"
    assert made.read_bytes() == (tmp_path / "out.png").read_bytes()
    about = json.loads((project / "results" / "translate" / "hat" / "anna.about.json").read_text())
    assert about["similarity_after"] > about["similarity"] and about["turn"] is False
    _check_report(config)
    listings = [path.read_text() for path in Results().store.root.rglob("digests.json")]
    assert (
        sum('"shared": "text direction"' in listing for listing in listings) == 2
    )  # one for each text


def _check_report(config: dict[str, Any]) -> None:
    """The report names texts and method, and how the picture fits before and after."""
    html, table = assemble(config, [row.shard for row in read_sheet(SHEET)], Results())
    (hat,) = [one for one in json.loads(table)["edits"] if one["edit"] == "hat"]
    assert hat["text_gain"] == pytest.approx(
        hat["text_likeness"] - hat["text_likeness_of_photo"], abs=1e-6
    )
    said, fits, *judged = hat["told"]
    assert said == "'a face with a hat', seen from 'a face': method direction, strength 1.5"
    assert fits.startswith("likeness to the text by CLIP: ") and "a face with a hat" in html
    assert all(one.startswith("a judge of attributes sees ") for one in judged)
    assert "hat: 'a face with a hat' (direction)" in html.replace("&#39;", "'")


CHAIN: list[Any] = [
    {"text": "hat", "method": "mapper", "mapper": "own.safetensors"},
    {"text": "a face with a beard", "strength": 1, "levels": ["fine"]},
]


def test_a_chain_is_one_edit_on_every_road(
    project: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    walk({**config, "edits": [{"name": "both", "chain": CHAIN}]})
    made = project / "results" / "paste" / "both" / "anna.picture.png"
    Editor(settings=config).edit(PHOTO, chain=CHAIN).save(tmp_path / "python.png")
    assert made.read_bytes() == (tmp_path / "python.png").read_bytes()
    listed = ", ".join(f"{role}: {path}" for role, path in config["models"].items())
    link = "{text: a face with a beard, strength: 1, levels: [fine]}"
    words = ["--text", "hat", "--method", "mapper", "--mapper", "own.safetensors", "--then", link]
    out = ["-o", str(tmp_path / "shell.png"), "--set", f"models={{{listed}}}"]
    assert main(["edit", PHOTO, *words, *out]) == 0
    assert made.read_bytes() == (tmp_path / "shell.png").read_bytes()


def models_of(config: dict[str, Any]) -> list[str]:
    listed = ", ".join(f"{role}: {path}" for role, path in config["models"].items())
    return ["--set", f"models={{{listed}}}"]


def test_a_text_over_its_strengths(
    config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "film.gif"
    command = ["sweep", PHOTO, "--text", "a face with a hat", "0", "6", "--frames", "3"]
    assert main([*command, "-o", str(out), *models_of(config)]) == 0
    with Image.open(out) as film:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 3 and (frames[0] != frames[2]).any()
    assert main([*command, "--strength", "2", "-o", str(out), *models_of(config)]) == 2
    assert "LOW and HIGH say it" in capsys.readouterr().err
    assert main(["sweep", PHOTO, "0", "6", "-o", str(out)]) == 2


def test_a_text_of_several_photos(
    config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [tmp_path / name for name in ("one.png", "two.png")]
    for photo in photos:
        photo.write_bytes(Path(PHOTO).read_bytes())
    words = ["--text", "a hat", "--set", "align.mode=aligned", "--json"]
    assert (
        main(["edit", *map(str, photos), *words, "-o", f"{tmp_path}/made/", *models_of(config)])
        == 0
    )
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["texts"] for one in told] == [["a hat"]] * 2
    assert [Path(one["out"]).name for one in told] == ["one-a-hat.png", "two-a-hat.png"]


def test_a_mapper_with_vectors_of_its_own_needs_no_clip(config: dict[str, Any]) -> None:
    job = job_from_config(
        {**config, "edits": [{"name": "both", "chain": CHAIN[:1]}]},
        "translate", "both", Zoo(config["models"]),
    )  # fmt: skip
    assert set(job.weights) == {"generator", "mapper:own.safetensors"}


def test_a_job_travels_as_text(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    job = job_from_config(config, "translate", "hat", zoo)
    again = Job.from_json("translate", "hat", job.to_json())
    assert again.weights == job.weights and set(job.weights) == {"clip", "generator"}
    assert again.ingredients({"project": "x"}) == job.ingredients({"project": "x"})
    other = job_from_config(config, "translate", "beard", zoo)
    assert other.ingredients({"project": "x"}) != job.ingredients({"project": "x"})


def test_words_that_the_network_does_not_know_are_told(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    (hat, _) = edits(config)
    assert warnings_of(config, hat, zoo) == []
    result = Editor(settings=config).edit(PHOTO, text="a face like Elsa")
    assert [w for w in result.warnings if "'like', 'elsa'" in w]
    (told,) = warnings_of(config, Edit("e", (), said=(_words("a bald face with long hair"),)), zoo)[
        :1
    ]
    assert "'bald' and 'long hair' exclude each other" in told


def test_what_the_embedded_generator_does_not_draw_is_told(config: dict[str, Any]) -> None:
    models = {role: path for role, path in config["models"].items() if role != "generator"}
    edit = Edit("e", (), said=(_words("a face like a cartoon"),))
    assert any("'cartoon'" in one for one in warnings_of(config, edit, Zoo(models)))


def _words(text: str) -> tuple[tuple[str, Any], ...]:
    return text_edit("e", {"text": text}, where="").said[0]


def test_what_python_refuses(config: dict[str, Any]) -> None:
    editor = Editor(settings=config)
    with pytest.raises(BadText, match="edit: text is empty"):
        editor.edit(PHOTO, text=" ")
    with pytest.raises(UnrippleError, match="leave edit and degrees out"):
        editor.edit(PHOTO, text="a hat", pose=3)
    with pytest.raises(UnrippleError, match="are about a text"):
        editor.edit(PHOTO, strength=3)
    with pytest.raises(BadText, match="edit: chain 2: text is empty"):
        editor.edit(PHOTO, chain=["a hat", ""])
    with pytest.raises(UnrippleError, match="give one of the two"):
        editor.edit(PHOTO, chain=["a hat"], text="a hat")
    with pytest.raises(BadText, match="77 at most"):
        editor.edit(PHOTO, text="hat " * 80)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--text", " "], "--text is empty"),
        (["--text", "a face"], "both 'a face'"),
        (["--text", "hat " * 80], "77 at most"),
        (["--then", "a hat"], "--then is about a --text"),
        (["--text", "a hat", "--then", "{txt: a}"], "'txt'"),
    ],
)
def test_what_the_command_line_refuses(
    config: dict[str, Any], words: list[str], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = ", ".join(f"{role}: {path}" for role, path in config["models"].items())
    out = ["-o", "no.png", "--set", f"models={{{listed}}}"]
    assert main(["edit", PHOTO, *words, *out]) == 2
    assert wrong in capsys.readouterr().err and not Path("no.png").exists()


def test_sets_without_a_clip_say_so(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo_module, "NOT_EMBEDDED", ("clip",))
    models = {role: path for role, path in config["models"].items() if role != "clip"}
    with pytest.raises(UnrippleError, match="no clip"):
        Editor(settings={**config, "models": models}).edit(PHOTO, text="a hat")
