"""Files that are not what they should be: one line of complaint, and nothing written."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.tiny import CODES, W
from tests.zoo.conversions import ALIKE, CONTENTS, MADE, SHA, WITH_NETWORKS, changed, refusal
from tests.zoo.slim import ENTRIES, contents, save
from unripple.conventions import BadCheckpoint
from unripple.zoo import published
from unripple.zoo.networks import DEAD_KEYS
from unripple.zoo.published import convert


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


def test_dead_keys_are_those_of_the_goldens(goldens: Path) -> None:
    folders = {"dpt": "dpt_large", "gfpgan": "gfpgan", "graphonomy": "graphonomy"}
    for network, golden in folders.items():
        facts = json.loads((goldens / golden / "golden.json").read_text())
        named = [key for key in facts["state"] if key.startswith(DEAD_KEYS[network])]
        assert sorted(named) == sorted(facts["unused"])


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
