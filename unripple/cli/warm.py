"""The thin end of a rule's job: hand it to the workflow's warm worker, which has torch imported.

A stage's job is short, and importing torch for it takes longer than many of them. So the jobs of
one workflow on one machine share a worker (`cli/worker.py`): it imports once and forks per job.
Each job is still a command of its own that gets the job's output, exit status and signals, and
whatever is amiss with the worker, the command does the job itself.

This module is read before all others. Of the standard library it imports what the interpreter has
at hand, and of `signal` and `socket` the C halves: with enum, selectors, contextlib and all else
that comes along, a job's command would take nearly twice as long, at dozens of jobs per shard.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Sequence
    from typing import Any
else:
    import _signal as signal
    import _socket as socket

WORKFLOW = "UNRIPPLE_WORKFLOW"
"""Set by the rules: the process that runs the workflow, as `this_process` spells it."""

FOLDER = ".snakemake/unripple"
"""Where a worker's socket, lock and log lie; relative, for a socket's path must be short."""

IGNORED = ("_", "OLDPWD", "PWD", "SHLVL")
"""Variables in which shells differ; in all others, worker and job must agree."""

ADOPTED = ("TMPDIR", "TMP", "TEMP", "TEMPDIR")
"""Variables that a worker which was started ahead takes from its first job: Snakemake sets them for
jobs, and nothing reads them on import."""

ACCEPTED, REFUSED = b"y", b"n"
STATUS_BYTES = 4
MOST_STARTS = 3
"""How many workers one workflow may lose before its jobs do without."""

_CONNECT_S = 10.0
_INT_BYTES = 4  # of a descriptor on its way to another process
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def this_process() -> str:
    """This process by its id and the time of its start, so that no later one is taken for it."""
    return f"{os.getpid()}-{_start(os.getpid())}"


def is_alive(process: str) -> bool:
    """Whether a process that `this_process` spelled is still at work, on this machine."""
    number, _, start = process.partition("-")
    digits = (number + start).isascii() and number.isdigit() and start.isdigit()
    return digits and _start(int(number)) == start


def _start(process: int) -> str:
    """When a process started, in ticks since the machine did; "" if there is none."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def fingerprint() -> str:
    """What code runs here: the interpreter, and the package's files with their times of change."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    marks = [sys.executable, sys.version, package]
    for folder, _, names in os.walk(package):
        files = [f"{folder}/{name}" for name in sorted(names) if name.endswith(".py")]
        marks += [f"{path} {os.stat(path).st_mtime_ns}" for path in files]
    return "\n".join(sorted(marks))


def circumstances() -> list[str]:
    """What a worker and a job must agree on, besides who they work for."""
    variables = sorted(f"{key}={text}" for key, text in os.environ.items() if key not in IGNORED)
    return [os.getcwd(), fingerprint(), *variables]


def hand_over(arguments: Sequence[str]) -> int | None:
    """Let the worker do this command, if a rule of a workflow on this machine started it.

    Returns:
        The command's exit status, or None: it was not done, or not to its end, and is to be done
        here. Artifacts and manifests are whole or absent, so that doing it again is right.
    """
    workflow = os.environ.get(WORKFLOW, "")
    # Only a process without threads can be forked safely.
    if not workflow or sys.platform != "linux" or os.environ.get("OMP_NUM_THREADS") != "1":
        return None
    if not is_alive(workflow):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect(connection, workflow)
        return _asked(connection, arguments)
    except (OSError, ValueError):
        return None
    finally:
        connection.close()


def _connect(connection: socket.socket, workflow: str) -> None:
    connection.settimeout(_CONNECT_S)
    try:
        connection.connect(socket_path(workflow))
    except (FileNotFoundError, ConnectionRefusedError):
        _start_worker(workflow)
        connection.connect(socket_path(workflow))
    connection.settimeout(None)


def socket_path(workflow: str) -> str:
    """Where the worker of a workflow listens."""
    return f"{FOLDER}/{workflow}.sock"


def lock_path(workflow: str) -> str:
    """Held while a worker is started; as many bytes long as workers were started."""
    return f"{FOLDER}/{workflow}.lock"


def start_ahead(workflow: str, variables: dict[str, str], config: str) -> None:
    """Start the worker before any job does, so that it gets ready while the workflow is planned.

    It imports the stages and loads the networks of all jobs, so that its first hands serve to the
    end of the run: a hand that lacks a network makes place for a new one.

    It is a matter of time alone: where it cannot be started, or jobs turn out to have another
    environment, the first job starts one.

    Args:
        workflow: which one, as `this_process` spells it.
        variables: the environment that its jobs will have, apart from `ADOPTED`.
        config: the complete config, as JSON.
    """
    try:
        _start_worker(workflow, variables, config)
    except OSError:
        return


def _start_worker(workflow: str, variables: dict[str, str] | None = None, config: str = "") -> None:
    """Start the worker unless another job did meanwhile.

    Args:
        workflow: which one.
        variables, config: see `start_ahead`. Without them, the worker listens when this returns;
            with them it holds the lock until it listens.

    Raises:
        OSError: there is no place for it, or too many were lost.
    """
    import fcntl

    os.makedirs(FOLDER, exist_ok=True)
    lock = os.open(lock_path(workflow), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _listens(workflow):
            return
        if os.fstat(lock).st_size >= MOST_STARTS:
            raise OSError("the workers of this workflow do not last")
        os.write(lock, b".")
        if variables is None:
            _spawn_and_wait(workflow)
        else:
            _spawn(workflow, lock, variables, config)
    finally:
        os.close(lock)


def _listens(workflow: str) -> bool:
    trial = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        trial.connect(socket_path(workflow))
    except OSError:
        return False
    finally:
        trial.close()
    return True


def _spawn_and_wait(workflow: str) -> None:
    """Start the worker and wait until it listens or has failed."""
    listening, said = os.pipe()
    try:
        _spawn(workflow, said, dict(os.environ))
    finally:
        os.close(said)
    try:
        os.read(listening, 1)
    finally:
        os.close(listening)


def _spawn(workflow: str, said: int, variables: dict[str, str], *words: str) -> None:
    """Start the worker in a session of its own; it closes the descriptor `said` when it listens."""
    quiet = os.open(os.devnull, os.O_RDONLY)
    log = os.open(f"{FOLDER}/{workflow}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.set_inheritable(said, True)
    try:
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "unripple.cli.worker", workflow, str(said), *words],
            variables,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, quiet, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        for descriptor in (quiet, log):
            os.close(descriptor)


def _asked(connection: socket.socket, arguments: Sequence[str]) -> int | None:
    """Send the job and wait for its end."""
    mask = os.umask(0)
    os.umask(mask)
    text = packed(mask, arguments, circumstances())
    connection.sendall(len(text).to_bytes(STATUS_BYTES, "big"))
    streams = b"".join(number.to_bytes(_INT_BYTES, sys.byteorder) for number in (0, 1, 2))
    connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    connection.sendall(text)
    if connection.recv(1) != ACCEPTED:
        return None
    before = _forward_signals(connection)
    try:
        status = b""
        while len(status) < STATUS_BYTES:
            more = connection.recv(STATUS_BYTES - len(status))
            if not more:
                return None  # the worker died, and the job with it
            status += more
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    code = int.from_bytes(status, "big", signed=True)
    return code if code >= 0 else 128 - code


def packed(mask: int, arguments: Sequence[str], here: Sequence[str]) -> bytes:
    """A request: file mode mask, number of words, the words, and `circumstances`, NUL between them.

    No command line and no variable can hold a NUL; other bytes that are no UTF-8 come through.
    """
    return os.fsencode("\0".join([str(mask), str(len(arguments)), *arguments, *here]))


def unpacked(text: bytes) -> tuple[int, list[str], list[str]]:
    """The parts of a request.

    Raises:
        ValueError: it is none.
    """
    mask, count, *words = os.fsdecode(text).split("\0")
    return int(mask), words[: int(count)], words[int(count) :]


def _forward_signals(connection: socket.socket) -> dict[int, Any]:
    """Pass signals on to the job, which sits in another session, instead of dying of them.

    Returns:
        The handlers that were there before.
    """

    def forward(number: int, _: object) -> None:
        try:
            connection.sendall(bytes([number]))
        except OSError:
            return  # the job has ended

    return {number: signal.signal(number, forward) for number in _FORWARDED}
