"""Published files are read whatever their container is, and nothing in them ever runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.published_files import foreign_object
from unripple.conventions import BadCheckpoint
from unripple.zoo import containers, pickles
from unripple.zoo.containers import read_container

STATE = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.count": torch.tensor(3)}


def one_line(error: pytest.ExceptionInfo[BadCheckpoint], path: Path) -> str:
    """The message, which must be one line that begins with the file and ends with advice."""
    text = str(error.value)
    assert text.startswith(f"{path}") and "\n" not in text and "; " in text
    return text


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(BadCheckpoint) as error:
        read_container(path, **options)
    return one_line(error, path)


# Containers


def save_zip(content: Any, path: Path) -> None:
    torch.save(content, path)


def save_legacy(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def save_bare(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def save_bare_new(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=4))


def save_bare_old(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=0))


def save_in_archive(content: Any, path: Path) -> None:
    inside = io.BytesIO()
    torch.save(content, inside)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big/config.yaml", "a: 1\n")
        archive.writestr("big/models/best.ckpt", inside.getvalue())


def save_lightning(content: Any, path: Path) -> None:
    save_zip({"epoch": 1, "state_dict": STATE, "callbacks": {foreign_object(): content}}, path)


def save_script(content: Any, path: Path) -> None:
    """A TorchScript archive with another content in the place of its network."""
    save_network_script(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            own = name.endswith("/data.pkl")
            archive.writestr(name, pickle.dumps(content, protocol=2) if own else data)


def save_network_script(path: Path) -> nn.Module:
    net = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.BatchNorm1d(2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(net.half()), str(path))
    return net


Save = Callable[[Any, Path], None]
TORCH: list[Save] = [save_zip, save_legacy]
BARE: list[Save] = [save_bare, save_bare_new, save_bare_old]
ALL: list[Save] = [*TORCH, *BARE, save_in_archive]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


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


def tagged_pickle(name: str, data: bytes) -> bytes:
    return data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")


def repacked(data: bytes, change: Callable[[str, bytes], bytes], how: int = 0) -> bytes:
    """A zip archive again, its members changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", how) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()


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


# Nothing runs


