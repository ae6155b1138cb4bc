"""Workers and their hands, as the system lists them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from unripple.cli import warm

ALIGN = ["align", "--shard", "00000"]
MANIFEST = Path("results/align/00000.json")
JOBS_LOCK = Path("results/.jobs.lock")
PATIENCE_S = 60.0


def workers(name: str) -> list[int]:
    """The workers of a workflow."""
    words = ("unripple.cli.worker", name)
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if all(word in text(path) for word in words) and is_leader(int(path.parent.name))
    ]


def refuses(name: str) -> bool:
    """Whether nobody listens any more: a killed process lets go of its socket a little later."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(warm.socket_path(name))
    except ConnectionRefusedError:
        return not workers(name)
    except OSError:
        return False
    return False


def is_leader(process: int) -> bool:
    """Whether a process is a worker, and not a job that was forked from one."""
    above = parent(Path(f"/proc/{process}/stat"))
    return "unripple.cli.worker" not in text(Path(f"/proc/{above}/cmdline"))


def hands(worker: int) -> list[str]:
    """The hands that a worker forked and that are still there."""
    return [
        path.parent.name for path in Path("/proc").glob("[0-9]*/stat") if parent(path) == worker
    ]


def holding(worker: int, name: str) -> list[str]:
    """The hands that hold a file of that name open."""
    return [hand for hand in hands(worker) if any(name in file for file in open_files(hand))]


def open_files(process: str) -> list[str]:
    """The files that a process holds open."""
    with contextlib.suppress(OSError):
        return [str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()]
    return []


def jobs(worker: int) -> list[str]:
    """The hands that are at work in the project's results."""
    return holding(worker, JOBS_LOCK.name)


def parent(path: Path) -> int:
    """The parent of a process, by its file `stat`; 0 if it is gone."""
    words = text(path).rpartition(")")[2].split()
    return int(words[1]) if words and words[0] != "Z" else 0


def text(path: Path) -> str:
    """What a file of the system says; nothing if its process is gone."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def wait_for(there: Callable[[], object], complaint: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """A job's command, as a rule starts it."""
    command = [sys.executable, "-m", "unripple", *arguments]
    # Not what libraries in this process set behind Python's back.
    return subprocess.Popen(command, env=dict(os.environ))
