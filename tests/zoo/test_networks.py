"""Every role comes out ready, or with a complaint that says what, where and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.tiny import SIZE, W, networks, save_model, write_models
from tests.zoo.slim import nets
from unripple.conventions import BadCheckpoint, BadConfig, UnknownName, UnrippleError
from unripple.zoo import over
from unripple.zoo.networks import FOLDED, NETWORKS_OF, Model, find_device, load
from unripple.zoo.weights import write_state
from unripple.zoo.zoo import ROLES, Zoo

CPU = torch.device("cpu")
SLIM = {kind: net.requires_grad_(False).eval() for kind, net in nets().items()}
ROLE_OF = {network: role for role, words in NETWORKS_OF.items() for network in words}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_models(tmp_path_factory.mktemp("models"))


NEED_A_GRAPH = ("person", "mesh_judge")
ALONE = ("identity_judge",)
"""Roles that tests/zoo/test_dlib.py builds: there is one size of them."""
OF_TEXTS = ("clip", "relevance", "mapper")
"""Roles that tests/stages/methods and tests/training build; CLIP's classes bring timm in."""


@pytest.mark.parametrize(
    "role", [role for role in ROLES if role not in (*NEED_A_GRAPH, *ALONE, *OF_TEXTS)]
)
def test_every_role_loads_ready_to_use(models: dict[str, str], role: str) -> None:
    zoo = Zoo(models)
    model = zoo.load(role)
    expected = networks()[role].state_dict()
    # Norms of some are folded when they are asked for; what lies in the file is compared.
    stored = load(role, zoo.path(role), torch.device("cpu")) if role in FOLDED else model
    loaded = stored.net.state_dict()
    assert loaded.keys() == expected.keys()
    for name, value in expected.items():
        wanted = value.half().float() if value.is_floating_point() else value
        assert torch.equal(loaded[name], wanted), name
    assert not model.net.training
    assert not any(weight.requires_grad for weight in model.net.parameters())
    assert model.size_px == SIZE
    assert zoo.load(role) is model


def test_a_network_that_is_a_graph_brings_it_along(tmp_path: Path) -> None:
    operations = [{"kind": "prelu", "input": 0, "output": 1, "slope": "w"}]
    graph = {"inputs": [0], "outputs": [1], "input_shape": [1, 4, 4, 3], "operations": operations}
    about = {"network": "tflite_graph", "size": 4, "arguments": {"graph": graph}}
    path = tmp_path / "person.safetensors"
    write_state(path, {"w": torch.full((3,), 0.5)}, about)
    net = Zoo({"person": str(path)}).load("person").net
    (halved,) = net(-torch.ones(1, 3, 4, 4))
    assert (halved == -0.5).all()


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
    with pytest.raises(BadConfig, match="no set 'publishd'"):
        Zoo("publishd")


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


@pytest.mark.parametrize("models", ["embedded", "published", {"base": "published"}])
def test_mtcnn_comes_with_the_program_whatever_the_models(models: str | dict[str, str]) -> None:
    zoo = Zoo(models)
    assert [path.name for path in zoo.files("mtcnn")] == ["mtcnn.safetensors"]
    assert zoo.load("mtcnn").network == "mtcnn"


# Several networks per role


def saved(kind: str, path: Path, **metadata: Any) -> Path:
    """Write a slim network as float32, with as little metadata as given."""
    write_state(path, SLIM[kind].state_dict(), metadata)
    return path


def inputs_of(network: str) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    return {
        "stylegan2": (torch.randn(2, 10, W),),
        "lama": (picture, torch.ones(2, 1, 64, 64)),
        "arcface": (picture[..., :32, :32],),
        "curricularface": (picture[..., :32, :32],),
        "gfpgan": (picture[..., :32, :32],),
        "clip": (picture[..., :16, :16], torch.ones(2, 7, dtype=torch.long)),
    }.get(network, (picture,))


def answer(net: torch.nn.Module, network: str) -> list[torch.Tensor]:
    inputs = inputs_of(network)
    with torch.no_grad():
        if network == "hfgi":
            aligned = net["grid_align"](inputs[0], inputs[0])
            return [aligned, *net["residue"](aligned)]
        if network == "stylegan2":
            return [net.synthesize(*inputs)]
        given = net(*inputs)
    return [given] if isinstance(given, torch.Tensor) else list(given)


