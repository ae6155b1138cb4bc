"""A hand of the warm worker: a process, forked from it, that does one job after the other.

Forking a process that has torch in it costs as much as many a job, so hands are kept. What a hand
says to its worker is told by `watch.Reported`, so that a photo which hangs, eats the memory or
crashes costs that hand and that photo alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import socket
import sys
import traceback
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from unripple.api.limits import Limits
from unripple.api.watch import Reported, Seen
from unripple.cli import warm
from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.processes import die_with

ENDED = "ended"
SEEN = "seen"
_ERRORS = {error.__name__: error for error in (LimitExceeded, Crashed)}


@dataclass
class Task:
    """A job as a hand gets it.

    Attributes:
        arguments: its command line.
        umask: its file mode mask.
        known: photos at which hands before this one ended, and why.
        fatal: what to raise at the first photo.
    """

    arguments: list[str]
    umask: int
    known: dict[str, LimitExceeded | Crashed] = field(default_factory=dict)
    fatal: UnrippleError | None = None

    def content(self) -> list[Any]:
        """The task in words that JSON knows."""
        known = {name: [type(error).__name__, str(error)] for name, error in self.known.items()}
        fatal = None if self.fatal is None else str(self.fatal)
        return [self.arguments, self.umask, known, fatal]


def task_of(content: list[Any]) -> Task:
    """The task again."""
    arguments, umask, known, fatal = content
    errors = {name: _ERRORS[kind](text) for name, (kind, text) in known.items()}
    return Task(arguments, umask, errors, None if fatal is None else UnrippleError(fatal))


def seen_of(content: list[Any]) -> Seen:
    """How far a hand is with a photo, as it told with `SEEN`."""
    name, memory_mb, limits = content
    return Seen(name, memory_mb, Limits(**limits))


def send(channel: socket.socket, content: Any) -> None:
    """Send what JSON can say to the other end.

    Raises:
        OSError: it is gone.
    """
    text = json.dumps(content).encode()
    channel.sendall(len(text).to_bytes(warm.STATUS_BYTES, "big") + text)


def receive(channel: socket.socket) -> Any:
    """Wait for what the other end sends.

    Raises:
        ConnectionError: it is gone.
    """
    length = int.from_bytes(exactly(channel, warm.STATUS_BYTES), "big")
    return json.loads(exactly(channel, length))


def exactly(connection: socket.socket, count: int) -> bytes:
    """Read that many bytes.

    Raises:
        ConnectionError: the other end went before it had sent them.
    """
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the other end is gone")
        data += more
    return data


@cache
def parser() -> argparse.ArgumentParser:
    """The command line, made once for all jobs."""
    from unripple.cli.main import build_parser

    return build_parser()


def live(channel: socket.socket, parent: int, *, kept: bool) -> NoReturn:
    """A hand's whole life, in the process that was just forked: jobs, until the worker hangs up.

    Args:
        channel: to the worker; each task comes with three descriptors, its streams.
        parent: the worker.
        kept: whether there is to be more than one job.
    """
    try:
        os.setsid()
        die_with(parent)
        # All else that the worker holds open, other jobs' connections among it, is not the hand's.
        os.closerange(3, channel.fileno())
        os.closerange(channel.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        while True:
            task = task_of(receive(channel))
            _, streams, _, _ = socket.recv_fds(channel, 1, 3)
            status = _work(task, streams, channel)
            send(channel, (ENDED, status))
            if not kept:
                break
    except OSError:  # the worker is gone, or wants no more
        pass
    os._exit(1)  # a job is done when that was said, whatever comes of its process


def _work(task: Task, streams: list[int], channel: socket.socket) -> int:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.umask(task.umask)
    sys.argv = ["unripple", *task.arguments]
    status = 1
    try:
        status = _run(task, channel)
    except BaseException:
        traceback.print_exc()
    finally:
        _let_go()
    return status


def _run(task: Task, channel: socket.socket) -> int:
    from unripple.cli.main import run_parsed

    def tell(name: str, memory_mb: float, limits: Limits) -> None:
        send(channel, (SEEN, (name, memory_mb, vars(limits))))

    try:
        options = parser().parse_args(task.arguments)
        options.each = Reported(tell, task.known, task.fatal)
        return run_parsed(options)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def _let_go() -> None:
    """Give back the job's streams and its log."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)
