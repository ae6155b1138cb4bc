"""Published files become safetensors, one per role, or a complaint and nothing at all."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import CODES, W
from tests.zoo.slim import ENTRIES, LOCK, contents, nets, save, state_of
from unripple.conventions import BadCheckpoint, StoreError
from unripple.ops.latents import FFHQ_EDITS
from unripple.zoo import published, weights
from unripple.zoo.containers import read_container
from unripple.zoo.directions import read_directions
from unripple.zoo.layouts import LAYOUTS
from unripple.zoo.lock import Entry, read_lock
from unripple.zoo.networks import DEAD_KEYS, EXTRAS, NETWORKS_OF, fitted, load
from unripple.zoo.published import convert, recognise
from unripple.zoo.registry import converted_from
from unripple.zoo.weights import read_header

SHA = "ab" * 32
CPU = torch.device("cpu")
MADE = nets()
CONTENTS = contents(MADE)
WITH_NETWORKS = [name for name in ENTRIES if "directions" not in ENTRIES[name].networks]
REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "as_published.pt"


def refusal(name: str, source: Path, folder: Path) -> str:
    """The one line with which a file is refused; nothing may have been written."""
    before = sorted(folder.glob("*")) if folder.exists() else []
    with pytest.raises((BadCheckpoint, StoreError)) as error:
        convert(source, ENTRIES[name], folder, sha256=SHA)
    text = str(error.value)
    assert "\n" not in text and "; " in text
    assert str(source) in text or str(folder) in text
    assert (sorted(folder.glob("*")) if folder.exists() else []) == before
    return text


def changed(name: str, change: Callable[[Any], None], source: Path) -> None:
    """Write a published file with one thing wrong."""
    content = contents(MADE)[name]
    change(content)
    save(name, content, source)


# What comes out


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
    assert sorted(found) == sorted(["age", "pose", *FFHQ_EDITS])
    assert np.array_equal(found["age"].vector, held["age"][0])
    assert np.array_equal(found["pose"].vector, held["pose_direction"][0])
    for name, edit in FFHQ_EDITS.items():
        component = found[name].component
        assert component is not None
        assert np.array_equal(component.axis, held["ffhq_pca"]["comp"][edit.component, 0])
        assert np.array_equal(component.mean, held["ffhq_pca"]["mean"][0])
        assert component.spread == held["ffhq_pca"]["std"][edit.component].item()
        assert found[name].codes == (edit.first_code, edit.end_code)


def test_the_real_directions_are_converted(shared: Path, folder: Path) -> None:
    lock = read_lock(REPO / "data" / "models.lock.yaml")
    for name in ("age", "smile", "pose_direction", "ffhq_pca"):
        entry = lock.entry(name)
        convert(shared / "directions" / entry.file, entry, folder, sha256=SHA)
    found = read_directions(folder)
    assert sorted(found) == sorted(["age", "smile", "pose", *FFHQ_EDITS])
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
def test_the_published_layouts_fit_strictly(golden: str, shared: Path) -> None:
    """Without values: names and shapes of the whole published files."""
    facts = json.loads((shared / "goldens" / golden / "golden.json").read_text())
    types = {
        key: getattr(torch, one.get("dtype", "float32")) for key, one in facts["state"].items()
    }
    state = {
        key: torch.empty(one["shape"], dtype=types[key], device="meta")
        for key, one in facts["state"].items()
    }
    name, wrapped = PUBLISHED[golden]
    entry = read_lock(REPO / "data" / "models.lock.yaml").entry(name)
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


# What is refused


@pytest.mark.parametrize("name", list(ENTRIES))
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_a_truncated_file_is_refused(name: str, share: float, source: Path, folder: Path) -> None:
    save(name, contents(MADE)[name], source)
    data = source.read_bytes()
    source.write_bytes(data[: int(share * len(data))])
    text = refusal(name, source, folder)
    assert "get the file again" in text


@pytest.mark.parametrize("name", list(ENTRIES))
def test_a_page_is_refused(name: str, source: Path, folder: Path) -> None:
    source.write_bytes(b"<!DOCTYPE html><html>Quota exceeded</html>")
    assert "a web page, not weights" in refusal(name, source, folder)


def _weights(content: Any) -> dict[str, Tensor]:
    """The state dict in a content."""
    for key in ("state_dict", "g_ema", "params_ema"):
        if key in content:
            state: dict[str, Tensor] = content[key]
            return state
    flat: dict[str, Tensor] = content
    return flat


def _drop(content: dict[str, Any], key: str) -> None:
    del content[key]


def _fill(tensor: Tensor, value: float) -> None:
    tensor.fill_(value)


def _victim(name: str) -> str:
    """A key of the file whose shape says nothing about the network's size."""
    return {
        "hfgi": "residue.conv_layer1.1.bias",
        "e4e": "encoder.input_layer.1.bias",
        "stylegan2": "style.1.bias",
        "anycost_encoder": "bn1.bias",
        "arcface": "input_layer.1.bias",
        "curricularface": "input_layer.1.bias",
        "graphonomy": "module.aspp1.bn.bias",
        "bisenet": "cp.resnet.bn1.bias",
        "dpt": "pretrained.model.blocks.0.norm1.bias",
        "lama": "generator.model.1.bn_l.bias",
        "gfpgan": "final_linear.bias",
        "clip": "ln_final.bias",
    }[name]


