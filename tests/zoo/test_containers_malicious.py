"""Nothing in a file ever runs."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.zoo.files import (
    ALL,
    BARE,
    STATE,
    TORCH,
    Save,
    refusal,
    save_bare,
    save_lightning,
    save_script,
    save_zip,
)
from unripple.zoo import pickles
from unripple.zoo.containers import read_container


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