class Calls:
    """An object whose pickle calls something when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def payloads(marker: Path) -> dict[str, tuple[Calls, str]]:
    """Name -> (an object that would write a file, what its pickle asks for)."""
    code = f"open({str(marker)!r}, 'w').close()"
    return {
        "system": (Calls(os.system, f"touch {marker}"), f"{os.system.__module__}.system"),
        "eval": (Calls(eval, code), "builtins.eval"),
        "exec": (Calls(exec, code), "builtins.exec"),
        "subprocess": (Calls(subprocess.check_call, ["touch", str(marker)]), "subprocess"),
        "getattr": (Calls(getattr, marker, "touch"), "builtins.getattr"),
    }


KINDS = list(payloads(Path("x")))


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "executed"


@pytest.mark.parametrize("kind", ["system", "eval", "exec", "subprocess"])
def test_the_payloads_are_real(kind: str, marker: Path) -> None:
    pickle.loads(pickle.dumps(payloads(marker)[kind][0]))
    assert marker.exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("save", [*ALL, save_lightning, save_script])
@pytest.mark.parametrize("deep", [False, True])
def test_a_malicious_pickle_is_refused_and_not_run(
    save: Save, kind: str, deep: bool, path: Path, marker: Path
) -> None:
    payload, asked = payloads(marker)[kind]
    save({"state_dict": dict(STATE), "x": [payload]} if deep else payload, path)
    text = refusal(path)
    assert not marker.exists()
    assert asked in text and "nothing of it was read or run" in text
    assert "get the file from where its authors keep it" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_malicious_file_within_a_tensor_is_refused(kind: str, path: Path, marker: Path) -> None:
    """A bare pickle holds tensors as whole torch files, which may hold anything."""
    payload, asked = payloads(marker)[kind]
    inside = io.BytesIO()
    torch.save(payload, inside, _use_new_zipfile_serialization=False)
    evil = Calls(torch.storage._load_from_bytes, inside.getvalue())
    for save in BARE:
        save(evil, path)
        assert asked in refusal(path) and not marker.exists()
    for save in TORCH:
        save(evil, path)
        assert "torch.storage._load_from_bytes" in refusal(path) and not marker.exists()


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        (b"cos\nsystem\n(S'touch {}'\ntR.", "os.system"),
        (b"(S'touch {}'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch {}'\no.", "os.system"),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x04true\x85R.", "os.system"),
        (b"\x80\x04\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93.", "os.system"),
        (b"\x80\x02\x82\x01.", "copyreg.extension_1"),
        (b"\x80\x02cpytorch_lightning.x\nA\ncos\nsystem\n.", "os.system"),
        (b"\x80\x02cpytorch_lightningx\nA\n.", "pytorch_lightningx.A"),
        (
            b"\x80\x04\x8c\x11pytorch_lightning\x8c\x0bos.getlogin\x93\x8c\x02os\x8c\x03sep\x93.",
            "os",
        ),
        (b"ctorch.hub\nload\n.", "torch.hub.load"),
    ],
)
def test_hand_written_pickles_are_refused(
    code: bytes, asked: str, path: Path, marker: Path
) -> None:
    path.write_bytes(code.replace(b"{}", bytes(marker)))
    assert f"asks for {asked}" in refusal(path)
    assert not marker.exists()


def test_nothing_that_a_file_names_is_imported(path: Path, tmp_path: Path) -> None:
    """Not even a harmless name: importing a module runs it."""
    code = b"\x80\x02cpytorch_lightning.no_such_module\nThing\n)\x81."
    path.write_bytes(code)
    assert type(read_container(path)).__name__ == "Thing"


def test_what_a_file_does_to_its_stand_ins_ends_with_it(path: Path) -> None:
    """Setting attributes of the functions that a pickle may call must not outlive its reading."""
    code = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00xK\x01s\x86b."
    path.write_bytes(code)
    assert read_container(path).x == 1
    assert not hasattr(torch._utils._rebuild_tensor_v2, "x")
    assert not hasattr(pickles._tensor, "x")
    save_bare(STATE, path)
    assert torch.equal(read_container(path)["a.weight"], STATE["a.weight"])


def test_a_whole_network_object_is_refused(path: Path) -> None:
    save_zip(nn.Linear(2, 2), path)
    assert "asks for torch.nn.modules.linear.Linear" in refusal(path)


# What is no whole file


@pytest.mark.parametrize("save", [*ALL, save_file, lambda _, path: save_network_script(path)])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_a_truncated_file_is_refused(save: Save, share: float, path: Path) -> None:
    save(STATE, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    text = refusal(path)
    assert "an empty file" in text if not int(share * len(data)) else "get the file again" in text


@pytest.mark.parametrize("save", [*TORCH, save_bare, save_in_archive])
def test_a_file_without_its_last_byte_is_refused(save: Save, path: Path) -> None:
    save(STATE, path)
    path.write_bytes(path.read_bytes()[:-1])
    assert "get the file again" in refusal(path)


def test_a_flipped_bit_in_an_archive_is_found(path: Path) -> None:
    save_zip(STATE, path)
    data = bytearray(path.read_bytes())
    at = data.find(struct.pack("<f", 77.0))
    data[at] ^= 1
    path.write_bytes(data)
    assert "does not fit its checksum" in refusal(path)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>",
        b"\n  <html lang=en>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
    ],
)
def test_a_page_is_no_file(page: bytes, path: Path) -> None:
    path.write_bytes(page)
    assert "a web page, not weights" in refusal(path)
    assert "unripple models add" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [b"x", b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(99), b"some text\n" * 20, b"\x1f\x8b\x08" * 9],
)
def test_a_foreign_file_is_refused(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "neither torch's containers nor safetensors" in refusal(path)


def test_a_pointer_to_a_file_is_no_file(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    assert "git lfs pull" in refusal(path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nothing.pt")
    assert "is a folder" in refusal(tmp_path)


# Bombs


def bomb(path: Path, name: str, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big/config.yaml", "a: 1\n")
        with archive.open(name, "w", force_zip64=True) as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))


@pytest.mark.parametrize("name", ["big/best.ckpt", "big/data.pkl", "big/other"])
def test_an_archive_that_unfolds_to_far_more_is_refused(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "SUSPICIOUS_BYTES", 4 << 20)
    bomb(path, name, 8 << 20)
    assert "unfolds to 8.39 MB, which no weights do" in refusal(path)


def test_no_archive_unfolds_without_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "LARGEST_BYTES", 1 << 20)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.pt", np.random.default_rng(0).bytes(2 << 20))
    assert "which no weights do" in refusal(path)


def test_a_member_that_says_less_than_it_is_stops_there(path: Path) -> None:
    bomb(path, "big/best.ckpt", 1 << 20)
    data = path.read_bytes().replace(struct.pack("<I", 1 << 20), struct.pack("<I", 1 << 10))
    path.write_bytes(data)
    assert "no whole zip archive" in refusal(path)


def test_two_members_of_one_name_are_refused(path: Path) -> None:
    """Two readers might take different ones."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for content in (b"a", b"b"):
            archive.writestr("big/data.pkl", content)
    assert "two files of one name" in refusal(path)


def test_a_network_of_endless_parts_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_MOST_PARTS", 2)
    save_network_script(path)
    assert "endlessly many parts" in refusal(path)


def test_a_tensor_is_no_larger_than_its_memory(path: Path) -> None:
    content = {"a": torch.zeros(4)}
    save_zip(content, path)

    def enlarged(name: str, data: bytes) -> bytes:
        return data.replace(b"K\x04\x85", b"K\xff\x85") if name.endswith("data.pkl") else data

    path.write_bytes(repacked(path.read_bytes(), enlarged))
    read: Tensor | None = None
    with pytest.raises(BadCheckpoint, match="cut short, damaged or foreign"):
        read = read_container(path)["a"]
    assert read is None
