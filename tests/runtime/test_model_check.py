"""Networks that are right pass; one of another convention fails, and the convention is named."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.cli.main import main
from unripple.runtime.model_check import QUESTIONS, NetworkOutcome, check_network, check_zoo
from unripple.runtime.model_check import checking as checking
from unripple.runtime.model_check.checking import check_direction
from unripple.runtime.model_check.questions import Bench, Finding, Question
from unripple.runtime.model_check.ways import BYTES, IMAGENET, SIGNED, UNIT, Otherwise
from unripple.zoo.directions import read_directions
from unripple.zoo.networks import Model
from unripple.zoo.zoo import Zoo, directions_path


@pytest.fixture(scope="module")
def bench() -> Bench:
    zoo = Zoo()
    return Bench(zoo, zoo.load("generator"), count=2)


def ask(
    bench: Bench, role: str, change: Callable[[nn.Module], nn.Module] | None = None
) -> NetworkOutcome:
    model = bench.zoo.load(role)
    if change is not None:
        model = replace(model, net=change(deepcopy(model.net)))
    return check_network(model, QUESTIONS[role], bench, "embedded")


def made_for_bgr(net: nn.Module) -> nn.Module:
    """The network that a training on BGR would have given: its first layer has them swapped."""
    first = next(one for one in net.modules() if isinstance(one, nn.Conv2d))
    first.weight.data[:, :3] = first.weight.data[:, [2, 1, 0]]
    return net


@pytest.mark.parametrize("coding", [SIGNED, UNIT, BYTES, IMAGENET], ids=lambda one: one.name)
def test_codings_go_there_and_back(coding: Any) -> None:
    shares = torch.rand(1, 3, 4, 4)
    assert torch.allclose(coding.shares(coding.numbers(shares)), shares, atol=1e-5)
    assert torch.allclose(SIGNED.numbers(shares), shares * 2 - 1)


@pytest.mark.parametrize("role", ["landmarks", "mtcnn", "generator"])
def test_the_embedded_ones_pass(bench: Bench, role: str) -> None:
    outcome = ask(bench, role)
    assert outcome.passed and outcome.would == (), outcome.line()
    assert outcome.picture.dtype == np.uint8 and outcome.line().startswith("ok")


@pytest.mark.parametrize("role", ["landmarks", "identity"])
def test_swapped_colours_are_named(bench: Bench, role: str) -> None:
    outcome = ask(bench, role, made_for_bgr)
    assert not outcome.passed and outcome.would[0] == "colours are BGR, not RGB"
    assert outcome.line().startswith("WRONG") and "BGR" in outcome.line()


def test_a_generator_that_draws_from_0_to_1_is_named(bench: Bench) -> None:
    outcome = ask(bench, "generator", lambda net: Otherwise(net, outcome=lambda y: y / 2 + 0.5))
    assert not outcome.passed and outcome.would[0] == "values are 0 to 1, not -1 to 1"


def test_a_generator_that_draws_bgr_is_named(bench: Bench) -> None:
    outcome = ask(bench, "generator", lambda net: Otherwise(net, outcome=lambda y: y.flip(1)))
    assert not outcome.passed and outcome.would[0] == "colours are BGR, not RGB"


def test_another_range_and_size_are_named(bench: Bench) -> None:
    """By a toy that sees a picture's mean light, and likes it at 32 px alone."""

    def answer(model: Model, bench: Bench) -> Finding:
        face = torch.from_numpy(bench.mean).permute(2, 0, 1)[None].float() / 127.5 - 1
        right = float(model.net(face)) * (1.0 if model.size_px == 32 else 0.5)
        return Finding(right, "", bench.mean)

    class WantsBytes(nn.Module):
        def forward(self, picture: Tensor) -> Tensor:
            return (picture.mean() > 1).float()

    question = Question("?", answer, 0.7, scales=True)
    toy = Model("toy", WantsBytes(), metadata={"size": 32})
    assert check_network(toy, question, bench).would[0] == "values are 0 to 255, not -1 to 1"
    large = Model("toy", nn.Flatten(), metadata={"size": 64})
    seen = Question("?", lambda m, b: Finding(float(m.size_px == 32), "", b.mean), 0.7, scales=True)
    assert check_network(large, seen, bench).would == ("pictures are 32 px, not 64",)


def test_what_no_convention_explains_says_so(bench: Bench) -> None:
    nothing = Question("?", lambda _, bench: Finding(0.1, "", bench.mean), 0.5)
    outcome = check_network(bench.zoo.load("landmarks"), nothing, bench)
    assert not outcome.passed and "is it another network?" in outcome.line()


def test_a_direction_of_the_other_sign_is_named(bench: Bench) -> None:
    pose = read_directions(directions_path())["pose"]
    assert check_direction(bench, pose).passed
    turned = check_direction(bench, replace(pose, vector=-pose.vector))
    assert not turned.passed and turned.would == ("it is taken with the other sign",)


@pytest.mark.slow
def test_all_embedded_ones_pass_and_a_swapped_encoder_does_not(bench: Bench) -> None:
    for outcome in check_zoo(bench.zoo):
        assert outcome.passed, outcome.line()
    for role in ("encoder", "inpainter"):
        outcome = ask(bench, role, made_for_bgr)
        assert not outcome.passed and outcome.would[0] == "colours are BGR, not RGB", role
    far = ask(bench, "depth", lambda net: Otherwise(net, outcome=torch.neg))
    assert not far.passed and far.would[0] == "larger is farther, not nearer"


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {role: QUESTIONS[role] for role in ("landmarks",)}
    monkeypatch.setattr(checking, "QUESTIONS", kept)
    assert main(["models", "check", "embedded", "-o", str(tmp_path / "seen")]) == 0
    assert capsys.readouterr().out.startswith("ok     landmarks (embedded): does it find")
    assert (tmp_path / "seen/embedded/landmarks.png").exists()
    assert main(["models", "check", "landmarks"]) == 0
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path / "none"))
    assert main(["models", "check", "lama"]) == 1
    assert main(["models", "check", "lamma"]) == 2
