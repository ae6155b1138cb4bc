"""Every role comes out ready, or with a complaint that says what, where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.tiny import SIZE, W, networks, save_model, write_models
from unripple.conventions import BadCheckpoint, BadConfig, UnknownName, UnrippleError
from unripple.zoo.networks import find_device
from unripple.zoo.zoo import ROLES, Zoo


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("role", ROLES)
def test_every_role_loads_ready_to_use(models: dict[str, str], role: str) -> None:
    zoo = Zoo(models)
    model = zoo.load(role)
    expected = networks()[role].state_dict()
    loaded = model.net.state_dict()
    assert loaded.keys() == expected.keys()
    for name, value in expected.items():
        wanted = value.half().float() if value.is_floating_point() else value
        assert torch.equal(loaded[name], wanted), name
    assert not model.net.training
    assert not any(weight.requires_grad for weight in model.net.parameters())
    assert model.size_px == SIZE
    assert zoo.load(role) is model


def test_the_mean_code_comes_beside_the_network(models: dict[str, str]) -> None:
    assert Zoo(models).load("encoder").extras["latent_avg"].shape == (W,)


def change(models: dict[str, str], folder: Path, **changes: torch.Tensor | None) -> Zoo:
    """A zoo whose pose network has some weights replaced, or left out (None)."""
    state = dict(networks()["pose"].state_dict())
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    save_model(folder / "pose.safetensors", state, size=SIZE)
    return Zoo({**models, "pose": str(folder / "pose.safetensors")})


def test_a_missing_weight_is_named(models: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"pose network: 1 missing \(angles\.bias\)"):
        change(models, tmp_path, angles__bias=None).load("pose")


def test_an_unknown_weight_is_named(models: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"1 unknown \(surprise\)"):
        change(models, tmp_path, surprise=torch.ones(1)).load("pose")


def test_a_weight_of_another_shape_is_named(models: dict[str, str], tmp_path: Path) -> None:
    complaint = r"angles\.bias \[4\] instead of \[3\]"
    with pytest.raises(BadCheckpoint, match=complaint):
        change(models, tmp_path, angles__bias=torch.ones(4)).load("pose")


def test_weights_of_another_network_are_refused(models: dict[str, str]) -> None:
    zoo = Zoo({**models, "generator": models["parser"]})
    with pytest.raises(
        BadCheckpoint, match=r"these are no weights of a generator.*models\.generator"
    ):
        zoo.load("generator")


def test_roles_and_sets_must_exist() -> None:
    with pytest.raises(UnknownName, match="no role 'generatr'"):
        Zoo({"generatr": "x"})
    with pytest.raises(BadConfig, match="wanted 'embedded' or a path per role"):
        Zoo("published")


def test_roles_left_out_are_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRIPPLE_HOME", "/somewhere")
    zoo = Zoo({"parser": "mine.safetensors"})
    assert zoo.path("parser") == Path("mine.safetensors")
    assert zoo.path("depth") == Path("/somewhere/data/models/depth.safetensors")


def test_devices_that_do_not_exist_are_named() -> None:
    with pytest.raises(UnrippleError, match="device 'warp' is unknown"):
        find_device("warp")
    if not torch.cuda.is_available():
        with pytest.raises(UnrippleError, match="torch finds no GPU"):
            find_device("cuda")
        assert find_device("auto") == torch.device("cpu")


def test_mtcnn_brings_its_own_weights() -> None:
    files = Zoo().files("mtcnn")
    assert [path.name for path in files] == ["pnet.pt", "rnet.pt", "onet.pt"]
    assert all(path.exists() for path in files)
