"""What files claim is compared with what they hold; nothing costs more than its file."""

from __future__ import annotations

import io
import os
import pickle
import struct
import time
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.zoo.files import refusal
from unripple.conventions import BadCheckpoint
from unripple.zoo import apart as limits
from unripple.zoo.apart import apart
from unripple.zoo.containers import read_container

SHARED = b"\x80\x02)q\0" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(40))
COSTLY = {
    "memo": b"\x80\x02}r\xff\xff\xff\x3f.",
    "memo by words": b"}p4000000000\n.",
    "bytearray": b"cbuiltins\nbytearray\n(I20000000000\ntR.",
    "bytearray of Python 2": b"c__builtin__\nbytearray\n(I20000000000\ntR.",
    "tensor": b"\x80\x02ctorch\nFloatTensor\n\x8a\x05\0\xe4\x0bT\x02\x85R.",
    "shared tuples": SHARED + b"}h\x28K\x01s.",
    "deep tuples": b")" + b"\x85" * 500_000 + b"}" + b".",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 38) + b"}.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    "number": b"\x80\x02\x8b\xff\xff\xff\x7fx.",
    "digits": b"I" + b"9" * 200_000 + b"\n.",
    "nothing on the stack": b"\x80\x02\x85.",
    "no mark": b"\x80\x02}}u.",
}


def zipped(data: bytes, **storages: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
        for name, content in storages.items():
            archive.writestr(f"archive/data/{name[1:]}", content)
    return made.getvalue()


@pytest.mark.parametrize("what", COSTLY)
@pytest.mark.parametrize("wrap", [bytes, zipped])
def test_costly_pickles_are_refused_at_once(
    what: str, wrap: Callable[[bytes], bytes], path: Path
) -> None:
    path.write_bytes(wrap(COSTLY[what]))
    start = time.process_time()
    refusal(path)
    assert time.process_time() - start < 10


def test_what_a_file_writes_over_its_dictionaries_is_gone(path: Path) -> None:
    path.write_bytes(b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsK\x01sb.")
    assert list(read_container(path).items()) == []


class Tensor:
    """Pickles as a tensor that claims what it likes of its storage."""

    def __init__(self, storage: Any, offset: int, size: Any, stride: Any) -> None:
        parts = (storage, offset, size, stride, False, OrderedDict())
        self.call = torch._utils._rebuild_tensor_v2, parts

    def __reduce__(self) -> Any:
        return self.call


class Storages(pickle.Pickler):
    """Names a storage of four numbers instead of its content, as torch does."""

    numbers = 4
    view: tuple[None, ...] = ()

    def persistent_id(self, thing: Any) -> Any:
        if isinstance(thing, torch.UntypedStorage):
            return ("storage", torch.FloatStorage, "0", "cpu", self.numbers, *self.view)
        return None


def pickled(tensor: Tensor, numbers: int = 4, *, old: bool = False) -> bytes:
    made = io.BytesIO()
    pickler = Storages(made, protocol=2)
    pickler.numbers = numbers
    pickler.view = (None,) if old else ()
    pickler.dump({"a": tensor})
    return made.getvalue()


def legacy(data: bytes, keys: list[str]) -> bytes:
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    content = b"".join(pickle.dumps(one, protocol=2) for one in head) + data
    stored = struct.pack("<Q4f", 4, 1, 2, 3, 4)
    return content + pickle.dumps(keys, protocol=2) + stored * len(keys)


def bare(offset: int, size: Any, stride: Any) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = torch.tensor([1.0, 2, 3, 4]).storage()
        torch.save(storage, buffer, _use_new_zipfile_serialization=False)

    class Whole:
        def __reduce__(self) -> Any:
            return torch.storage._load_from_bytes, (buffer.getvalue(),)

    return pickle.dumps({"a": Tensor(Whole(), offset, size, stride)}, protocol=2)


BEYOND = {
    "long": (0, (1, 10**10), (1, 1)),
    "a little too long": (0, (1, 5), (1, 1)),
    "late": (1, (1, 4), (4, 1)),
    "far": (10**9, (1, 4), (4, 1)),
    "before": (-4, (1, 4), (4, 1)),
    "backwards": (3, (1, 4), (-4, -1)),
    "repeated": (0, (1, 10**11), (0, 0)),
    "endless": (0, (2**31, 2**33), (2**31, 2**31)),
    "with few strides": (0, (1, 4), (1,)),
}


@pytest.mark.parametrize("how", BEYOND)
def test_a_tensor_that_claims_more_than_its_storage_is_refused(how: str, path: Path) -> None:
    offset, size, stride = BEYOND[how]
    tensor = Tensor(torch.UntypedStorage(16), offset, size, stride)
    for content in (
        zipped(pickled(tensor), _0=bytes(16)),
        legacy(pickled(tensor, old=True), ["0"]),
        bare(offset, size, stride),
    ):
        path.write_bytes(content)
        refusal(path)


def test_a_tensor_that_fits_its_storage_is_read(path: Path) -> None:
    tensor = Tensor(torch.UntypedStorage(16), 1, (3,), (1,))
    for content in (
        zipped(pickled(tensor), _0=struct.pack("<4f", 1, 2, 3, 4)),
        legacy(pickled(tensor, old=True), ["0"]),
        bare(1, (3,), (1,)),
    ):
        path.write_bytes(content)
        assert read_container(path)["a"].tolist() == [2, 3, 4]


def test_storages_must_be_there(path: Path) -> None:
    """Torch would hand out memory as it found it for what a file does not hold."""
    tensor = Tensor(torch.UntypedStorage(16), 0, (4,), (1,))
    path.write_bytes(legacy(pickled(tensor, old=True), []))
    assert "every storage once" in refusal(path)
    data = pickled(tensor)
    path.write_bytes(zipped(data, _0=bytes(8)))
    assert "claims 16 bytes, 8 are there" in refusal(path)
    path.write_bytes(zipped(data))
    assert "claims 16 bytes, 0 are there" in refusal(path)
    path.write_bytes(legacy(pickled(tensor, 10**12, old=True), ["0"]))
    assert "4000000000000 bytes" in refusal(path)


def eat() -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)) * 20)


def crash() -> None:
    os.abort()


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (eat, "MB of memory, which no weights"),
        (lambda: time.sleep(60), "took more than 1 s"),
        (crash, "SIGABRT"),
    ],
)
def test_a_reader_that_goes_wild_is_ended(
    work: Callable[[], None], words: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LEAST_S", 1.0 if "1 s" in words else 30.0)
    monkeypatch.setattr(limits, "LEAST_MB", 200.0)
    path.write_bytes(b"x")
    with pytest.raises(BadCheckpoint, match=words):
        apart(work, path)


def test_what_a_reader_finds_or_raises_comes_back(path: Path) -> None:
    path.write_bytes(b"x")
    assert apart(lambda: {"a": path}, path) == {"a": path}

    def fail() -> None:
        raise BadCheckpoint("so")

    with pytest.raises(BadCheckpoint, match="so"):
        apart(fail, path)
