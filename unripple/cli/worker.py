"""The warm worker of a workflow: `python -m unripple.cli.worker`, started by the first job.

It imports torch, stages and networks when a job first asks for them, and forks once per job. It
computes nothing itself and has no threads, so that forking it is safe. It goes when the workflow
goes, however that ends, or when nothing was asked for some minutes. A job ends when the command
that asked for it ends, and when the worker does.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from unripple.cli import warm

IDLE_S = 300.0
KEEP_MB = 400.0
"""Length of the weights files whose networks stay in memory; the embedded ones are 28 MB."""

_SOON = ("torch", "multiprocessing.popen_fork", "PIL.PngImagePlugin", "PIL.JpegImagePlugin")
"""What nearly every job comes to import."""

_LOOK_S = 2.0
_REQUEST_S = 10.0
_PR_SET_PDEATHSIG = 1
_LONGEST_REQUEST = 10_000_000  # bytes
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What a job's command asked for.

    Attributes:
        arguments: its command line.
        here: see `warm.circumstances`.
        umask: its file mode mask.
        streams: its standard input, output and error.
    """

    arguments: list[str]
    here: list[str]
    umask: int
    streams: list[int]


@dataclass(frozen=True)
class Forked:
    """A job at work: its process, and the connection to the command that asked for it."""

    process: int
    descriptor: int
    connection: socket.socket


class Worker:
    """Takes jobs from one socket, forks them, and tells their ends."""

    def __init__(self, listener: socket.socket, workflow: str) -> None:
        self._listener = listener
        self._workflow = workflow
        self._here = warm.circumstances()
        self._selector = selectors.DefaultSelector()
        self._jobs: set[Forked] = set()

    def serve(self) -> None:
        """Work until the workflow is gone or nothing was asked for a while."""
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        with contextlib.suppress(OSError):  # where there is none, `_LOOK_S` does
            process = int(self._workflow.partition("-")[0])
            self._selector.register(os.pidfd_open(process), selectors.EVENT_READ, None)
        idle_s = 0.0
        while warm.is_alive(self._workflow) and idle_s < IDLE_S:
            events = self._selector.select(_LOOK_S)
            idle_s = 0.0 if events or self._jobs else idle_s + _LOOK_S
            for key, _ in events:
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, Forked):
                    self._look_at(key.data, ended=key.fd == key.data.descriptor)
        for job in self._jobs:
            _end(job, signal.SIGKILL)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            request = _received(connection)
            if request is None or request.here != self._here:
                connection.sendall(warm.REFUSED)
                connection.close()
            else:
                self._fork(request, connection)
        except (OSError, ValueError, KeyError):
            connection.close()  # the command will do its job itself

    def _fork(self, request: Request, connection: socket.socket) -> None:
        options = prepare(request.arguments)
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            log.error("a library started threads; no job can be forked any more")
            connection.sendall(warm.REFUSED)
            connection.close()
            return
        connection.sendall(warm.ACCEPTED)
        parent = os.getpid()
        gc.freeze()  # what is there stays in memory that all jobs share
        process = os.fork()
        if process == 0:
            _work(request, options, parent)
        for stream in request.streams:
            os.close(stream)
        job = Forked(process, os.pidfd_open(process), connection)
        self._jobs.add(job)
        self._selector.register(job.descriptor, selectors.EVENT_READ, job)
        self._selector.register(connection, selectors.EVENT_READ, job)

    def _look_at(self, job: Forked, *, ended: bool) -> None:
        """A job ended, or its command says something, or is gone."""
        if job not in self._jobs:
            return  # the other of two events at once
        if not ended:
            said = b""
            with contextlib.suppress(OSError):
                said = job.connection.recv(16)
            for number in said:
                _end(job, number)
            if said:
                return
            _end(job, signal.SIGKILL)  # nobody waits for it any more
        _, status = os.waitpid(job.process, 0)
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            job.connection.sendall(code.to_bytes(warm.STATUS_BYTES, "big", signed=True))
        self._selector.unregister(job.descriptor)
        self._selector.unregister(job.connection)
        os.close(job.descriptor)
        job.connection.close()
        self._jobs.discard(job)


