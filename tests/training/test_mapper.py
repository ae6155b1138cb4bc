"""The training of mappers: texts drawn for each sample, exact resumes, files without generators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from unripple.conventions import BadConfig
from unripple.runtime.codes import Codes
from unripple.runtime.texts import read_texts
from unripple.training import clip, latents, loop, mapper, relevance
from unripple.training.schedule import Budget
from unripple.zoo import networks

TEXTS = {"specs": "a face with glasses", "hat": "a hat"}
SIZES = {"embed": 32, "width": 8, "layers": (1, 1, 1, 1), "text_width": 64, "text_layers": 1}


class _Person(torch.nn.Module):
    input_size = 112

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(face.mean((2, 3)) + 2, dim=1)


def task(monkeypatch: pytest.MonkeyPatch, **options: Any) -> mapper.MapperTask:
    monkeypatch.setattr(latents, "CHANNELS", {4: 8, 8: 8, 16: 8, 32: 8})
    monkeypatch.setattr(mapper, "HELD_OUT", 2)
    torch.manual_seed(0)
    drawn, seen = latents.small_generator(32), clip.small_clip(SIZES, 32)
    return mapper.MapperTask(TEXTS, drawn, seen, _Person(), batch_size=2, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "sum", "vectors": "embedding"},
        {"vectors": "embedding"},
        {"mode": "multi", "vectors": "embedding"},
    ],
)
def test_a_file_holds_the_mapper_with_its_texts_and_no_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    made = task(monkeypatch, **options)
    (path,) = made.export(tmp_path)
    with safe_open(path, framework="pt") as file:
        assert all("mapping" in key or key == "text_vectors" for key in file.keys())  # noqa: SIM118
        assert json.loads(file.metadata()["texts"]) == TEXTS
    model = networks.load("mapper", path, torch.device("cpu"))
    assert model.network == "latent_mapper" and model.net.takes_text
    assert ("text_vectors" in model.extras) == ("vectors" in options)


def test_a_stopped_training_ends_in_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "learning_rate_factor", lambda progress, step: 1.0)
    for name, steps in (("stopped", 4), ("stopped", 7), ("whole", 7)):
        budget = Budget(steps=steps)
        loop.fit(task(monkeypatch), tmp_path / name, budget=budget, compute="float32")
    stopped, whole = (
        torch.load(tmp_path / name / "last.pt", weights_only=True)["nets"]["mapper"]
        for name in ("stopped", "whole")
    )
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)


def test_texts_are_drawn_whoever_the_person_is(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task(monkeypatch)
    rng = torch.Generator().manual_seed(0)
    drawn = torch.cat([made.draw(rng)["which"] for _ in range(10)])
    assert set(drawn.tolist()) == {0, 1}


def test_several_texts_are_drawn_in_all_their_combinations(repo: Path) -> None:
    """26 of the published texts, among them the 17 that the published data never reach."""
    texts = read_texts(repo / "data" / "texts" / "multi.yaml")
    one_of = [["Elsa", "Emma_Watson"], ["wavy", "bangs"], ["pink", "black"]]
    ways = mapper.combinations(texts, "multi", one_of)
    assert ways.shape == (26, 6) and len({tuple(way) for way in ways.tolist()}) == 26
    assert sorted(ways.sum(1).tolist()) == [1] * 6 + [2] * 12 + [3] * 8
    assert (ways.view(-1, 3, 2).sum(2) <= 1).all()


def test_a_sample_of_several_texts_learns_from_each(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task(monkeypatch, mode="multi", vectors="embedding")
    assert made.combinations.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert len(made.net.get_submodule("fine_mapping").mapping) == 1 + 10
    drawn = made.draw(torch.Generator().manual_seed(0))
    both = {**drawn, "which": torch.tensor([2, 2])}
    each = [
        float(made._losses(drawn["codes"], torch.tensor([way, way]))["text"].detach())
        for way in range(3)
    ]
    # An untrained network hardly moves, so both texts together are the mean of each alone.
    assert each[2] == pytest.approx((each[0] + each[1]) / 2, abs=2e-3)
    before = [one.clone() for one in made.net.parameters()]
    made.train_step(both, 0)
    assert any(not torch.equal(a, b) for a, b in zip(before, made.net.parameters(), strict=True))


@pytest.mark.parametrize(
    ("mode", "one_of", "said"),
    [
        ("cat", [["hat"]], "--mode multi"),
        ("multi", [["hut"]], "'hut' is none of"),
        ("multi", [["hat"], ["hat", "specs"]], "named twice"),
    ],
)
def test_combinations_that_cannot_be(mode: str, one_of: list[list[str]], said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        mapper.combinations(TEXTS, mode, one_of)
    with pytest.raises(BadConfig, match="1023 combinations"):
        mapper.combinations({str(n): "a hat" for n in range(10)}, "multi")


def test_published_texts_are_at_hand(repo: Path) -> None:
    """The descendant's data modes, and our own; names in the order of their vectors."""
    files = {path.stem: read_texts(path) for path in (repo / "data" / "texts").iterdir()}
    by_number, by_clip = (
        {"hair", "female", "male", "color", "multi"},
        {"disney", "color_clip", "hair_clip"},
    )
    assert set(files) == by_number | by_clip | {"faceworld"}
    assert list(files["multi"]) == ["Elsa", "Emma_Watson", "wavy", "bangs", "pink", "black"]
    assert files["male"]["Ironman"] == "Robert Downey Jr., Actor of Iron man"


def test_a_file_of_texts_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text("- a hat\n")
    with pytest.raises(BadConfig, match="--texts"):
        read_texts(path)


def test_faces_of_a_file_are_drawn_and_the_last_ones_held_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = torch.randn(7, 8, latents.STYLE_DIM)
    made = task(monkeypatch, codes=codes)
    assert torch.equal(made.held_out, codes[-2:])
    drawn = made.draw(torch.Generator().manual_seed(0))["codes"]
    assert all(any(torch.equal(one, face) for face in codes[:-2]) for one in drawn)
    for wrong in (codes[:, :4], codes[:1]):
        with pytest.raises(BadConfig, match="--codes"):
            task(monkeypatch, codes=wrong)


def test_statistics_of_styles_are_those_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = task(monkeypatch).generator
    codes = torch.randn(5, 8, latents.STYLE_DIM)
    styles = relevance.styles_of(generator, Codes(tuple("abcde"), codes.numpy()))
    assert [style.shape for style in styles] == [one.shape for one in generator.styles(codes)]
    with pytest.raises(BadConfig, match="no deviation"):
        relevance.styles_of(generator, Codes(("a",), codes[:1].numpy()))


def test_levels_that_are_left_out_get_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = task(monkeypatch, levels=["coarse", "medium"]).export(tmp_path)
    net = networks.load("mapper", path, torch.device("cpu")).net
    assert hasattr(net, "course_mapping") and not hasattr(net, "fine_mapping")
