"""Snakemake's command in a process that has imported it: two thirds of a small run's time.

    done = run(folder, "--cores", "2", env={"OMP_NUM_THREADS": "1"})

A server imports Snakemake and what our rules import, once, and forks for every run. What a run
changes ends with it, as if it had been started by itself. What is tested about how the command is
started or ended (kills, sessions, other Pythons) starts it plainly.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

REPO = Path(__file__).resolve().parents[1]
IMPORTED = (
    "snakemake.cli",
    "snakemake.workflow",
    "unripple.cli.workflow",
    "unripple.io.edited",
    "unripple.pipeline.checks",
    "unripple.pipeline.jobs",
    "unripple.zoo.zoo",
)
"""By `rules/common.smk`, and by Snakemake itself."""


def run(
    folder: Path, *words: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What `python -m snakemake` with these words does in a folder.

    Args:
        folder: where.
        words: of the command line; our Snakefile is named already.
        env: the whole environment; None: that of this process.
    """
    words = ("--snakefile", str(REPO / "Snakefile"), *words)
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place, name) for name in ("out", "err")]
        order = {
            "folder": str(folder),
            "words": words,
            "env": dict(os.environ if env is None else env),
            "files": [str(file) for file in files],
        }
        server = _server()
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        status = server.stdout.readline()
        assert status, "the server has ended; what it said stands among the errors"
        out, err = (file.read_text() for file in files)
    return subprocess.CompletedProcess(words, int(status), out, err)


@lru_cache(maxsize=1)
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__))]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO
    )
    assert server.stdin is not None
    atexit.register(server.stdin.close)  # which ends it
    return server


def _serve(orders: IO[str], answers: IO[str]) -> list[str] | None:
    """Fork for every order; in the fork, the words of the command."""
    for name in IMPORTED:
        importlib.import_module(name)
    for line in orders:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
            return list(order["words"])
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()
    return None


def _become(order: Mapping[str, Any]) -> None:
    """Folder, environment and streams of the run."""
    os.setsid()
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["env"])
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(file, os.O_WRONLY | os.O_CREAT) for file in order["files"]]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.path[0] = str(order["folder"])


if __name__ == "__main__":
    # Answers go where no import can write to; what one says goes to the errors.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if (words := _serve(sys.stdin, answers)) is not None:
        from snakemake.cli import main

        sys.argv = ["snakemake", *words]
        main()
