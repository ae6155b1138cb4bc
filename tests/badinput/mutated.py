"""Files of every kind that people bring, spoilt in many ways, and what reads each kind."""

from __future__ import annotations

import io
import json
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save

POINTS = [[24, 28], [40, 28], [32, 36], [26, 45], [38, 45]]
_HUGE = (b"0", b"-1", b"2147483647", b"99999999999", b"1e400", b"9" * 5000, b"nan", b"null", b'"x"')


class File(NamedTuple):
    """A spoilt file.

    Attributes:
        kind: a word of `READERS`.
        name: what it is called.
        data: its bytes.
    """

    kind: str
    name: str
    data: bytes


def _saved(**options: Any) -> bytes:
    buffer = io.BytesIO()
    state = {"conv.weight": torch.arange(60.0).reshape(3, 20), "conv.bias": torch.zeros(3)}
    torch.save({"state_dict": state, "epoch": 3}, buffer, **options)
    return buffer.getvalue()


def _bare() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pickle.dumps({"a": torch.zeros(4, 5), "names": ["b", ("c", 1)]}, protocol=2)


def _arrays(*, packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: np.ones((1, 6, 8), np.float32) for name in ("anna", "bob")}
    (np.savez_compressed if packed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((6, 8), np.float32))
    return buffer.getvalue()


def _drawing() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (40, 40), 128).save(buffer, "PNG")
    return buffer.getvalue()


def _seeds() -> list[File]:
    """Good files of every kind."""
    vectors = {"pose": np.ones(8, np.float32), "age": np.ones((6, 8), np.float32)}
    header = "photo," + ",".join(f"x{n},y{n}" for n in range(1, 6))
    row = ",".join(str(value) for point in POINTS for value in point)
    table = f"{header}\nanna.png,{row}\nbob.png,{row}\n"
    labels = "name;smile;age\nanna.png;1,5;30\nbob.png;-1;\n"
    config = "photos: data/photos\nalign: {mode: auto}\nedits:\n- {name: a, moves: {pose: 3}}\n"
    truth = {"edits": {"look": {"yaw_deg": 3.5, "moves": {"pose": 2}}}}
    return [
        File("models", "model.pt", _saved()),
        File("models", "model.pth", _saved(_use_new_zipfile_serialization=False)),
        File("models", "model.pkl", _bare()),
        File("weights", "a.safetensors", save(vectors, {"size": "64"})),
        File("directions", "d.safetensors", save(vectors, {"pose": '{"usable": [-3, 3]}'})),
        File("latents", "latents.npz", _arrays()),
        File("latents", "packed.npz", _arrays(packed=True)),
        File("translation", "B_1.npy", _array()),
        File("landmarks", "landmarks.csv", table.encode()),
        File("landmarks", "landmarks.json", json.dumps({"anna": POINTS}).encode()),
        File("labels", "labels.csv", labels.encode("utf-16")),
        File("config", "config.yaml", config.encode()),
        File("lock", "models.lock.yaml", b"files: {}\nsets: {}\ngroups: {}\n"),
        File("truth", "meta.json", json.dumps(truth).encode()),
        File("domain", "B.png", _drawing()),
    ]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    spoilt = np.frombuffer(data, np.uint8).copy()
    at = rng.integers(0, len(spoilt), rng.integers(1, 9))
    spoilt[at] = rng.integers(0, 256, len(at))
    return spoilt.tobytes()