def _end(job: Forked, number: int) -> None:
    """Send a signal to a job and to the processes it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.process, number)
    with contextlib.suppress(ProcessLookupError):  # it may not lead its group yet
        os.kill(job.process, number)


def _received(connection: socket.socket) -> Request | None:
    """Read a job; None if another user sent it."""
    connection.settimeout(_REQUEST_S)
    sender = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if int.from_bytes(sender[4:8], sys.byteorder) != os.getuid():
        return None
    length = int.from_bytes(_exactly(connection, warm.STATUS_BYTES), "big")
    if length > _LONGEST_REQUEST:
        return None
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    try:
        mask, arguments, here = warm.unpacked(_exactly(connection, length))
        connection.settimeout(None)
        return Request(arguments, here, mask, streams)
    except (OSError, ValueError):
        for stream in streams:
            os.close(stream)
        raise


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the command went before it had asked")
        data += more
    return data


def prepare(arguments: list[str]) -> Any:
    """Import what a stage's job needs and load its networks, if they are to live on the CPU.

    Whatever goes wrong here goes wrong again in the job, which says so.

    Returns:
        The words as read, or None if they could not be.
    """
    options: Any = None
    with contextlib.suppress(Exception, SystemExit):
        options = _parser().parse_args(arguments)
    if getattr(options, "shard", None) is None or options.job is None:
        return options
    with contextlib.suppress(Exception):
        for module in (*_SOON, f"unripple.stages.{options.stage}"):
            importlib.import_module(module)
        _keep_networks(options)
    return options


@cache
def _parser() -> Any:
    from unripple.cli.main import build_parser

    return build_parser()


def _keep_networks(options: Any) -> None:
    from unripple.api.jobs import Job
    from unripple.zoo import zoo

    if options.device != "cpu":
        return
    content = json.loads(options.job)
    content.pop("photos", None)
    job = Job.from_json(options.stage, None, json.dumps(content))
    _ = job.weights  # their files are read once for all jobs
    for role in job.step.roles(job.settings):
        if role in zoo.ROLES:
            zoo.keep(job.zoo, role, at_most_mb=KEEP_MB)


def _work(request: Request, options: Any, parent: int) -> NoReturn:
    """A job's whole life, in the forked process; `options` from `prepare`."""
    status = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before that call
            os._exit(1)
        for number, stream in enumerate(request.streams):
            os.dup2(stream, number)
        # All else that the worker holds open, other jobs' connections among it, is not the job's.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.umask(request.umask)
        sys.argv = ["unripple", *request.arguments]
        status = _run(request.arguments, options)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(arguments: list[str], options: Any) -> int:
    from unripple.cli.main import run, run_parsed

    try:
        return run(arguments) if options is None else run_parsed(options)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def sweep() -> None:
    """Take away what the workers of workflows that were killed left behind."""
    for path in Path(warm.FOLDER).iterdir():
        if not warm.is_alive(path.name.partition(".")[0]):
            path.unlink(missing_ok=True)


def main() -> None:
    """Listen, say so, and serve the workflow named on the command line."""
    workflow, said = sys.argv[1], int(sys.argv[2])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.closerange(3, said)  # what the first job's shell happened to hold open
    os.closerange(said + 1, os.sysconf("SC_OPEN_MAX"))
    path = Path(warm.socket_path(workflow))
    path.unlink(missing_ok=True)  # of one that was killed; the lock says that there is no other
    sweep()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        mask = os.umask(0o077)
        listener.bind(str(path))
        os.umask(mask)
        listener.listen(64)
        os.close(said)
        Worker(listener, workflow).serve()
    _leave(workflow)


def _leave(workflow: str) -> None:
    Path(warm.socket_path(workflow)).unlink(missing_ok=True)
    if warm.is_alive(workflow):  # nothing to do for a while: no worker was lost
        os.truncate(warm.lock_path(workflow), 0)
    sweep()
    with contextlib.suppress(OSError):
        Path(warm.FOLDER).rmdir()


if __name__ == "__main__":
    main()
