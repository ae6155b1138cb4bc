"""Published weights files, whatever container they come in, read without running any of them.

Known are torch's zip and older containers, TorchScript archives, Lightning checkpoints, bare
pickles, arrays of NumPy, safetensors, and zip archives that hold one of these.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import BadCheckpoint
from unripple.outside import ARRAY_BYTES, Unfit, opened
from unripple.zoo.claims import check_archive, check_legacy
from unripple.zoo.opcodes import names_in
from unripple.zoo.pickles import BarePickle, Forbidden, Parts, stand_ins
from unripple.zoo.weights import read_header

LARGEST_BYTES = 16 << 30
"""No archive may unfold to more than this."""

SUSPICIOUS_BYTES, SUSPICIOUS_RATIO = 256 << 20, 50
"""Nor to more than these two: weights hardly compress."""

WEIGHTS_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin", ".safetensors")

_GET_AGAIN = "get the file again"
_HEAD_BYTES = 1024
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")
_POINTER_START = b"version https://git-lfs"
_LEGACY_MARK = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number, pickled
_ZIP_START = b"PK\x03\x04"
_NPY_START = b"\x93NUMPY"
_LONGEST_PICKLE = 512 << 20  # bytes
_MOST_PARTS = 100_000
_CHUNK = 1 << 20


def read_container(path: Path, *, member: str | None = None) -> Any:
    """Read a published weights file.

    Objects of a few harmless foreign classes come back as empty stand-ins, and a TorchScript
    archive as the dict of its tensors by dotted name. Tensors of a large file may be views of it.

    Args:
        path: the file.
        member: path of the weights in a zip archive. One folder more or less around it does not
            matter; without it, the archive must hold only one file of weights.

    Returns:
        Nested dicts, lists, scalars and tensors, on the CPU.

    Raises:
        BadCheckpoint: the file is missing, empty, cut short or foreign, a page instead of a file,
            unfolds to far more than it is, or asks for something to be run. One line, with what to
            do.
    """
    try:
        with opened(path) as stream:
            content = _Reader(path, stream).read(member)
            _strip(content)
            return content
    except Unfit as error:
        raise BadCheckpoint(f"{path}: {error}; name the weights file in it, or get it") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadCheckpoint(f"{path}: cannot be read ({reason}); {_GET_AGAIN}") from error


class _Reader:
    """One file, or the file in an archive, being read.

    Args:
        path: the file on the disk.
        stream: the bytes, at their start.
        inside: its path in the archive, if it lies in one.
    """

    def __init__(self, path: Path, stream: IO[bytes], inside: str | None = None) -> None:
        self.path, self.stream, self.inside = path, stream, inside
        self.name = f"{path}, {inside}" if inside else str(path)

    def read(self, member: str | None = None) -> Any:
        head = self.stream.read(_HEAD_BYTES)
        self.stream.seek(0)
        self._refuse_what_is_no_file(head)
        if head.startswith(_ZIP_START):
            return self._zip(member)
        if _LEGACY_MARK in head[:32]:
            with self._explained():
                return self._torch(check_legacy(self.stream))
        if _is_safetensors(head):
            return self._safetensors()
        if head.startswith(_NPY_START):
            return self._array()
        with self._explained("neither torch's containers nor safetensors"):
            stand_ins(names_in(self.stream), bare=True)
            self.stream.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's, about the storages that it saved itself
                return BarePickle(self.stream).load()

    def bad(self, cause: str, remedy: str = _GET_AGAIN) -> BadCheckpoint:
        return BadCheckpoint(f"{self.name}: {cause}; {remedy}")

    def _refuse_what_is_no_file(self, head: bytes) -> None:
        if not head:
            raise self.bad("an empty file")
        if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGE_STARTS):
            raise self.bad(
                "a web page, not weights: the host showed it instead of the file",
                "open the link in a browser, save the file itself, then `unripple models add FILE`",
            )
        if head.startswith(_POINTER_START):
            raise self.bad("a Git LFS pointer, not the file itself", "fetch it by `git lfs pull`")

    @contextmanager
    def _explained(self, else_is: str | None = None) -> Iterator[None]:
        """Turn what damaged or dangerous contents lead to into one line."""
        try:
            yield
        except BadCheckpoint:
            raise
        except Forbidden as error:
            raise self._dangerous(error.wanted) from error
        except Exception as error:  # a damaged file may fail anywhere in torch
            text = " ".join(str(error).split())
            if asked := re.search(r"GLOBAL (\S+)", text):
                raise self._dangerous(asked[1]) from error
            cause = f"cut short, damaged or foreign ({else_is or text[:120] or repr(error)[:120]})"
            raise self.bad(cause) from error

    def _dangerous(self, wanted: str) -> BadCheckpoint:
        return self.bad(
            f"asks for {wanted} when it is read, which weights do not need, so nothing of it was "
            "read or run",
            "do not open it with anything else; get the file from where its authors keep it",
        )

    def _torch(self, known: dict[str, Any], *, mmap: bool = False) -> Any:
        """Let torch read the stream, or the file itself as a view."""
        source: Any = str(self.path) if mmap else self.stream
        allowed: Any = [(stand_in, full) for full, stand_in in known.items()]
        with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
            warnings.simplefilter("ignore")
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mmap)

    def _safetensors(self) -> dict[str, Tensor]:
        from safetensors.torch import load, load_file

        with self._explained():
            if self.inside is not None:
                return load(self.stream.read())
            read_header(self.path)
            state = load_file(self.path)
            return state

    def _array(self) -> Tensor:
        """One array of numbers, as NumPy saves it; arrays of objects are pickles, and refused."""
        with self._explained("no whole array of numbers"):
            loaded = np.load(io.BytesIO(self.stream.read(ARRAY_BYTES)), allow_pickle=False)
            return torch.from_numpy(np.ascontiguousarray(loaded))

    def _zip(self, member: str | None) -> Any:
        with self._explained("no whole zip archive"), zipfile.ZipFile(self.stream) as archive:
            infos = archive.infolist()
        self._refuse_bombs(infos)
        names = [info.filename for info in infos]
        pickled = next((n for n in names if n.count("/") == 1 and n.endswith("/data.pkl")), None)
        if pickled is None:
            return self._member(self._choose(names, member))
        folder = pickled.removesuffix("data.pkl")
        script = f"{folder}constants.pkl" in names
        with self._explained(), zipfile.ZipFile(self.stream) as archive:
            _check_sums(archive)
            contents = archive.read(pickled)
            classes = stand_ins(names_in(io.BytesIO(contents)), script=script)
            lengths = {
                info.filename.removeprefix(f"{folder}data/"): info.file_size for info in infos
            }
            check_archive(io.BytesIO(contents), lengths, script=script)
            if script:
                plain = _without_code(archive, folder)
                return _flat(_Reader(self.path, plain, self.inside)._torch(classes))
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
        as_view = stored and self.inside is None and self.path.suffix != ".safetensors"
        self.stream.seek(0)
        with self._explained():
            return self._torch(classes, mmap=as_view)

    def _refuse_bombs(self, infos: list[zipfile.ZipInfo]) -> None:
        size = self.stream.seek(0, io.SEEK_END)
        self.stream.seek(0)
        unfolded = sum(info.file_size for info in infos)
        packed = sum(info.compress_size for info in infos)
        far_more = unfolded > SUSPICIOUS_BYTES and unfolded > SUSPICIOUS_RATIO * size
        if far_more or unfolded > LARGEST_BYTES or packed > size:
            raise self.bad(
                f"an archive of {size / 1e6:.3g} MB that unfolds to {unfolded / 1e6:.3g} MB, which "
                "no weights do",
                "get the file from where its authors keep it",
            )
        if len({info.filename for info in infos}) < len(infos):
            raise self.bad("an archive with two files of one name")
        pickles = [info.file_size for info in infos if info.filename.endswith(".pkl")]
        if max(pickles, default=0) > _LONGEST_PICKLE:
            raise self.bad(
                f"a table of contents of {max(pickles) / 1e6:.3g} MB, which no weights need"
            )

    def _choose(self, names: list[str], member: str | None) -> str:
        files = [name for name in names if not name.endswith("/")]
        if member is None:
            fitting = [name for name in files if name.endswith(WEIGHTS_SUFFIXES)]
        else:
            alike = ([n for n in files if f"/{n}".endswith(f"/{tail}")] for tail in _tails(member))
            fitting = next(filter(None, alike), [])
        if len(fitting) == 1:
            return fitting[0]
        looked = repr(member) if member else "one file of weights"
        shown = ", ".join((fitting or files)[:5]) or "nothing"
        raise self.bad(
            f"an archive with {'several files' if fitting else 'no file'} like {looked}; it holds "
            f"{shown}{', ...' if len(fitting or files) > 5 else ''}",
            "name the archive as published, or the file of weights from it",
        )

    def _member(self, name: str) -> Any:
        if self.inside is not None:
            raise self.bad("an archive in an archive", "unpack it and name the file of weights")
        with self._explained("no whole zip archive"), zipfile.ZipFile(self.stream) as archive:
            content = archive.read(name)
        return _Reader(self.path, io.BytesIO(content), name).read()


def _strip(content: Any) -> None:
    """Take away what a file wrote over the methods of its dictionaries, where it may set any."""
    visited: set[int] = set()
    waiting = [content]
    while waiting:
        thing = waiting.pop()
        if not isinstance(thing, dict | list | tuple) or id(thing) in visited:
            continue
        visited.add(id(thing))
        if isinstance(thing, OrderedDict):
            vars(thing).clear()
        waiting.extend(dict.values(thing) if isinstance(thing, dict) else thing)


def _is_safetensors(head: bytes) -> bool:
    if len(head) < 9:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return bool(0 < length < 1 << 27 and head[8:9] == b"{")


def _tails(member: str) -> Iterator[str]:
    """The path, then without its first folder, and so on, to the file name."""
    parts = member.split("/")
    for first in range(len(parts)):
        yield "/".join(parts[first:])


def _check_sums(archive: zipfile.ZipFile) -> None:
    """Read everything once: torch itself does not look at the checksums."""
    for info in archive.infolist():
        with archive.open(info) as file:
            try:
                while file.read(_CHUNK):
                    pass
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise ValueError(f"{info.filename} does not fit its checksum") from error


def _without_code(archive: zipfile.ZipFile, folder: str) -> io.BytesIO:
    """A TorchScript archive as a plain container: its tensors and their table, none of its code."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as kept:
        for info in archive.infolist():
            inner = info.filename.removeprefix(folder)
            if inner in ("data.pkl", "version", "byteorder") or inner.startswith("data/"):
                kept.writestr(f"archive/{inner}", archive.read(info))
    plain.seek(0)
    return plain


def _flat(network: Any) -> dict[str, Tensor]:
    """The tensors of a TorchScript network by dotted name, as its `state_dict` gives them."""
    tensors: dict[str, Tensor] = {}
    waiting: list[tuple[str, Any]] = [("", network)]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return tensors
        prefix, part = waiting.pop()
        attributes = part.attributes if isinstance(part, Parts) else None
        for name, value in attributes.items() if isinstance(attributes, dict) else ():
            if isinstance(value, Tensor):
                tensors[f"{prefix}{name}"] = value.detach()
            elif isinstance(value, Parts):
                waiting.append((f"{prefix}{name}.", value))
    raise ValueError("a network of endlessly many parts")
