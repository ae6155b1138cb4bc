"""Text edits of codes and styles, with networks of a few thousand random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unripple.conventions import BadText, ShapeMismatch
from unripple.io.draft import Draft
from unripple.models import clip
from unripple.models.delta_mapper import DeltaMapper
from unripple.models.mapper import LatentMapper, StyleMapper
from unripple.models.relevance import Relevance
from unripple.models.stylegan2 import Generator
from unripple.runtime.work import Work
from unripple.stages.invert import draw, restyled
from unripple.stages.texts import TEXTS, Start, TextSettings, optimise
from unripple.stages.translate import Translated, TranslateSettings, batches, run_together
from unripple.stages.translate import run as translate
from unripple.zoo.networks import Model

SIDE, CODES, W = 32, 8, 96
ASKED = {"text": "a hat", "neutral": "a face", "strength": 2.0}


class _Identity(torch.nn.Module):
    input_size = 112

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(face.mean((2, 3)), dim=1)


class _Zoo:
    """Networks by role."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        channels = {4: 8, 8: 8, 16: 8, 32: 8}
        generator = Generator(size=SIDE, style_dim=W, n_mlp=1, channels=channels)
        vision = clip.CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=32)
        text = clip.CLIPTextCfg(vocab_size=600, width=64, heads=1, layers=1)
        seen = clip.CLIP(16, vision, text, quick_gelu=True)
        for name, weight in seen.visual.named_parameters():
            if name.endswith("bn3.weight"):  # they begin at 0, and nothing would be seen
                torch.nn.init.ones_(weight)
        styles = generator.styles(torch.zeros(1, CODES, W))
        rows = sum(style.shape[1] for i, style in enumerate(styles) if i % 3 != 1)
        tables = Relevance(rows, 16, sum(style.shape[1] for style in styles))
        tables.relevance.copy_(torch.nn.functional.normalize(torch.randn(rows, 16), dim=1))
        nets = {
            "generator": generator, "clip": seen, "relevance": tables, "identity": _Identity(),
        }  # fmt: skip
        self.models = {
            role: Model(role, net.eval().requires_grad_(False)) for role, net in nets.items()
        }
        self.models["generator"].extras["latent_avg"] = torch.full((W,), 0.25)
        widths = {i: style.shape[1] for i, style in enumerate(styles) if i % 3 != 1}
        self.add_mapper("mapper", LatentMapper((W + 16, W + 16, W)))
        self.add_mapper("mapper:levels", LatentMapper((W,) * 5, ("fine_mapping",)))
        self.add_mapper("mapper:styles", StyleMapper(widths))
        self.loads: list[str] = []

    def add_mapper(self, role: str, net: torch.nn.Module) -> None:
        """A mapper for two texts."""
        texts = {"hat": "a hat", "beard": "a face with a beard"}
        net = net.eval().requires_grad_(False)
        self.models[role] = Model("mapper", net, {}, {"texts": texts})

    def load(self, role: str) -> Model:
        """The network of a role."""
        self.loads.append(role)
        return self.models[role]


class _Kept:
    """What is shared, by what it is made from."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def __call__(self, name: str, made_from: Any, make: Any, roles: Any) -> Any:
        key = f"{name} {made_from} {roles}"
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]


@pytest.fixture(scope="module")
def zoo() -> _Zoo:
    return _Zoo()


def work_of(zoo: Any, seed: int = 0, kept: Any = None, draft: Any = None, **said: Any) -> Work:
    """A photo's task."""
    w_plus = np.random.default_rng(seed).standard_normal((CODES, W)).astype(np.float32)
    links = said.pop("chain", None)
    texts: dict[str, Any] = {"text": {**ASKED, **said}}
    if links is not None:
        texts = {"chain": [{**ASKED, **link} for link in links]}
    settings = {"first_code": 0, "end_code": None, **texts}
    words: dict[str, Any] = {} if draft is None else {"draft": draft}
    words |= {} if kept is None else {"share": kept}
    return Work(settings, {"project": {"w_plus": w_plus}}, zoo, **words)


def moved(work: Work) -> Translated:
    """What translate makes of it."""
    return translate(work, TranslateSettings.of(work.settings))


