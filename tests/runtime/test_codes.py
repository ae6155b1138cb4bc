"""Codes of many photos in one file: found once, told apart, drawn, and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny import CODES, SIZE, W, write_project
from tests.tiny_clip import save_clip
from unripple.cli.main import main
from unripple.conventions import BadConfig
from unripple.io.latents import read_latents
from unripple.io.photo import read_photo
from unripple.runtime import codes as api
from unripple.runtime.codes import Codes, numbers_of, read_codes, write_codes

NAMES = ("anna.png", "bert.png", "carl.png")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("project"), dict.fromkeys(NAMES, (SIZE, SIZE)))
    save_clip(folder / "clip.safetensors")
    return folder


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return project


def made(count: int = 5) -> Codes:
    w_plus = np.random.default_rng(0).standard_normal((count, CODES, W)).astype(np.float32)
    return Codes(tuple(f"face-{i}" for i in range(count)), w_plus)


def with_clip(folder: Path) -> list[str]:
    """The option that adds the CLIP to the project's models."""
    told = json.loads((folder / "config.yaml").read_text())["models"]
    models = {**told, "clip": str(folder / "clip.safetensors")}
    listed = ", ".join(f"{role}: {path}" for role, path in models.items())
    return ["--set", f"models={{{listed}}}"]


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    codes = made()
    write_codes(tmp_path / "codes.safetensors", codes, {"encoder": "encoder"})
    again = read_codes(tmp_path / "codes.safetensors")
    assert again.names == codes.names and again.w_plus.tobytes() == codes.w_plus.tobytes()
    assert list(read_latents(tmp_path / "codes.safetensors")) == list(codes.names)


def test_published_codes_are_read_without_running_them(tmp_path: Path) -> None:
    codes = made()
    torch.save(torch.from_numpy(codes.w_plus), tmp_path / "train_female.pt")
    again = read_codes(tmp_path / "train_female.pt")
    assert again.names == ("0", "1", "2", "3", "4")
    assert again.w_plus.tobytes() == codes.w_plus.tobytes()
    torch.save({"w": 1}, tmp_path / "other.pt")
    with pytest.raises(BadConfig, match="one tensor of codes"):
        read_codes(tmp_path / "other.pt")


@pytest.mark.parametrize(
    ("said", "numbers"), [("60", [60]), ("3,5,7", [3, 5, 7]), ("10-12,11", [10, 11, 12])]
)
def test_numbers(said: str, numbers: list[int]) -> None:
    assert numbers_of(said, 61) == numbers


@pytest.mark.parametrize("said", ["61", "5-3", "-1", "a", ""])
def test_numbers_that_there_are_not(said: str) -> None:
    with pytest.raises(BadConfig, match="--w"):
        numbers_of(said, 61)


def test_extracting_goes_on_where_it_was_stopped(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from unripple.stages import project as stage

    encoded: list[int] = []
    real = stage.run_together

    def counted(works: Any, settings: Any) -> Any:
        if len(encoded) == 2:
            raise KeyboardInterrupt
        encoded.append(1)
        return real(works, settings)

    monkeypatch.setattr(stage, "run_together", counted)
    command = ["codes", "extract", "data/photos", "-o", "codes.safetensors"]
    assert main(command) == 130 and not Path("codes.safetensors").exists()
    encoded.clear()
    assert main(command) == 0 and len(encoded) == 1
    assert capsys.readouterr().out == "codes.safetensors\n"
    codes = read_codes(Path("codes.safetensors"))
    assert codes.names == NAMES and codes.w_plus.shape == (3, CODES, W)
    assert main(command) == 2  # it is there
    (here / "data" / "photos" / "torn.png").write_bytes(b"no picture")
    assert main([*command, "--overwrite"]) == 1  # the others are done
    assert read_codes(Path("codes.safetensors")).names == NAMES
    (here / "data" / "photos" / "torn.png").unlink()


def test_codes_are_told_apart_by_texts(here: Path) -> None:
    write_codes(Path("faces.safetensors"), made(), {})
    asked = ["codes", "split", "faces.safetensors", *with_clip(here)]
    assert main([*asked, "--by", "a photo of a woman", "a photo of a man"]) == 0
    parts = [Path(f"faces-a-photo-of-a-{who}.safetensors") for who in ("woman", "man")]
    names = [set(read_codes(part).names) if part.exists() else set() for part in parts]
    assert names[0] | names[1] == set(made().names) and not names[0] & names[1]
    assert main([*asked, "--w", "3,1"]) == 0
    assert read_codes(Path("faces-3+1.safetensors")).names == ("face-3", "face-1")
    with pytest.raises(BadConfig, match="one file"):
        api.file_names(Path(), "faces", ["a man", "a  man!"])
    assert main([*asked, "--by", "a man"]) == 2


def test_codes_are_drawn_beside_what_texts_make_of_them(here: Path) -> None:
    write_codes(Path("drawn.safetensors"), made(), {})
    asked = ["codes", "draw", "drawn.safetensors", "--w", "1,2", *with_clip(here), "-o", "row.png"]
    assert main([*asked, "--text", "a hat", "--then", "{text: a beard, strength: 1}"]) == 0
    picture = read_photo(Path("row.png"), max_megapixels=1).pixels
    assert picture.shape == (2 * SIZE, 3 * SIZE, 3)
    assert (picture[:, :SIZE] != picture[:, SIZE : 2 * SIZE]).any()
    with pytest.raises(BadConfig, match="other models"):
        api.check_codes(Codes(("one",), np.zeros((1, 3, W), np.float32)), _Generator())


class _Generator:
    n_codes, style_dim = CODES, W


def test_a_face_out_of_nothing(here: Path) -> None:
    asked = ["texts", "draw", "a hat", "--steps", "4", "--every", "2", *with_clip(here)]
    assert main([*asked, "-o", "face.png"]) == 0
    assert read_photo(Path("face.png"), max_megapixels=1).pixels.shape == (SIZE, 3 * SIZE, 3)


def test_what_can_be_said(here: Path, capsys: Any) -> None:
    assert main(["texts", *with_clip(here)]) == 0
    told = capsys.readouterr().out
    assert "clip.safetensors" in told and "beard, face, hat" in told
    assert "mapper (models.mapper)" in told and "a face with glasses" in told
