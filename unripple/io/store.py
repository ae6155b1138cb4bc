"""The content-addressed store: one folder per artifact, named by what it was made from.

    <root>/ab/abcd.../           key = hash(stage, version, settings, models, input keys)
        picture.png  ...         the parts
        digests.json             what it was made from; size and SHA-256 of each part

A folder is filled under a temporary name, brought to the disk and renamed, so that an artifact is
whole or absent whatever kills the process. Its files are read-only, because the readable results
tree shows the very same files under other names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.conventions import StoreError
from unripple.io.artifact import Artifact, Part, decode_part, encode_part
from unripple.io.digest import value_sha256
from unripple.io.draft import Draft
from unripple.io.lock import locked
from unripple.io.metadata import NOTHING, Metadata

_DIGESTS = "digests.json"
_TEMPORARY = "unfinished"
_DRAFTS = "drafts"
_LOCK = ".lock"
_KEY_LENGTH = 64
_KEY_START = 2  # names the folder that keys are spread over


class Store:
    """Finished artifacts under one folder. Safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """Where the artifact of a key lies, whether or not it is there."""
        return self.root / key[:_KEY_START] / key

    def has(self, key: str) -> bool:
        """Whether the artifact is there, finished, every part at its full size."""
        return self._listing(key) is not None

    def _listing(self, key: str) -> dict[str, Any] | None:
        """What is written of an artifact, if it is there, finished, every part at its full size."""
        folder = self.folder(key)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            listing: dict[str, Any] = json.loads((folder / _DIGESTS).read_text())
            parts = listing["parts"]
            if all((folder / name).stat().st_size == parts[name]["bytes"] for name in parts):
                return listing
        return None

    def put(
        self,
        key: str,
        artifact: Artifact,
        ingredients: Mapping[str, Any],
        *,
        metadata: Metadata = NOTHING,
    ) -> None:
        """Store an artifact under its key; a finished one that is there already stays.

        Args:
            key: `value_sha256(ingredients)`.
            artifact: the parts.
            ingredients: what the artifact was made from, kept beside it for people.
            metadata: what its colour pictures say beside their pixels.

        Raises:
            StoreError: the disk is full or not writable; nothing is left behind then.
        """
        files = {}
        for part, value in artifact.items():
            ending, data = encode_part(value, metadata)
            files[part + ending] = data
        digests = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        }
        listing = {"made_from": dict(ingredients), "parts": digests}
        files[_DIGESTS] = (json.dumps(listing, indent=1, sort_keys=True) + "\n").encode()
        self._write(self.folder(key), files)

    def _write(self, folder: Path, files: Mapping[str, bytes]) -> None:
        temporary = self.root / _TEMPORARY / f"{os.getpid()}-{uuid.uuid4().hex}"
        with atomic.disk_errors(folder):
            try:
                temporary.mkdir(parents=True)
                for name, data in files.items():
                    atomic.write_synced(temporary / name, data)
                    (temporary / name).chmod(0o444)
                atomic.sync_folder(temporary)
                folder.parent.mkdir(parents=True, exist_ok=True)
                self._move(temporary, folder)
                atomic.sync_folder(folder.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def _move(self, temporary: Path, folder: Path) -> None:
        if folder.exists() and not self.has(folder.name):
            shutil.rmtree(folder)  # a damaged one makes way
        try:
            temporary.rename(folder)
        except OSError as error:
            # Another process finished the same artifact first: its bytes are the same.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def parts(self, key: str) -> dict[str, Path]:
        """The files of an artifact by part name.

        Raises:
            StoreError: the artifact is missing or incomplete.
        """
        names = self._digests(key)
        return {name.rpartition(".")[0]: self.folder(key) / name for name in sorted(names)}

    def get(self, key: str) -> Artifact:
        """Read an artifact, every byte of it checked: nothing is made from damaged ones.

        Raises:
            StoreError: the artifact is missing or damaged.
        """
        digests = self._digests(key)
        return {
            name.rpartition(".")[0]: self._read(self.folder(key) / name, digests[name]["sha256"])
            for name in sorted(digests)
        }

    def get_part(self, key: str, part: str) -> Part:
        """Read one part of an artifact, every byte of it checked.

        Raises:
            StoreError: the artifact is missing or damaged, or has no such part.
        """
        for name, digest in self._digests(key).items():
            if name.rpartition(".")[0] == part:
                return self._read(self.folder(key) / name, digest["sha256"])
        raise StoreError(f"{self.folder(key)}: has no part {part!r}")

    @staticmethod
    def _read(path: Path, sha256: str) -> Part:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(
                f"{path}: its bytes changed after it was finished; "
                "`unripple verify --repair` makes way for a rerun"
            )
        return decode_part(path, data)

    def _digests(self, key: str) -> dict[str, Any]:
        """Size and SHA-256 by file name, of an artifact that is there."""
        return self._finished(key)["parts"]

    def _finished(self, key: str) -> dict[str, Any]:
        listing = self._listing(key)
        if listing is None:
            raise StoreError(
                f"{self.folder(key)}: the artifact is missing or damaged; "
                "`unripple verify --repair` makes way for a rerun"
            )
        return listing

    def made_from(self, key: str) -> dict[str, Any]:
        """What a finished artifact was made from.

        Raises:
            StoreError: the artifact is missing or damaged.
        """
        return self._finished(key)["made_from"]

    def draft(self, key: str, suffix: str = "") -> Draft:
        """Where the making of an artifact keeps how far it came."""
        return Draft(self.root / _DRAFTS / f"{key}{suffix}.npz")

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[None]:
        """Wait until no other process makes an artifact, and keep others waiting.

        Raises:
            StoreError: the disk is full or not writable.
        """
        path = self.root / _DRAFTS / f"{key}{_LOCK}"
        with locked(path):
            yield
            # Who waits for it holds a file without a name then, and finds the artifact there.
            with contextlib.suppress(OSError):
                path.unlink()

    def stored(self) -> Iterator[str]:
        """Every key with a folder, sorted."""
        for folder in sorted(self.root.glob("??/*")):
            yield folder.name

    def listed(self) -> set[str]:
        """Every key with a folder, by the quickest look: at names alone."""
        folders = [path for path in self.root.glob("?" * _KEY_START) if path.is_dir()]
        return {key for folder in folders for key in os.listdir(folder)}  # noqa: PTH208 (names)

    def damage(self, key: str) -> str | None:
        """Read every byte of an artifact again: what is wrong with it, or None.

        The key itself is checked too: it must be the hash of the recorded ingredients.
        """
        folder = self.folder(key)
        try:
            listing = json.loads((folder / _DIGESTS).read_text())
            if value_sha256(listing["made_from"]) != key:
                return f"{folder}: its name is not the hash of what it was made from"
            for name, digest in listing["parts"].items():
                data = (folder / name).read_bytes()
                if hashlib.sha256(data).hexdigest() != digest["sha256"]:
                    return f"{folder / name}: its bytes changed after it was finished"
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"{folder}: incomplete ({error})"
        return None

    def remove(self, key: str) -> None:
        """Delete an artifact; links in the results tree stay."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def sweep(self) -> int:
        """Delete what killed processes left unfinished; how many there were.

        Drafts stay, unless their artifact is finished.
        """
        leftovers = list((self.root / _TEMPORARY).glob("*"))
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        done = [
            path
            for path in (self.root / _DRAFTS).glob("*")
            if atomic.is_temporary(path.name) or self.has(path.name[:_KEY_LENGTH])
        ]
        for path in done:
            path.unlink(missing_ok=True)
        return len(leftovers) + len(done)