def _edit_number(data: bytes, rng: np.random.Generator) -> bytes:
    """Another number in a text or header: huge, negative, none."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return _flip(data, rng)
    one = found[int(rng.integers(0, len(found)))]
    return data[: one.start()] + _HUGE[int(rng.integers(0, len(_HUGE)))] + data[one.end() :]


def _edit_length(data: bytes, rng: np.random.Generator) -> bytes:
    """Huge binary lengths somewhere."""
    at = int(rng.integers(0, max(len(data) - 8, 1)))
    value = int(rng.choice([2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1]))
    return data[:at] + struct.pack("<Q", value) + data[at + 8 :]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    """A part of it many times over."""
    start = int(rng.integers(0, len(data)))
    part = data[start : start + int(rng.integers(1, 200))]
    return data[:start] + part * int(rng.integers(2, 3000)) + data[start:]


def _nest(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data)))
    return data[:at] + rng.choice([b"[", b"{", b'{"a":', b"("]) * 60_000 + data[at:]


def _repack(data: bytes, rng: np.random.Generator) -> bytes:
    """The members of an archive spoilt, its checksums right; others: one change after another."""
    if not data.startswith(b"PK"):
        return _flip(_edit_number(data, rng), rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        victim = names[int(rng.integers(0, len(names)))]
        for name in names:
            content = old.read(name)
            if name == victim and content:
                change = (_cut, _flip, _edit_length, _edit_number)[int(rng.integers(0, 4))]
                content = change(content, rng)
            new.writestr(name, content)
    return made.getvalue()


def _program(_: bytes, rng: np.random.Generator) -> bytes:
    """A pickle of steps by chance, from those that build things."""
    steps = (
        *(b"}", b"]", b")", b"(", b"t", b"\x85", b"\x86", b"\x87", b"s", b"u", b"a", b"e", b"2"),
        *(b"0", b"1", b"l", b"d", b"N", b"K\x05", b"q\x00", b"h\x00", b"q\x01", b"h\x01", b"\x94"),
        *(b"X\x01\0\0\0a", b"R", b"b", b"\x81", b"r\xff\xff\xff\x3f", b"p4000000000\n"),
        *(b"cbuiltins\nbytearray\n", b"ccollections\nOrderedDict\n", b"I20000000000\n"),
        *(
            b"ctorch\nFloatTensor\n",
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"\x8b\xff\xff\xff\x7f",
        ),
    )
    chosen = rng.integers(0, len(steps), int(rng.integers(2, 60)))
    return b"\x80\x02" + b"".join(steps[one] for one in chosen) + b"."


_CHANGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    *(_cut, _flip, _edit_number, _edit_length, _repeat, _nest, _repack),
)


def known_hostile() -> Iterator[File]:
    """Files that once cost gigabytes, hours or a traceback."""
    shared = b"\x80\x02)q\0" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(40))
    pickles = {
        "memo.pkl": b"\x80\x02}r\xff\xff\xff\x3f.",
        "memo-text.pkl": b"}p4000000000\n.",
        "bytearray.pkl": b"cbuiltins\nbytearray\n(I20000000000\ntR.",
        "tensor.pkl": b"ctorch\nFloatTensor\n(I10000000000\ntR.",
        "hash.pkl": shared + b"}h\x28K\x01s.",
        "deep.pkl": b")" + b"\x85" * 500_000 + b".",
        "frame.pkl": b"\x80\x04\x95" + struct.pack("<Q", 1 << 38) + b"}.",
        "bytes.pkl": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        "methods.pkl": b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsK\x01sb.",
    }
    for name, data in pickles.items():
        yield File("models", name, data)
        yield File("models", f"{name}.pt", archive({"archive/data.pkl": data}))
    huge = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,)}\n"
    yield File("translation", "huge.npy", npy(huge))
    yield File("latents", "bomb.npz", archive({"a.npy": bytes(100_000_000)}, packed=True))
    yield File("latents", "words.npz", archive({"a.txt": b"hello"}))
    deep = b"[" * 100_000
    yield File("landmarks", "deep.json", deep)
    yield File("weights", "deep.safetensors", struct.pack("<Q", len(deep) + 1) + b"{" + deep)
    yield File("config", "deep.yaml", b"edits: " + deep[:5000])
    yield File("lock", "deep.lock.yaml", b"files: " + deep[:5000])
    yield File("lock", "date.lock.yaml", b"files: 2001-99-99\n")
    yield File("labels", "field.csv", b"name,x\n" + b"a" * 200_000 + b",1\n")
    yield File("truth", "deep.json", deep)


def archive(members: dict[str, bytes], *, packed: bool = False) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED if packed else 0) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return made.getvalue()


def npy(header: bytes) -> bytes:
    """An .npy file of a header alone."""
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header


def files(count: int, seed: int = 0) -> Iterator[File]:
    """Hostile files: those above, then good ones of every kind in turn, spoilt by chance."""
    rng = np.random.default_rng(seed)
    known = list(known_hostile())
    yield from known[:count]
    seeds = _seeds()
    for number in range(count - len(known)):
        one = seeds[number % len(seeds)]
        change = _CHANGES[int(rng.integers(0, len(_CHANGES)))]
        if one.name.endswith(".pkl") and rng.random() < 0.7:
            change = _program
        yield one._replace(name=f"{number}-{one.name}", data=change(one.data, rng))


def read(kind: str, path: Path) -> None:
    """Read a file as the program does."""
    READERS[kind](path)


def _add(path: Path) -> None:
    from unripple.paths import data_folder
    from unripple.zoo.acquire import add
    from unripple.zoo.index import read_index

    add(path, read_index(data_folder() / "models.lock.yaml"), path.parent / "models")


def _weights(path: Path) -> None:
    from unripple.zoo.weights import read_header, read_state

    read_header(path)
    read_state(path)


def _truth(path: Path) -> None:
    from unripple.io.truth import TruthFolder

    folder = path.parent / "truth" / path.stem
    folder.mkdir(parents=True)
    path.rename(folder / "meta.json")
    TruthFolder(path.parent / "a.png", path.stem, "look", {"pose": 2.0}).read()


def _readers() -> dict[str, Callable[[Path], Any]]:
    from unripple.io.config import read_config
    from unripple.io.domains import read_domain
    from unripple.io.landmarks import read_landmarks
    from unripple.io.latents import read_labels, read_latents
    from unripple.io.translations import read_translation
    from unripple.zoo.directions import read_directions
    from unripple.zoo.index import read_index

    return {
        "models": _add,
        "weights": _weights,
        "directions": read_directions,
        "latents": read_latents,
        "translation": read_translation,
        "landmarks": read_landmarks,
        "labels": read_labels,
        "config": read_config,
        "lock": read_index,
        "truth": _truth,
        "domain": read_domain,
    }


READERS = _readers()
