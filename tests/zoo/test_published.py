"""Published files become safetensors, one per role, and are recognised by what they hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import CODES, W
from tests.zoo.conversions import ALIKE, CONTENTS, CPU, MADE, SHA
from tests.zoo.slim import ENTRIES, LOCK, contents, save, state_of
from unripple.ops.latents import FFHQ_COMPONENTS
from unripple.zoo import published
from unripple.zoo.containers import read_container
from unripple.zoo.directions import read_directions
from unripple.zoo.index import Entry, read_index
from unripple.zoo.layouts import LAYOUTS
from unripple.zoo.networks import EXTRAS, NETWORKS_OF, fitted, load
from unripple.zoo.published import convert, recognise
from unripple.zoo.registry import converted_from
from unripple.zoo.weights import read_header

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name", [name for name in ENTRIES if "directions" not in ENTRIES[name].networks]
)
def test_every_network_of_a_file_comes_out_ready(name: str, source: Path, folder: Path) -> None:
    entry = ENTRIES[name]
    save(name, contents(MADE)[name], source)
    files = convert(source, entry, folder, sha256=SHA)
    assert files == {role: folder / f"{name}.{role}.safetensors" for role in entry.networks}
    assert sorted(folder.iterdir()) == sorted(files.values())
    for role, path in files.items():
        metadata, _ = read_header(path)
        about = {"entry": name, "file": entry.file, "sha256": SHA}
        assert metadata["source"] == about and converted_from(path) == SHA
        assert metadata["role"] == role and metadata["network"] == entry.networks[role]
        assert metadata["size"] == 64
        model = load(role, path, CPU)
        assert model.network == entry.networks[role]
        expected = MADE[model.network].state_dict()
        loaded = model.net.state_dict()
        assert loaded.keys() == expected.keys()
        for key, value in expected.items():
            rounded = (
                value.half().float() if name == "clip" and value.is_floating_point() else value
            )
            assert torch.equal(loaded[key], rounded), key


@pytest.mark.parametrize("name", ["hfgi", "e4e"])
def test_generator_and_encoder_keep_the_mean_code(name: str, source: Path, folder: Path) -> None:
    content = contents(MADE)[name]
    save(name, content, source)
    files = convert(source, ENTRIES[name], folder, sha256=SHA)
    for role in ("generator", "encoder"):
        mean = load(role, files[role], CPU).extras["latent_avg"]
        assert mean.shape == (CODES, W) and torch.equal(mean, content["latent_avg"])


def test_the_codes_of_anycost_need_no_mean(source: Path, folder: Path) -> None:
    content = contents(MADE)["anycost_encoder"]
    save("anycost_encoder", content, source)
    path = convert(source, ENTRIES["anycost_encoder"], folder, sha256=SHA)["encoder"]
    model = load("encoder", path, CPU)
    assert torch.equal(model.extras["latent_avg"], torch.zeros(W))
    picture = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model.net(picture), MADE["anycost_encoder"].eval()(picture))


def test_float_types_stay_in_the_file_and_become_float32(source: Path, folder: Path) -> None:
    save("clip", contents(MADE)["clip"], source)
    path = convert(source, ENTRIES["clip"], folder, sha256=SHA)["clip"]
    types = {tensor.dtype for tensor in load_file(path).values()}
    assert types == {torch.float16}
    parameters = load("clip", path, CPU).net.parameters()
    assert {parameter.dtype for parameter in parameters} == {torch.float32}


def test_the_library_reads_what_we_write(source: Path, folder: Path) -> None:
    content = contents(MADE)["bisenet"]
    content["cp.resnet.conv1.weight"] = content["cp.resnet.conv1.weight"].to(
        memory_format=torch.channels_last
    )
    save("bisenet", content, source)
    path = convert(source, ENTRIES["bisenet"], folder, sha256=SHA)["parser"]
    read = load_file(path)
    assert read.keys() == content.keys()
    for key, value in content.items():
        assert read[key].dtype == value.dtype and torch.equal(read[key], value)
    with safe_open(path, "pt") as file:
        assert file.metadata()["format"] == "pt" and file.metadata()["role"] == '"parser"'


def test_weights_of_several_gpus_and_an_optimizer_are_unwrapped(source: Path, folder: Path) -> None:
    state = state_of(MADE["dpt"])
    save("dpt", {"model": state, "optimizer": {"lr": 1.0}}, source)
    convert(source, ENTRIES["dpt"], folder, sha256=SHA)
    save("gfpgan", {"params": state_of(MADE["gfpgan"])}, source)
    convert(source, ENTRIES["gfpgan"], folder, sha256=SHA)
    prefixed = {"state_dict": state_of(MADE["anycost_encoder"], "encoder.")}
    save("anycost_encoder", prefixed, source)
    convert(source, ENTRIES["anycost_encoder"], folder, sha256=SHA)
    new_names = state_of(MADE["graphonomy"])
    save("graphonomy", new_names, source)
    path = convert(source, ENTRIES["graphonomy"], folder, sha256=SHA)["parser"]
    assert load_file(path).keys() == new_names.keys()


def test_a_weight_that_is_repeated_in_memory_is_written_in_full(source: Path, folder: Path) -> None:
    content = contents(MADE)["e4e"]
    content["latent_avg"] = torch.arange(float(W)).expand(CODES, W)
    save("e4e", content, source)
    path = convert(source, ENTRIES["e4e"], folder, sha256=SHA)["encoder"]
    assert torch.equal(load_file(path)["latent_avg"], content["latent_avg"])


# Directions


def test_directions_are_found_by_name(source: Path, folder: Path) -> None:
    held = contents(MADE)
    for name in ("age", "pose_direction", "ffhq_pca"):
        save(name, held[name], source)
        convert(source, ENTRIES[name], folder, sha256=SHA)
    found = read_directions(folder)
    assert sorted(found) == sorted(["age", "pose", *FFHQ_COMPONENTS])
    assert np.array_equal(found["age"].vector, held["age"][0])
    assert np.array_equal(found["pose"].vector, held["pose_direction"][0])
    for name, edit in FFHQ_COMPONENTS.items():
        component = found[name].component
        assert component is not None
        assert np.array_equal(component.axis, held["ffhq_pca"]["comp"][edit.component, 0])
        assert np.array_equal(component.mean, held["ffhq_pca"]["mean"][0])
        assert component.spread == held["ffhq_pca"]["std"][edit.component].item()
        assert found[name].codes == (edit.first_code, edit.end_code)


def test_the_real_directions_are_converted(published_directions: Path, folder: Path) -> None:
    lock = read_index(REPO / "data" / "models.lock.yaml")
    for name in ("age", "smile", "pose_direction", "ffhq_pca"):
        entry = lock.entry(name)
        convert(published_directions / entry.file, entry, folder, sha256=SHA)
    found = read_directions(folder)
    assert sorted(found) == sorted(["age", "smile", "pose", *FFHQ_COMPONENTS])
    assert found["pose"].vector.shape == (18, 512) and found["age"].vector.shape == (512,)


# The published layouts, as the goldens list them


def _psp(state: dict[str, Tensor]) -> dict[str, Any]:
    mean = state.pop("latent_avg")
    return {"state_dict": state, "latent_avg": mean, "opts": {}}


def _old_graphonomy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    kept = {key: v for key, v in state.items() if not key.endswith("num_batches_tracked")}
    return {f"module.{key}": value for key, value in kept.items()}


def _anycost_encoder(state: dict[str, Tensor]) -> dict[str, Any]:
    own = {key: value for key, value in state.items() if key.startswith("encoder.")}
    return {"state_dict": {key.removeprefix("encoder."): value for key, value in own.items()}}


PUBLISHED: dict[str, tuple[str, Callable[[dict[str, Tensor]], Any]]] = {
    "hfgi": ("hfgi", _psp),
    "e4e": ("e4e", _psp),
    "stylegan2": ("stylegan2", lambda state: {"g_ema": state, "g": {}, "d": {}}),
    "anycost_generator": ("anycost", lambda state: {"g_ema": state}),
    "anycost_encoder": ("anycost_encoder", _anycost_encoder),
    "arcface": ("arcface", dict),
    "curricularface": ("curricularface", dict),
    "graphonomy": ("graphonomy", _old_graphonomy),
    "bisenet": ("bisenet", dict),
    "dpt_large": ("dpt_large", dict),
    "dpt_hybrid": ("dpt_hybrid", lambda state: {"model": state, "optimizer": {}}),
    "lama": (
        "lama",
        lambda state: {"state_dict": {f"generator.{key}": v for key, v in state.items()}},
    ),
    "gfpgan": ("gfpgan", lambda state: {"params_ema": state}),
    "clip_vit_b32": ("clip", lambda state: state | {"context_length": torch.tensor(77)}),
}


@pytest.mark.parametrize("golden", list(PUBLISHED))
def test_the_published_layouts_fit_strictly(golden: str, goldens: Path) -> None:
    """Without values: names and shapes of the whole published files."""
    facts = json.loads((goldens / golden / "golden.json").read_text())
    types = {
        key: getattr(torch, one.get("dtype", "float32")) for key, one in facts["state"].items()
    }
    state = {
        key: torch.empty(one["shape"], dtype=types[key], device="meta")
        for key, one in facts["state"].items()
    }
    name, wrapped = PUBLISHED[golden]
    entry = read_index(REPO / "data" / "models.lock.yaml").entry(name)
    states = LAYOUTS[entry.layout](wrapped(state), entry)
    assert states.keys() == entry.networks.keys()
    for role, own in states.items():
        held = {key: value for key, value in own.items() if key not in EXTRAS}
        fitted(role, entry.networks[role], held, golden, "nothing")


# Once


def test_what_is_converted_is_left_alone(source: Path, folder: Path) -> None:
    save("e4e", contents(MADE)["e4e"], source)
    files = convert(source, ENTRIES["e4e"], folder, sha256=SHA)
    before = {path: path.stat().st_mtime_ns for path in files.values()}
    source.unlink()
    assert convert(source, ENTRIES["e4e"], folder, sha256=SHA) == files
    assert {path: path.stat().st_mtime_ns for path in files.values()} == before


@pytest.mark.parametrize("what", ["sha256", "missing", "cut short", "metadata"])
def test_what_is_out_of_date_is_made_anew(what: str, source: Path, folder: Path) -> None:
    entry, sha = ENTRIES["e4e"], SHA
    save("e4e", contents(MADE)["e4e"], source)
    files = convert(source, entry, folder, sha256=SHA)
    whole = files["encoder"].read_bytes()
    if what == "sha256":
        sha = "cd" * 32
    elif what == "missing":
        files["encoder"].unlink()
    elif what == "cut short":
        files["encoder"].write_bytes(whole[:-1])
    else:
        entry = dataclasses.replace(entry, metadata={"encoder": {"size": 64, "framing": [1]}})
    convert(source, entry, folder, sha256=sha)
    assert converted_from(files["encoder"]) == sha
    assert read_header(files["encoder"])[0].get("framing") == ([1] if what == "metadata" else None)
    assert load_file(files["encoder"]).keys() == {*MADE["e4e"].state_dict(), "latent_avg"}


# Recognising


def test_a_content_is_recognised(source: Path) -> None:
    for name, content in CONTENTS.items():
        save(name, content, source)
        held = read_container(source, member=ENTRIES[name].member)
        found = {one.name for one in recognise(held, LOCK)}
        assert found == (ALIKE if name in ALIKE else {name})
        assert all(isinstance(one, Entry) for one in recognise(held, LOCK))


def test_a_foreign_content_is_not_recognised() -> None:
    assert recognise({"a": torch.ones(1)}, LOCK) == [] and recognise(None, LOCK) == []


def test_the_list_names_layouts_and_networks_that_exist() -> None:
    lock = read_index(REPO / "data" / "models.lock.yaml")
    for entry in lock.entries.values():
        known = {*published.LAYOUTS, published.TFLITE, published.DLIB}
        assert not entry.networks or entry.layout in known, entry.name
        for role, network in entry.networks.items():
            assert role == published.DIRECTIONS or network in NETWORKS_OF[role], entry.name
