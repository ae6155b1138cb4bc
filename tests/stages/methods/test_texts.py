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
from unripple.models.relevance import Relevance
from unripple.models.stylegan2 import Generator
from unripple.runtime.cache import MemoryCache
from unripple.runtime.work import Work
from unripple.stages.invert import draw, restyled
from unripple.stages.texts import TEXTS, TextSettings, optimise
from unripple.stages.translate import Translated, TranslateSettings
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
        self.loads: list[str] = []

    def load(self, role: str) -> Model:
        """The network of a role."""
        self.loads.append(role)
        return self.models[role]


@pytest.fixture(scope="module")
def zoo() -> _Zoo:
    return _Zoo()


def work_of(zoo: Any, seed: int = 0, cache: Any = None, draft: Any = None, **said: Any) -> Work:
    """A photo's task."""
    w_plus = np.random.default_rng(seed).standard_normal((CODES, W)).astype(np.float32)
    settings = {"first_code": 0, "end_code": None, "text": {**ASKED, **said}}
    words = {} if draft is None else {"draft": draft}
    return Work(
        settings,
        {"project": {"w_plus": w_plus}},
        zoo,
        cache=cache,
        weights=dict.fromkeys(zoo.models, "x"),
        **words,
    )


def moved(work: Work) -> Translated:
    """What translate makes of it."""
    return translate(work, TranslateSettings.of(work.settings))


def test_a_direction_is_made_once_and_moves_all_photos_alike(zoo: _Zoo) -> None:
    cache = MemoryCache()
    one, other = (work_of(zoo, seed, cache, method="direction") for seed in (0, 1))
    steps = [moved(work).w_plus - work.inputs["project"]["w_plus"] for work in (one, other)]
    assert np.allclose(steps[0], steps[1], atol=1e-5) and np.abs(steps[0]).max() > 0
    assert np.allclose(steps[0], steps[0][:1], atol=1e-5)  # all codes alike
    zoo.loads.clear()
    moved(work_of(zoo, 2, cache, method="direction"))
    assert zoo.loads == []  # found, not made
    moved(work_of(zoo, 2, cache, method="direction", text="a beard"))
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
