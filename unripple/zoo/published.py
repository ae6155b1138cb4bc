"""Published files, split into networks and converted to safetensors: once, strictly or not."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unripple.atomic import remove_abandoned, sync_folder, temporary_name
from unripple.conventions import BadCheckpoint, StoreError
from unripple.models.stylegan2 import Generator
from unripple.zoo import layouts
from unripple.zoo.containers import read_container
from unripple.zoo.dlib import read_dlib
from unripple.zoo.index import Entry, Index
from unripple.zoo.layouts import Misplaced, States, spreads_apart
from unripple.zoo.networks import DEAD_KEYS, EXTRAS, fitted
from unripple.zoo.registry import disk_errors
from unripple.zoo.text_layouts import TEXT_LAYOUTS
from unripple.zoo.tflite import read_tflite
from unripple.zoo.weights import TYPES, read_header, write_state, written_bytes

__all__ = ["DIRECTIONS", "LAYOUTS", "convert", "recognise"]

log = logging.getLogger(__name__)

LAYOUTS = {**layouts.LAYOUTS, **TEXT_LAYOUTS}
"""The words of `Entry.layout`."""

TFLITE = "tflite"
"""The word of Entry.layout for a network that brings its graph along."""

DLIB = "dlib"
"""The word of Entry.layout for dlib's face net."""

DIRECTIONS = "directions"
"""The word of Entry.networks for what is no network."""

MOST_TIMES_THE_FILE, SPARE_BYTES = 8, 64 << 20
"""Tensors may be that much larger than their file (one value may be repeated), and not more."""


def convert(source: Path, entry: Entry, folder: Path, *, sha256: str) -> dict[str, Path]:
    """Write every network of a published file as safetensors, and none if anything is wrong.

    Converted files of the same source are left as they are. The float types stay.

    Args:
        source: the published file.
        entry: what it is.
        folder: of the published models; made if it is missing.
        sha256: of the source.

    Returns:
        role -> its file, `Entry.converted_as`.

    Raises:
        BadCheckpoint: the source cannot be read, is laid out otherwise, does not fit the networks,
            or holds values that are not finite.
        StoreError: the disk is full or not writable.
    """
    targets = {role: folder / entry.converted_as(role) for role in entry.networks}
    about = {role: _about(role, entry, sha256) for role in targets}
    if all(_up_to_date(targets[role], about[role]) for role in targets):
        return targets
    if entry.layout == TFLITE:
        entry, states = _graph(entry, source)
        about = {role: _about(role, entry, sha256) for role in targets}
    elif entry.layout == DLIB:
        states = {role: read_dlib(source) for role in targets}
    else:
        states = _split(read_container(source, member=entry.member), entry, source)
    for role, state in states.items():
        _check(role, state, entry, source)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for role, state in states.items():
        kept, facts = spreads_apart(state) if role == DIRECTIONS else (state, {})
        files[targets[role]] = (kept, about[role] | facts)
    _write_all(files)
    return targets


def _graph(entry: Entry, source: Path) -> tuple[Entry, States]:
    """A TFLite file: its weights, and the entry with the graph among the network's arguments."""
    (role,) = entry.networks
    graph, state = read_tflite(source)
    words = {**entry.metadata[role], "arguments": {"graph": graph}}
    return replace(entry, metadata={role: words}), {role: state}


def recognise(content: Any, lock: Index) -> list[Entry]:
    """The published files whose layouts a content fits strictly, in the order of the list.

    Args:
        content: of `read_container`.
        lock: the list of published files.
    """
    return [entry for entry in lock.entries.values() if entry.networks and _fits(content, entry)]


def _fits(content: Any, entry: Entry) -> bool:
    try:
        states = _split(content, entry, Path(entry.file))
        for role, state in states.items():
            _fit(role, state, entry, Path(entry.file))
    except BadCheckpoint:
        return False
    return True


def _about(role: str, entry: Entry, sha256: str) -> dict[str, Any]:
    """What a converted file says about itself."""
    return {
        **entry.metadata.get(role, {}),
        "role": role,
        "network": entry.networks[role],
        "source": {"entry": entry.name, "file": entry.file, "sha256": sha256},
    }


def _up_to_date(path: Path, about: Mapping[str, Any]) -> bool:
    try:
        metadata, _ = read_header(path)
    except BadCheckpoint:
        return False
    return {key: metadata.get(key) for key in about} == dict(about)


