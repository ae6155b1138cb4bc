"""Published files are read whatever their container is."""

from __future__ import annotations

import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.published_files import foreign_object
from tests.zoo.files import (
    ALL,
    STATE,
    TORCH,
    Save,
    refusal,
    repacked,
    save_bare,
    save_bare_new,
    save_in_archive,
    save_legacy,
    save_network_script,
    save_zip,
    tagged_pickle,
)
from unripple.conventions import BadCheckpoint
from unripple.zoo.containers import read_container


@pytest.mark.parametrize("save", ALL)
def test_contents_come_back_as_they_were(save: Save, path: Path) -> None:
    content = {"state_dict": OrderedDict(STATE), "opts": {"size": 1024, "lr": [0.1, None, True]}}
    save(content, path)
    read = read_container(path)
    assert read["opts"] == content["opts"]
    assert read["state_dict"].keys() == STATE.keys()
    for key, value in STATE.items():
        assert torch.equal(read["state_dict"][key], value)


def test_the_tensors_of_a_large_file_are_views_of_it(path: Path) -> None:
    save_zip(STATE, path)
    before = path.read_bytes()
    tensor = read_container(path)["a.weight"]
    tensor.zero_()
    assert path.read_bytes() == before


def test_parameters_and_shared_memory_are_read(path: Path) -> None:
    whole = torch.arange(12.0)
    save_legacy({"p": nn.Parameter(whole), "tail": whole[4:].view(2, 4).T}, path)
    read = read_container(path)
    assert torch.equal(read["tail"], whole[4:].view(2, 4).T) and torch.equal(read["p"], whole)


def test_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    save_file(STATE, path)
    assert torch.equal(read_container(path)["a.weight"], STATE["a.weight"])


@pytest.mark.parametrize("save", TORCH)
def test_tensors_from_a_gpu_come_to_the_cpu(save: Save, path: Path) -> None:
    save(STATE, path)
    data = path.read_bytes()
    # The device stands in the table of contents as a string of three letters.
    tagged = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert tagged != data
    if save is save_zip:
        path.write_bytes(repacked(data, tagged_pickle))
    else:
        path.write_bytes(tagged)
    read = read_container(path)["a.weight"]
    assert read.device.type == "cpu" and torch.equal(read, STATE["a.weight"])


def test_a_compressed_container_is_read(path: Path) -> None:
    save_zip(STATE, path)
    path.write_bytes(repacked(path.read_bytes(), lambda _, data: data, zipfile.ZIP_DEFLATED))
    assert torch.equal(read_container(path)["a.weight"], STATE["a.weight"])


def test_a_torchscript_archive_gives_the_state_of_its_network(path: Path) -> None:
    net = save_network_script(path)
    read = read_container(path)
    assert read.keys() == net.state_dict().keys()
    for key, value in net.state_dict().items():
        assert read[key].dtype == value.dtype and torch.equal(read[key], value)


def test_foreign_objects_of_a_lightning_checkpoint_are_inert(path: Path) -> None:
    foreign = foreign_object()
    content = {
        "state_dict": STATE,
        "callbacks": {type(foreign): {"best": 1}, "other": foreign},
        "counts": defaultdict(list, {"a": [1]}),
        "score": np.float64(0.5),
        "array": np.arange(3),
    }
    for save in (save_zip, save_legacy, save_bare, save_bare_new):
        save(content, path)
        read = read_container(path)
        assert torch.equal(read["state_dict"]["a.weight"], STATE["a.weight"])
        assert read["counts"] == {"a": [1]}
        assert type(read["callbacks"]["other"]).__module__ != "pytorch_lightning.callbacks"
        assert "monitor" not in vars(read["callbacks"]["other"])


@pytest.mark.parametrize("member", ["big/models/best.ckpt", "more/big/models/best.ckpt", None])
def test_a_member_is_found_with_one_folder_more_or_less(member: str | None, path: Path) -> None:
    save_in_archive(STATE, path)
    assert torch.equal(read_container(path, member=member)["a.weight"], STATE["a.weight"])
    with zipfile.ZipFile(path) as archive:
        path.with_name("best.ckpt").write_bytes(archive.read("big/models/best.ckpt"))
    direct = read_container(path.with_name("best.ckpt"), member=member)
    assert torch.equal(direct["a.weight"], STATE["a.weight"])


def test_an_archive_must_hold_the_member(path: Path) -> None:
    save_in_archive(STATE, path)
    assert "no file like 'other.pt'" in refusal(path, member="x/other.pt").replace("x/", "")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("big/models/last.ckpt", b"")
    assert "several files like one file of weights" in refusal(path)
    assert read_container(path, member="big/models/best.ckpt").keys() == STATE.keys()


def test_archives_do_not_nest(path: Path) -> None:
    save_in_archive(STATE, path)
    inner = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.pt", inner)
    with pytest.raises(BadCheckpoint, match="an archive in an archive"):
        read_container(path)