@pytest.mark.parametrize("network", list(SLIM))
def test_every_network_answers_as_before_it_was_saved(network: str, tmp_path: Path) -> None:
    """Also what a network holds besides its weights must be there again."""
    more = {"arguments": {"size": 64}} if network == "anycost_encoder" else {}
    path = saved(network, tmp_path / "net.safetensors", **more)
    model = load(ROLE_OF[network], path, CPU)
    assert model.network == network
    tensors = [*model.net.parameters(), *model.net.buffers()]
    assert not any(tensor.is_meta for tensor in tensors)
    expected = answer(SLIM[network], network)
    for value, wanted in zip(answer(model.net, network), expected, strict=True):
        assert torch.equal(value, wanted)


def test_the_metadata_decide_before_the_keys(tmp_path: Path) -> None:
    path = saved("bisenet", tmp_path / "net.safetensors", network="graphonomy")
    with pytest.raises(BadCheckpoint, match=r"no weights of a parser \(graphonomy: KeyError"):
        load("parser", path, CPU)


def test_a_network_of_another_role_is_refused(tmp_path: Path) -> None:
    path = saved("lama", tmp_path / "net.safetensors", network="lama")
    complaint = r"net\.safetensors: holds a network 'lama', which is no depth \(dpt\); name the"
    with pytest.raises(BadCheckpoint, match=complaint):
        load("depth", path, CPU)


@pytest.mark.parametrize("network", list(SLIM))
def test_a_network_in_the_wrong_role_is_refused(network: str, tmp_path: Path) -> None:
    path = saved(network, tmp_path / "net.safetensors")
    for role in set(NETWORKS_OF) - {ROLE_OF[network]}:
        with pytest.raises(BadCheckpoint, match=f"name the right file under models.{role}"):
            load(role, path, CPU)


def test_a_dead_key_that_is_missing_is_called_so(tmp_path: Path) -> None:
    state = dict(SLIM["gfpgan"].state_dict())
    del state["stylegan_decoder.style_mlp.1.bias"]
    save_file(state, tmp_path / "net.safetensors")
    with pytest.raises(BadCheckpoint, match=r"style_mlp\.1\.bias \(dead: unused\)"):
        load("restorer", tmp_path / "net.safetensors", CPU)


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state = dict(SLIM["pose"].state_dict())
    state["angles.bias"] = state["angles.bias"].long()
    save_file(state, tmp_path / "net.safetensors")
    with pytest.raises(BadCheckpoint, match=r"angles\.bias torch\.int64 for torch\.float32"):
        load("pose", tmp_path / "net.safetensors", CPU)


def test_large_weights_are_in_memory_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 weights are the very tensors that were read, which are views of the file."""
    path = saved("bisenet", tmp_path / "net.safetensors")
    read: dict[str, torch.Tensor] = {}
    real = over.read_state
    monkeypatch.setattr(over, "read_state", lambda p: read.setdefault("state", real(p)))
    model = load("parser", path, CPU)
    pointers = {key: value.data_ptr() for key, value in read["state"].items()}
    loaded = model.net.state_dict()
    assert {key: value.data_ptr() for key, value in loaded.items()} == pointers
    before = path.read_bytes()
    next(model.net.parameters()).zero_()
    assert path.read_bytes() == before


def test_who_only_looks_leaves_weights_that_gradients_go_through(models: dict[str, str]) -> None:
    with torch.inference_mode():
        net = load("pose", Path(models["pose"]), CPU).net
    picture = torch.zeros(1, 3, 64, 64, requires_grad=True)
    net(picture).sum().backward()
    assert picture.grad is not None and bool(picture.grad.isfinite().all())


def test_a_model_knows_its_network() -> None:
    assert Model("parser", torch.nn.Identity()).network == ""
    assert set(NETWORKS_OF) >= set(ROLES)


def test_loading_imports_no_compiler_and_no_torchvision(models: dict[str, str]) -> None:
    """Torch brings its compiler in for some first values on the meta device: 5 CPU seconds."""
    code = f"""
import sys
from unripple.zoo.zoo import ROLES, Zoo
zoo = Zoo({models})
for role in set(ROLES) - { {*NEED_A_GRAPH, *ALONE, *OF_TEXTS} }:
    zoo.load(role)
print(sorted({{"sympy", "timm", "torch._dynamo", "torchvision"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
