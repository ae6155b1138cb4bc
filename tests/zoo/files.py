"""Weights in every container that published files come in."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.published_files import foreign_object
from unripple.conventions import BadCheckpoint
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


def tagged_pickle(name: str, data: bytes) -> bytes:
    return data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")


def repacked(data: bytes, change: Callable[[str, bytes], bytes], how: int = 0) -> bytes:
    """A zip archive again, its members changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", how) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()
