"""Named translations: mean changes of w and their descent, on a world whose answers are known."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.test_directions import WIDTH, Mirror
from unripple import faceworld
from unripple.faceworld.attributes import SETTINGS, edited
from unripple.io.translations import Library, read_translation
from unripple.training import refine, translations
from unripple.training.edit_pairs import Pairs
from unripple.training.latents import code

FACES = faceworld.sample_factors(60, seed=3)


def moved(generator: Mirror, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    codes = [generator.map(code(factors, WIDTH)) for factors in (before, after)]
    return (codes[1] - codes[0]).mean(0)


@pytest.mark.parametrize(
    ("name", "other"), [("Sm_max", None), ("Gl_min", "Gl_max"), ("B_1", "B_0")]
)
def test_one_other_value_is_where_it_starts_unless_it_is_a_mere_limit(
    name: str, other: str | None
) -> None:
    generator: Any = Mirror()
    ((folder, called, offset),) = translations.mean_offsets(generator, FACES, name)
    assert (folder, called) == ("unconditional", name)
    start = FACES if other is None else edited(FACES, other)
    torch.testing.assert_close(offset, moved(generator, start, edited(start, name)))


def test_a_value_starts_from_that_and_from_each_other_one() -> None:
    generator: Any = Mirror()
    made = {name: offset for _, name, offset in translations.mean_offsets(generator, FACES, "Sk_1")}
    assert made.keys() == {"Sk_1", "Sk_1_fr_0", "Sk_1_fr_2"}
    pale = edited(FACES, "Sk_0")
    wanted = moved(generator, pale, edited(pale, "Sk_1"))
    torch.testing.assert_close(made["Sk_1_fr_0"], wanted)
    anywhere = moved(generator, FACES, edited(FACES, "Sk_1"))
    mean = (anywhere + made["Sk_1_fr_0"] + made["Sk_1_fr_2"]) / 3
    torch.testing.assert_close(made["Sk_1"], mean)


class Drawn:
    """A studio whose true pictures are those of a `Mirror`, exaggerated or of nothing at all."""

    def __init__(self, generator: Any, times: float = 1.0) -> None:
        self.generator, self.times, self.asked = (
            generator,
            times,
            list[tuple[int, str, str | None]](),
        )

    def pairs(self, faces: Tensor, first: int, name: str, starts: Sequence[str | None]) -> Pairs:
        self.asked += [(first, name, start) for start in starts]
        return self.between(faces if starts[0] is None else edited(faces, starts[0]), name)

    @torch.no_grad()
    def between(self, start: Tensor, name: str) -> Pairs:
        codes = [self.generator.map(code(f, WIDTH)) for f in (start, edited(start, name))]
        before, after = (
            self.generator.synthesize(w[:, None].expand(-1, 3, -1), noise="none") for w in codes
        )
        change = self.times * (after - before)
        return Pairs(start, change, (change != 0).any(1, keepdim=True).float())


def bangs(generator: Any, times: float = 1.0) -> tuple[Tensor, Pairs, Pairs]:
    """The mean offset to bangs [3, WIDTH], and two lists of people who had none."""
    studio = Drawn(generator, times)
    start = edited(FACES, "B_0")
    with torch.no_grad():
        mean = moved(generator, start, edited(start, "B_1"))
    lists = [studio.between(edited(faces, "B_0"), "B_1") for faces in (FACES[:16], FACES[16:32])]
    return mean[None].repeat(3, 1), lists[0], lists[1]


def test_fit_tells_true_offsets_from_none_and_from_others() -> None:
    generator: Any = Mirror()
    mean, people, _ = bangs(generator)
    true = refine.fit(generator, people, mean, exaggeration=1)
    assert true.share == pytest.approx(1, abs=0.05) and true.correlation > 0.95
    assert true.cost < 0.1
    none = refine.fit(generator, people, 0 * mean, exaggeration=1)
    assert none.share == pytest.approx(0, abs=0.02) and none.cost == pytest.approx(1, abs=0.02)
    half = refine.fit(generator, people, 0.5 * mean, exaggeration=1)
    assert half.share == pytest.approx(0.5, abs=0.05) and half.correlation > 0.95
    against = refine.fit(generator, people, -mean, exaggeration=1)
    assert against.share < -0.9 and against.correlation < -0.9 and against.cost > 2


def test_descent_finds_what_the_mean_does_not_show() -> None:
    """The pictures change three times as much as the generator's own: so must the offset."""
    generator: Any = Mirror()
    mean, people, others = bangs(generator, times=3)
    before = refine.fit(generator, others, mean, exaggeration=1)
    assert before.share == pytest.approx(1 / 3, abs=0.05)
    offset = refine.refined(generator, people, mean, exaggeration=1, steps=60)
    assert offset.shape == mean.shape
    after = refine.fit(generator, others, offset, exaggeration=1)
    assert after.share > 0.7 and after.cost < 0.5 * before.cost


