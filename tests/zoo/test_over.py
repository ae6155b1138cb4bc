"""Weights files that hold what differs from another one beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import networks, save_model
from unripple.conventions import BadCheckpoint
from unripple.zoo import networks as zoo_networks
from unripple.zoo import over
from unripple.zoo.zoo import Zoo

KEY = "convs.7.conv.weight"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "generator.safetensors"
    state = networks()["generator"].state_dict() | {"latent_avg": torch.ones(16)}
    save_model(path, state, arch="generator", size=64)
    return path


def difference(base: Path, **other: Any) -> Path:
    """A file that makes one layer zero."""
    digest = hashlib.sha256(base.read_bytes()).hexdigest()
    shape = networks()["generator"].state_dict()[KEY].shape
    state = {other.pop("key", KEY): torch.zeros(shape)}
    about = {"file": base.name, "sha256": digest} | other
    path = base.with_name("generator-flat.safetensors")
    save_model(path, state, arch="generator", size=64, over=about)
    return path


def test_the_layers_of_a_file_go_over_those_of_another(base: Path) -> None:
    path = difference(base)
    model = zoo_networks.load("generator", path, torch.device("cpu"))
    whole = zoo_networks.load("generator", base, torch.device("cpu"))
    for name, value in model.net.state_dict().items():
        wanted = torch.zeros_like(value) if name == KEY else whole.net.state_dict()[name]
        assert torch.equal(value, wanted), name
    assert torch.equal(model.extras["latent_avg"], whole.extras["latent_avg"])
    assert path.stat().st_size < 0.2 * base.stat().st_size


def test_both_files_decide_what_is_drawn(base: Path) -> None:
    path = difference(base)
    assert Zoo({"generator": str(path)}).files("generator") == [path, base]
    assert Zoo({"generator": str(base)}).files("generator") == [base]
    missing = base.with_name("none.safetensors")
    assert over.files_of(missing) == [missing]


def test_another_generator_beside_it_is_refused(base: Path) -> None:
    path = difference(base)
    state = networks()["generator"].state_dict() | {"latent_avg": torch.zeros(16)}
    save_model(base, state, arch="generator", size=64)
    with pytest.raises(BadCheckpoint, match=r"over another generator\.safetensors"):
        zoo_networks.load("generator", path, torch.device("cpu"))
    base.unlink()
    with pytest.raises(BadCheckpoint, match="no such weights file"):
        zoo_networks.load("generator", path, torch.device("cpu"))


@pytest.mark.parametrize("other", [{"file": "../generator.safetensors"}, {"sha256": 3}])
def test_a_file_that_does_not_say_over_what_is_refused(base: Path, other: Any) -> None:
    with pytest.raises(BadCheckpoint, match="which file of its folder"):
        zoo_networks.load("generator", difference(base, **other), torch.device("cpu"))


def test_a_layer_that_the_other_one_lacks_is_named(base: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"has no convs\.70"):
        zoo_networks.load("generator", difference(base, key="convs.70"), torch.device("cpu"))