def inner(name: str) -> str:
    """The same key as the network calls it."""
    key = _victim(name)
    for prefix in ("encoder.", "generator.", "module."):
        key = key.removeprefix(prefix)
    return key


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_a_missing_key_is_named(name: str, source: Path, folder: Path) -> None:
    changed(name, lambda content: _drop(_weights(content), _victim(name)), source)
    assert f"1 missing ({inner(name)})" in refusal(name, source, folder)


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_an_extra_key_is_named(name: str, source: Path, folder: Path) -> None:
    extra = _victim(name).replace("bias", "surprise")
    changed(name, lambda c: _weights(c).update({extra: torch.ones(2)}), source)
    assert f"1 unknown ({inner(name).replace('bias', 'surprise')})" in refusal(name, source, folder)


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_a_wrong_shape_is_named(name: str, source: Path, folder: Path) -> None:
    changed(name, lambda c: _weights(c).update({_victim(name): torch.ones(3, 5)}), source)
    assert f"of another shape ({inner(name)} [3, 5] instead of [" in refusal(name, source, folder)


@pytest.mark.parametrize("name", WITH_NETWORKS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_no_numbers_are_refused(
    name: str, value: float, source: Path, folder: Path
) -> None:
    changed(name, lambda c: _fill(_weights(c)[_victim(name)][..., 0], value), source)
    text = refusal(name, source, folder)
    assert f"{inner(name)} of its" in text and "no numbers (NaN or infinite)" in text


def test_a_mean_code_or_a_direction_must_be_numbers(source: Path, folder: Path) -> None:
    changed("e4e", lambda c: _fill(c["latent_avg"][0, 0], float("nan")), source)
    assert "latent_avg of its generator" in refusal("e4e", source, folder)
    save("age", torch.full((1, W), float("inf")), source)
    assert "age of its directions" in refusal("age", source, folder)


def test_whole_numbers_are_no_weights(source: Path, folder: Path) -> None:
    victim = _victim("bisenet")
    changed("bisenet", lambda c: c.update({victim: c[victim].long()}), source)
    assert f"of another type ({victim} torch.int64 for torch.float32)" in refusal(
        "bisenet", source, folder
    )


@pytest.mark.parametrize(
    "odd",
    [
        lambda bias: bias.to(torch.complex64),
        lambda bias: bias.to_sparse(),
        lambda bias: bias.to("meta"),
    ],
)
def test_odd_tensors_are_refused(
    odd: Callable[[Tensor], Tensor], source: Path, folder: Path
) -> None:
    victim = _victim("bisenet")
    changed("bisenet", lambda c: c.update({victim: odd(c[victim])}), source)
    assert f"{victim} is no plain tensor" in refusal("bisenet", source, folder)


@pytest.mark.parametrize("mean", [torch.zeros(3), torch.zeros(CODES + 1, W), torch.zeros(W, CODES)])
def test_a_mean_code_must_fit(mean: Tensor, source: Path, folder: Path) -> None:
    changed("e4e", lambda c: c.update({"latent_avg": mean}), source)
    assert f"latent_avg has the shape {list(mean.shape)}" in refusal("e4e", source, folder)
    changed("e4e", lambda c: _drop(c, "latent_avg"), source)
    assert "looked for a tensor 'latent_avg', found nothing" in refusal("e4e", source, folder)


@pytest.mark.parametrize("name", ["bisenet", "dpt", "gfpgan", "graphonomy"])
def test_dead_keys_are_called_so(
    name: str, source: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (network,) = ENTRIES[name].networks.values()
    prefix = "module." if name == "graphonomy" else ""
    content = contents(MADE)[name]
    dead = next(
        key
        for key in _weights(content)
        if key.removeprefix(prefix)
        .replace("module.graph", "source_graph")
        .startswith(DEAD_KEYS[network])
        and not key.endswith("head.weight")
    )
    save(name, content, source)
    with caplog.at_level("INFO"):
        convert(source, ENTRIES[name], folder, sha256=SHA)
    assert "dead keys" in caplog.text
    del _weights(content)[dead]
    save(name, content, source)
    for path in folder.iterdir():
        path.unlink()
    text = refusal(name, source, folder)
    assert "(dead: unused)" in text and "1 missing" in text


def test_dead_keys_are_those_of_the_goldens(shared: Path) -> None:
    folders = {"dpt": "dpt_large", "gfpgan": "gfpgan", "graphonomy": "graphonomy"}
    for network, golden in folders.items():
        facts = json.loads((shared / "goldens" / golden / "golden.json").read_text())
        named = [key for key in facts["state"] if key.startswith(DEAD_KEYS[network])]
        assert sorted(named) == sorted(facts["unused"])


ALIKE = {"age", "pose_direction"}
WRONG = [(a, b) for a in ENTRIES for b in ENTRIES if a != b and not {a, b} <= ALIKE]


@pytest.mark.parametrize(("slot", "held"), WRONG)
def test_a_file_in_the_wrong_slot_is_refused(
    slot: str, held: str, source: Path, folder: Path
) -> None:
    save(held, CONTENTS[held], source)
    text = refusal(slot, source, folder)
    assert "--as NAME" in text and "https://example.org/page" in text


@pytest.mark.parametrize("content", [None, 3, [], {}, {"a": 1}, {"state_dict": 5}, torch.ones(3)])
@pytest.mark.parametrize("slot", list(ENTRIES))
def test_contents_of_any_kind_are_refused(
    slot: str, content: Any, source: Path, folder: Path
) -> None:
    torch.save(content, source)
    assert "not laid out as" in refusal(slot, source, folder)


def test_a_malicious_file_is_refused(source: Path, folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return subprocess.check_call, (["touch", str(tmp_path / "executed")],)

    for name in WITH_NETWORKS:
        if name == "clip":
            continue
        content = contents(MADE)[name] | {"hyper_parameters": Evil()}
        save(name, content, source)
        assert "asks for subprocess.check_call" in refusal(name, source, folder)
    assert not (tmp_path / "executed").exists()


def test_a_value_repeated_without_end_is_refused(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may name a tensor of any size whose values are all the same one."""
    content = contents(MADE)["e4e"]
    content["latent_avg"] = torch.zeros(1).expand(CODES, W)
    save("e4e", content, source)
    monkeypatch.setattr(published, "SPARE_BYTES", 0)
    monkeypatch.setattr(published, "MOST_TIMES_THE_FILE", 0.1)
    assert "far more than it holds" in refusal("e4e", source, folder)


def test_an_entry_must_be_listed_well(source: Path, folder: Path) -> None:
    save("bisenet", CONTENTS["bisenet"], source)
    for wrong in ({"layout": "nonsense"}, {"networks": {"depth": "dpt"}, "layout": "lama"}):
        entry = dataclasses.replace(ENTRIES["bisenet"], **wrong)
        with pytest.raises(BadCheckpoint):
            convert(source, entry, folder, sha256=SHA)


# The disk


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("already", [False, True])
@pytest.mark.parametrize("file", [1, 2])
def test_a_full_disk_leaves_nothing_half_written(
    file: int, already: bool, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two files does not fit any more."""
    save("e4e", CONTENTS["e4e"], source)
    if already:
        convert(source, ENTRIES["e4e"], folder, sha256="cd" * 32)
    before = {path: path.read_bytes() for path in folder.glob("*")}
    written: list[Path] = []
    real = weights.write_state

    def write(path: Path, *rest: Any) -> None:
        written.append(path)
        real(path, *rest)
        if len(written) == file:
            path.write_bytes(path.read_bytes()[:100])
            full()

    monkeypatch.setattr(published, "write_state", write)
    text = refusal("e4e", source, folder)
    assert len(written) == file
    assert "they need" in text and "MB are free" in text and "free some space" in text
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_conversion_asks_for_room_before_it_writes(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("e4e", CONTENTS["e4e"], source)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(published.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(published, "write_state", pytest.fail)
    assert "0.0 MB are free" in refusal("e4e", source, folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(
    source: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("e4e", CONTENTS["e4e"], source)
    assert "they need" in refusal("e4e", source, small_disk)
    real = published.shutil.disk_usage(source)
    monkeypatch.setattr(published.shutil, "disk_usage", lambda _: real)
    assert "they need" in refusal("e4e", source, small_disk)
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(source: Path, tmp_path: Path) -> None:
    save("e4e", CONTENTS["e4e"], source)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*file"):
        convert(source, ENTRIES["e4e"], tmp_path / "file" / "published", sha256=SHA)


def test_what_a_killed_conversion_left_is_removed(source: Path, folder: Path) -> None:
    save("e4e", CONTENTS["e4e"], source)
    folder.mkdir()
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = "e4e.encoder.safetensors"
    (folder / f".{name}.{dead.pid}-12345678.tmp").write_bytes(b"half")
    (folder / f".{name}.{os.getpid()}-12345678.tmp").write_bytes(b"another's")
    files = convert(source, ENTRIES["e4e"], folder, sha256=SHA)
    left = set(folder.iterdir()) - set(files.values())
    assert left == {folder / f".{name}.{os.getpid()}-12345678.tmp"}


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
    lock = read_lock(REPO / "data" / "models.lock.yaml")
    for entry in lock.entries.values():
        assert not entry.networks or entry.layout in LAYOUTS, entry.name
        for role, network in entry.networks.items():
            assert role == published.DIRECTIONS or network in NETWORKS_OF[role], entry.name