def test_a_direction_is_made_once_and_moves_all_photos_alike(zoo: _Zoo) -> None:
    kept = _Kept()
    one, other = (work_of(zoo, seed, kept, method="direction") for seed in (0, 1))
    steps = [moved(work).w_plus - work.inputs["project"]["w_plus"] for work in (one, other)]
    assert np.allclose(steps[0], steps[1], atol=1e-5) and np.abs(steps[0]).max() > 0
    assert np.allclose(steps[0], steps[0][:1], atol=1e-5)  # all codes alike
    zoo.loads.clear()
    moved(work_of(zoo, 2, kept, method="direction"))
    assert zoo.loads == []  # found, not made
    moved(work_of(zoo, 2, kept, method="direction", text="a beard"))
    assert "clip" in zoo.loads


def test_the_direction_makes_faces_fit_the_text_better(zoo: _Zoo) -> None:
    about = moved(work_of(zoo, method="direction")).about
    assert about["similarity_after"] > about["similarity"] and about["turn"] is False


def test_strength_zero_changes_no_bit(zoo: _Zoo) -> None:
    work = work_of(zoo, method="direction", strength=0.0)
    assert moved(work).w_plus.tobytes() == work.inputs["project"]["w_plus"].tobytes()


def test_global_leaves_codes_alone_and_moves_styles(zoo: _Zoo) -> None:
    work = work_of(zoo, method="global", channels=5)
    found = moved(work)
    assert found.w_plus.tobytes() == work.inputs["project"]["w_plus"].tobytes()
    assert found.styles is not None and int((found.styles != 0).sum()) == 5
    assert found.about["channels_moved"] == 5
    assert np.abs(found.styles).max() == pytest.approx(2.0)  # strength times a deviation of 1
    with pytest.raises(BadText, match="lower disentangle"):
        moved(work_of(zoo, method="global", disentangle=1.0))


def test_deviations_may_lie_in_a_file_of_their_own(zoo: _Zoo) -> None:
    tables = zoo.models["relevance"].net
    spread = Relevance(0, 0, len(tables.deviation))
    spread.deviation.fill_(3.0)
    zoo.models["style_spread"] = Model("style_spread", spread)
    one, other = (
        moved(work_of(zoo, method="global", channels=5, roles=roles)).styles
        for roles in ((), ("clip", "generator", "relevance", "style_spread"))
    )
    assert one is not None and other is not None and np.allclose(3 * one, other)
    sfe = moved(work_of(zoo, method="global", channels=5, variant="sfe")).styles
    assert sfe is not None and np.abs(sfe).max() == pytest.approx(2.0 / 1.5)


def test_styles_are_drawn_on_top_of_those_of_the_codes(zoo: _Zoo) -> None:
    generator: Any = zoo.models["generator"].net
    codes = torch.randn(2, CODES, W, generator=torch.Generator().manual_seed(4))
    step = moved(work_of(zoo, method="global", channels=5)).styles
    assert step is not None
    with torch.no_grad():
        styles = generator.styles(codes)
        parts = torch.split(torch.from_numpy(step), [one.shape[1] for one in styles])
        wanted = generator.render([a + b for a, b in zip(styles, parts, strict=True)])
        drawer: Any = restyled(generator, step)
        assert torch.equal(draw(codes, drawer, size_px=SIDE), wanted.clamp(-1, 1))
    assert restyled(generator, None) is generator  # edits of codes keep every byte
    with pytest.raises(ShapeMismatch):
        draw(codes, restyled(generator, step[1:]), size_px=SIDE)