def test_what_is_exaggerated_is_drawn_larger() -> None:
    generator: Any = Mirror()
    mean, people, others = bangs(generator)
    offset = refine.refined(generator, people, mean, exaggeration=2, steps=60)
    assert refine.fit(generator, others, offset, exaggeration=2).share > 1.4


def test_no_steps_keep_the_mean() -> None:
    generator: Any = Mirror()
    mean, people, _ = bangs(generator)
    assert refine.refined(generator, people, mean, exaggeration=1, steps=0).equal(mean)


def test_an_offset_that_does_not_help_others_is_not_kept() -> None:
    generator: Any = Mirror()
    mean, people, _ = bangs(generator)
    worse = [0 * mean, -mean, 3 * mean]
    assert translations.least_cost(generator, people, [mean, *worse], 1.0) is mean
    assert translations.least_cost(generator, people, [*worse, mean], 1.0) is mean


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """A command whose generator is a mirror, and whose true pictures are too."""
    generator: Any = Mirror()
    generator.size = 8
    studio = Drawn(generator)
    monkeypatch.setattr(translations, "load_generator", lambda path, device: generator)
    monkeypatch.setattr(translations, "PairRenderer", lambda *args, **options: studio)
    return studio


def test_the_command_writes_what_photos_can_be_offered(tmp_path: Path, world: Drawn) -> None:
    asked = {"generator": Path("g"), "device": "cpu", "faces": 40, "seed": 0, "out": tmp_path}
    asked |= {"pictures": tmp_path / "kept", "people": 16, "steps": 2, "eager": True}
    assert translations.main(argparse.Namespace(**asked)) == 0
    library = Library(tmp_path)
    assert library.edits() == sorted(set(SETTINGS) - {"Hc_4"} | {"bald"})
    assert library.choose("A_2", (0,) * 9).name == "A_2_fr_0.npy"
    offset = read_translation(library.choose("B_1", (0,) * 9))
    assert offset.shape == (Mirror.n_codes, WIDTH)
    card = (tmp_path / "README.md").read_text()
    assert "| Bd_max | beard 0.95, moustache 0.9 | 1 | 1.0" in card
    assert sum(line.startswith("| ") for line in card.splitlines()) == len(SETTINGS) + 2


def test_people_to_descend_on_choose_by_and_report_on_are_others(
    tmp_path: Path, world: Drawn
) -> None:
    asked = {"generator": Path("g"), "device": "cpu", "faces": 40, "seed": 0, "out": tmp_path}
    asked |= {"pictures": tmp_path / "kept", "people": 16, "steps": 0, "eager": True}
    assert translations.main(argparse.Namespace(**asked)) == 0
    seeds = {first for first, _, _ in world.asked}
    assert len(seeds) == 3 and np.diff(sorted(seeds)).min() >= 16 + 8 + 8
    assert all(name != other for _, name, other in world.asked)


def test_where_starts_would_cancel_out_one_is_taken() -> None:
    assert translations.starts_when_unknown("A_1") == ["A_0"]
    assert translations.starts_when_unknown("A_2") == translations.starts_of("A_2")
    generator: Any = Mirror()
    made = {name: offset for _, name, offset in translations.mean_offsets(generator, FACES, "A_1")}
    assert torch.equal(made["A_1"], made["A_1_fr_0"])
    for name, taken in translations.TAKEN_FOR.items():
        assert set(taken) <= set(translations.starts_of(name))


def test_exaggerated_are_characteristics() -> None:
    assert translations.EXAGGERATION.keys() <= {name.partition("_")[0] for name in SETTINGS}


def test_the_repository_holds_all_of_them(repo: Path) -> None:
    library = Library(repo / "data/translations/embedded")
    assert library.edits() == sorted(set(SETTINGS) - {"Hc_4"} | {"bald"})
    assert library.choose("A_2", (0,) * 9).name == "A_2_fr_0.npy"