def _split(content: Any, entry: Entry, source: Path) -> States:
    """The state dict of every role that the entry names, by its layout."""
    if entry.layout not in LAYOUTS:
        raise BadCheckpoint(
            f"{source}: nobody knows the layout {entry.layout!r} of {entry.name!r}; the list must "
            f"give one of {', '.join(LAYOUTS)}"
        )
    try:
        states = LAYOUTS[entry.layout](content, entry)
    except Misplaced as error:
        raise BadCheckpoint(
            f"{source}: not laid out as {entry.name!r} is ({error}); {_another(entry)}"
        ) from error
    if missing := set(entry.networks) - set(states):
        raise BadCheckpoint(
            f"{source}: the layout {entry.layout!r} of {entry.name!r} gives no {missing.pop()}, "
            f"only {', '.join(states)}; correct the list"
        )
    return {role: states[role] for role in entry.networks}


def _another(entry: Entry) -> str:
    return (
        f"get {entry.file} from {entry.page}, or, if this is another published file, say which by "
        "`unripple models add FILE --as NAME`"
    )


def _check(role: str, state: Mapping[str, Tensor], entry: Entry, source: Path) -> None:
    """Refuse what does not fit, what is no number, and what would fill the disk."""
    _fit(role, state, entry, source)
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    if size > MOST_TIMES_THE_FILE * source.stat().st_size + SPARE_BYTES:
        raise BadCheckpoint(
            f"{source}: unfolds to {_megabytes(size)}, far more than it holds; {_another(entry)}"
        )
    for key, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BadCheckpoint(
                f"{source}: {key} of its {role} holds values that are no numbers (NaN or infinite):"
                f" the file is damaged or its training failed; {_another(entry)}"
            )
    dead = [key for key in state if key.startswith(DEAD_KEYS.get(entry.networks[role], ()))]
    if dead:
        log.info("%s: %s holds %d dead keys (%s, ...)", entry.name, role, len(dead), dead[0])


def _fit(role: str, state: Mapping[str, Tensor], entry: Entry, source: Path) -> None:
    odd = [
        key
        for key, tensor in state.items()
        if tensor.device.type != "cpu"
        or tensor.layout is not torch.strided
        or str(tensor.dtype).removeprefix("torch.") not in TYPES
    ]
    if odd:
        raise BadCheckpoint(
            f"{source}: {odd[0]} is no plain tensor ({state[odd[0]].dtype}); {_another(entry)}"
        )
    if entry.networks[role] == DIRECTIONS:
        return
    weights = {key: tensor for key, tensor in state.items() if key not in EXTRAS}
    arguments = entry.metadata.get(role, {}).get("arguments")
    net = fitted(role, entry.networks[role], weights, f"{source}", _another(entry), arguments)
    mean = state.get("latent_avg")
    if mean is not None and isinstance(net, Generator):
        shapes = [[net.style_dim], [net.n_codes, net.style_dim]]
        if list(mean.shape) not in shapes:
            raise BadCheckpoint(
                f"{source}: latent_avg has the shape {list(mean.shape)}, wanted {shapes[0]} or "
                f"{shapes[1]}; {_another(entry)}"
            )


def _write_all(files: Mapping[Path, tuple[Mapping[str, Tensor], Mapping[str, Any]]]) -> None:
    """Write several files; they get their names only when all of them are on the disk."""
    needed = sum(written_bytes(*content) for content in files.values())
    temporaries = {path: temporary_name(path) for path in files}
    folder = next(iter(files)).parent
    try:
        with _full_disk(folder, needed):
            for path in files:
                remove_abandoned(path)
            if shutil.disk_usage(folder).free < needed:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for path, (state, about) in files.items():
                write_state(temporaries[path], state, about)
            for path, temporary in temporaries.items():
                temporary.replace(path)
            sync_folder(folder)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _full_disk(folder: Path, needed: int) -> Iterator[None]:
    """Say how much a conversion needs where the disk has too little; else as `disk_errors`."""
    with disk_errors(folder):
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            free = shutil.disk_usage(folder).free
            raise StoreError(
                f"cannot write the converted weights to {folder}: they need {_megabytes(needed)}, "
                f"{_megabytes(free)} are free; free some space, or name another folder with "
                "$UNRIPPLE_MODELS"
            ) from error


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