@pytest.mark.parametrize("space", ["w+", "s"])
def test_a_killed_optimisation_ends_in_the_same_bytes(
    zoo: _Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    monkeypatch.setattr(optimise, "DRAFT_S", 0.0)
    about = {"method": "optimise", "steps": 4, "space": space}
    whole = moved(work_of(zoo, draft=Draft(tmp_path / "whole.npz"), **about))
    draft = Draft(tmp_path / "killed.npz")
    work = work_of(zoo, draft=draft, **about)

    def die(step: int, of: int, loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    object.__setattr__(work, "on_progress", die)
    with pytest.raises(KeyboardInterrupt):
        moved(work)
    again = moved(work_of(zoo, draft=draft, **about))
    name = "w_plus" if space == "w+" else "styles"
    assert getattr(again, name).tobytes() == getattr(whole, name).tobytes()
    assert np.abs(getattr(again, name)).max() > 0
    kept = again.w_plus.tobytes() == work.inputs["project"]["w_plus"].tobytes()
    assert kept == (space == "s")


def test_the_rate_rises_stays_and_falls_as_published() -> None:
    rates = [optimise.rate_at(step, 300) for step in range(300)]
    assert rates[0] == 0 and rates[15] == pytest.approx(0.1) and rates[200] == pytest.approx(0.1)
    assert rates[-1] < 1e-4


def test_methods_say_which_settings_they_use() -> None:
    names = set(TextSettings.__dataclass_fields__)
    assert next(iter(TEXTS)) == "direction"
    assert all(set(method.uses) <= names and method.help for method in TEXTS.values())


def test_a_chain_goes_on_from_where_the_text_before_it_came_to(zoo: _Zoo) -> None:
    links = [
        {"method": "mapper"},
        {"method": "global", "channels": 5},
        {"method": "mapper", "mapper": "levels"},
        {"method": "mapper", "mapper": "styles", "text": "beard"},
        {"method": "direction"},
    ]
    whole = moved(work_of(zoo, chain=links))
    at, styles = work_of(zoo).inputs["project"]["w_plus"], None
    for link in links:
        work = work_of(zoo, **link)
        work.inputs["project"]["w_plus"] = at
        asked = TextSettings.of(work.settings["text"])
        found = TEXTS[asked.method].follow(work, asked, Start(at, styles, Draft()))
        at, styles = found.w_plus, found.styles
    assert whole.w_plus.tobytes() == at.tobytes() and styles is not None
    assert whole.styles is not None and whole.styles.tobytes() == styles.tobytes()
    assert whole.about["texts"][1] == {"channels_moved": 5} and len(whole.about["texts"]) == 5
    first, *_, last = links
    other = moved(work_of(zoo, chain=[last, first]))
    both = moved(work_of(zoo, chain=[first, last]))
    assert np.abs(other.w_plus - both.w_plus).max() > 1e-6  # a mapper sees what it is given


def test_a_mapper_knows_its_texts_by_name_and_several_at_once(zoo: _Zoo) -> None:
    named, full = (moved(work_of(zoo, method="mapper", text=text)).w_plus
                   for text in ("beard", "a face with a beard"))  # fmt: skip
    assert named.tobytes() == full.tobytes()
    several = moved(work_of(zoo, method="mapper", text="hat + beard")).w_plus
    assert np.abs(several - named).max() > 0
    with pytest.raises(BadText, match="not trained for 'Elsa'; it knows hat: a hat"):
        moved(work_of(zoo, method="mapper", mapper="levels", text="Elsa"))


def test_levels_that_are_left_out_keep_their_bits(zoo: _Zoo) -> None:
    work = work_of(zoo, method="direction", levels=["medium"])
    start, found = work.inputs["project"]["w_plus"], moved(work).w_plus
    assert found[:4].tobytes() == start[:4].tobytes()
    assert np.abs(found[4:8] - start[4:8]).max() > 0
    missing = moved(work_of(zoo, method="mapper", mapper="levels")).w_plus  # coarse and medium
    assert missing.tobytes() == start[:8].tobytes()
    with pytest.raises(BadText, match="leave levels out"):
        moved(work_of(zoo, method="mapper", mapper="styles", levels=["fine"]))


def test_several_photos_at_once_are_as_each_alone(zoo: _Zoo) -> None:
    about = {"method": "optimise", "steps": 3, "every": 2}
    works = [work_of(zoo, seed, **about) for seed in (0, 1)]
    assert batches(works[0].settings) and not batches(work_of(zoo, method="direction").settings)
    assert not batches({"moves": {"pose": 1.0}})
    together = run_together(works, TranslateSettings.of(works[0].settings))
    for work, found in zip(works, together, strict=True):
        alone = moved(work)
        assert np.allclose(found.w_plus, alone.w_plus, atol=1e-4)
        assert found.iterates is not None and found.iterates.shape == (SIDE, SIDE, 3)


def test_a_face_out_of_nothing_begins_at_the_mean(zoo: _Zoo) -> None:
    one, other = (moved(work_of(zoo, seed, method="optimise", steps=2, start="mean"))
                  for seed in (0, 1))  # fmt: skip
    assert one.w_plus.tobytes() == other.w_plus.tobytes()
    assert np.abs(one.w_plus - 0.25).max() < 1  # a few steps from there


def test_views_are_the_picture_and_others(zoo: _Zoo) -> None:
    pictures = torch.rand(2, 3, 8, 8)
    assert torch.equal(optimise.views(pictures, 3, 1), pictures)
    seen = optimise.views(pictures, 3, 4)
    assert seen.shape == (8, 3, 8, 8) and torch.equal(seen[:2], pictures)
    assert not torch.equal(seen, optimise.views(pictures, 4, 4))


def test_a_killed_chain_ends_in_the_same_bytes(
    zoo: _Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimise, "DRAFT_S", 0.0)
    slow = {"method": "optimise", "steps": 3, "every": 1}
    links = [slow, {"method": "global", "channels": 3}, {**slow, "text": "a beard", "space": "s"}]
    whole = moved(work_of(zoo, chain=links))
    draft = Draft(tmp_path / "killed.npz")
    for at in (2, 5):  # in the first text, and in the last
        work, steps = work_of(zoo, chain=links, draft=draft), iter(range(1, 99))

        def die(step: int, of: int, loss: float, at: int = at, steps: Any = steps) -> None:
            if next(steps) == at:
                raise KeyboardInterrupt

        object.__setattr__(work, "on_progress", die)
        with pytest.raises(KeyboardInterrupt):
            moved(work)
    work, steps = work_of(zoo, chain=links, draft=draft), []
    object.__setattr__(work, "on_progress", lambda *told: steps.append(told))
    again = moved(work)
    assert len(steps) == 1  # the last one of the last text alone
    for name in ("w_plus", "styles", "iterates"):
        assert getattr(again, name).tobytes() == getattr(whole, name).tobytes()
    assert again.about == whole.about


# DeltaEdit


class _DeltaZoo(_Zoo):
    """With a generator that has finer styles than the seven that are as wide as a code."""

    def __init__(self) -> None:
        super().__init__()
        generator = Generator(size=64, style_dim=W, n_mlp=1, channels={4 << n: 8 for n in range(5)})
        styles = generator.styles(torch.zeros(1, CODES + 2, W))
        rows = sum(style.shape[1] for i, style in enumerate(styles) if i % 3 != 1)
        tables = Relevance(rows, 16, 0)
        tables.relevance.copy_(torch.nn.functional.normalize(torch.randn(rows, 16), dim=1))
        mapper = DeltaMapper(8, rows - 7 * 8, 32)
        nets = {"generator": generator, "relevance": tables, "delta_mapper": mapper}
        for role, net in nets.items():
            self.models[role] = Model(role, net.eval().requires_grad_(False))


def delta_work(zoo: Any, **said: Any) -> Work:
    w_plus = np.random.default_rng(3).standard_normal((CODES + 2, W)).astype(np.float32)
    text = {**ASKED, "method": "deltaedit", "disentangle": 0.05, **said}
    settings = {"first_code": 0, "end_code": None, "text": text}
    return Work(settings, {"project": {"w_plus": w_plus}}, zoo)


def test_deltaedit_moves_the_styles_that_follow_and_no_others() -> None:
    zoo = _DeltaZoo()
    work = delta_work(zoo)
    found = moved(work)
    assert found.w_plus.tobytes() == work.inputs["project"]["w_plus"].tobytes()
    assert found.styles is not None
    styles = zoo.models["generator"].net.styles(torch.zeros(1, CODES + 2, W))
    parts = np.split(found.styles, np.cumsum([style.shape[1] for style in styles])[:-1])
    assert all(not part.any() for i, part in enumerate(parts) if i % 3 == 1)  # of RGB layers
    moves = np.concatenate([part for i, part in enumerate(parts) if i % 3 != 1])
    assert 0 < found.about["channels_moved"] < len(moves)
    assert (moves != 0).sum() <= found.about["channels_moved"]
    twice = moved(delta_work(zoo, strength=4.0))
    assert np.allclose(twice.styles, 2 * found.styles, atol=1e-6)
    all_of_them = moved(delta_work(zoo, disentangle=0.0))
    assert all_of_them.about["channels_moved"] == len(moves)


def test_deltaedit_says_what_it_lacks() -> None:
    zoo = _DeltaZoo()
    with pytest.raises(BadText, match="no channel follows this text by 1 or more"):
        moved(delta_work(zoo, disentangle=1.0))
    zoo.models["relevance"] = Model("relevance", Relevance(5, 16, 0))
    with pytest.raises(BadText, match="5 channels have a relevance"):
        moved(delta_work(zoo))
