"""The auxiliary losses of encoder and HFGI."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch

from unripple.conventions import BadCheckpoint
from unripple.models.bisenet import BiSeNet
from unripple.models.irse import Backbone
from unripple.training import auxiliary, cards


@pytest.fixture
def chosen(tmp_path: Path) -> Namespace:
    torch.manual_seed(0)
    parser = BiSeNet(widths=(8, 8, 12, 16, 24))
    cards.save_half(tmp_path / "parser.safetensors", parser.state_dict())
    identity = Backbone(input_size=32, widths=(8, 12, 16, 20, 24), units=(1, 1, 1, 1), embedding=8)
    cards.save_half(tmp_path / "identity.safetensors", identity.state_dict())
    return Namespace(models=tmp_path, device="cpu", perceptual=0.5, identity=0.2)


def test_judges_are_zero_for_the_truth_and_pull_towards_it(chosen: Namespace) -> None:
    losses = auxiliary.load(chosen)
    assert losses.weights == {"perceptual": 0.5, "identity": 0.2}
    target = torch.rand(2, 3, 64, 64) * 2 - 1
    assert all(abs(float(v)) < 1e-3 for v in losses(target, target).values())
    picture = (target + 0.5 * torch.randn_like(target)).requires_grad_(True)
    for name, value in losses(picture, target).items():
        assert float(value.detach()) > 0, name
        (slope,) = torch.autograd.grad(value, picture)
        assert bool(slope.any()), name


def test_no_weight_asks_for_no_file(tmp_path: Path) -> None:
    losses = auxiliary.load(Namespace(models=tmp_path, device="cpu", perceptual=0.0, identity=0.0))
    assert losses(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)) == {}


def test_a_judge_whose_weights_are_missing_is_named(chosen: Namespace) -> None:
    (chosen.models / "identity.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"identity\.safetensors"):
        auxiliary.load(chosen)
