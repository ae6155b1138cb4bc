"""Which GPU a process computes on where several processes share one machine.

The device `gpu:0,1` means: one of these GPUs, and nobody else at the same time. The first free one
is held through a lock on a file, which the system lets go when the process ends, however it ends.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import lock_descriptor

from unripple.conventions import UnrippleError

PREFIX = "gpu:"
LOCKS = Path("/tmp")
"""One place for all: a TMPDIR of its own would hide a job from the others."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_POLL_S = 0.2
_held: list[str] = []  # the one GPU of this process
log = logging.getLogger(__name__)


def gpu_ids(device: str) -> tuple[str, ...]:
    """The ids that a device like `gpu:0,1` names: numbers or UUIDs, as `nvidia-smi -L` lists them.

    Raises:
        UnrippleError: there is no id, one stands there twice, or it has other characters.
    """
    ids = tuple(device.removeprefix(PREFIX).split(","))
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"[A-Za-z0-9-]+", text) for text in ids):
        raise UnrippleError(
            f"device {device!r}: wanted ids of GPUs, each once, like gpu:0 or gpu:0,1"
        )
    return ids


def claim(device: str, folder: Path = LOCKS) -> str:
    """Wait for a free GPU, keep it until this process ends, and let CUDA see no other.

    Must come before the first use of CUDA. Asked again, the process has its GPU already.

    Args:
        device: `gpu:` and the ids to choose from.
        folder: where the locks lie.

    Returns:
        The id; it is now in CUDA_VISIBLE_DEVICES.

    Raises:
        UnrippleError: the device names no ids, the process holds another GPU, or a lock cannot be
            made.
    """
    ids = gpu_ids(device)
    if not _held:
        _held.append(_first_free(ids, folder))
        os.environ[_VISIBLE] = _held[0]
        log.info("GPU %s", _held[0])
    if _held[0] not in ids:
        raise UnrippleError(f"device {device!r}: this process computes on GPU {_held[0]} already")
    return _held[0]


def _first_free(ids: Sequence[str], folder: Path) -> str:
    logged = False
    while True:
        for gpu in ids:
            if _lock(folder / f"unripple-gpu-{gpu}.lock"):
                return gpu
        if not logged:
            log.info("waiting for one of the GPUs %s", ", ".join(ids))
            logged = True
        time.sleep(_POLL_S)


def _lock(path: Path) -> bool:
    """Whether we got the lock; it stays ours, for the file is left open on purpose."""
    try:
        descriptor = _opened(path)
    except OSError as error:
        raise UnrippleError(f"{path}: no lock for this GPU: {error.strerror}") from error
    free = lock_descriptor(descriptor, blocking=False)
    if not free:
        os.close(descriptor)
    return free


def _opened(path: Path) -> int:
    # Reading is enough for a lock, and other users' files in /tmp allow no more.
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        pass
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:  # somebody was faster
        return os.open(path, os.O_RDONLY)
