"""Named translations: mean changes of w, on a world whose answers are known."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.test_directions import WIDTH, Mirror
from unripple import faceworld
from unripple.faceworld.characteristics import SETTINGS, edited
from unripple.io.translations import Library, read_translation
from unripple.training import translations
from unripple.training.latents import code

FACES = faceworld.sample_factors(60, seed=3)


def moved(generator: Mirror, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    codes = [generator.map(code(factors, WIDTH)) for factors in (before, after)]
    return (codes[1] - codes[0]).mean(0)


@pytest.mark.parametrize("name", ["B_1", "Sm_max", "Gl_max"])
def test_two_values_or_a_limit_start_anywhere(name: str) -> None:
    generator: Any = Mirror()
    ((folder, called, offset),) = translations.found(generator, FACES, name)
    assert (folder, called) == ("unconditional", name)
    start = edited(FACES, {"B_1": "B_0", "Sm_max": "Sm_min", "Gl_max": "Gl_min"}[name])
    torch.testing.assert_close(offset, moved(generator, start, edited(start, name)))


def test_several_values_start_from_each_other_one() -> None:
    generator: Any = Mirror()
    made = {name: offset for _, name, offset in translations.found(generator, FACES, "A_1")}
    assert made.keys() == {"A_1", "A_1_fr_0", "A_1_fr_2"}
    torch.testing.assert_close(made["A_1"], (made["A_1_fr_0"] + made["A_1_fr_2"]) / 2)
    young = edited(FACES, "A_0")
    wanted = moved(generator, young, edited(young, "A_1"))
    torch.testing.assert_close(made["A_1_fr_0"], wanted)


def test_gain_tells_true_translations_from_none() -> None:
    generator: Any = Mirror()
    ((_, _, offset),) = translations.found(generator, FACES, "B_1")
    assert translations.gain(generator, FACES[:8], "B_1", offset) > 0.95
    assert translations.gain(generator, FACES[:8], "B_1", 0 * offset) == pytest.approx(0, abs=1e-4)


def test_the_command_writes_what_photos_can_be_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "load_generator", lambda path, device: Mirror())
    asked = {"generator": Path("g"), "device": "cpu", "faces": 40, "seed": 0, "out": tmp_path}
    assert translations.main(argparse.Namespace(**asked)) == 0
    library = Library(tmp_path)
    assert library.edits() == sorted(set(SETTINGS) - {"Hc_4"} | {"bald"})
    offset = read_translation(library.choose("B_1", (0,) * 9))
    assert offset.shape == (Mirror.n_codes, WIDTH)
    assert np.array_equal(offset[0], offset[-1])
    assert "| B_1 | fringe 0.95, bald 0 |" in (tmp_path / "README.md").read_text()


def test_the_repository_holds_all_of_them(repo: Path) -> None:
    library = Library(repo / "data/translations/embedded")
    assert library.edits() == sorted(set(SETTINGS) - {"Hc_4"} | {"bald"})
    assert library.choose("A_2", (0,) * 9).name == "A_2_fr_0.npy"
