"""The warm worker of a workflow: `python -m unripple.cli.worker`, started by the rules or a job.

It imports torch, stages and networks when a job first asks for them (some of it before, if it was
started while the workflow is still being planned), and forks hands that do the jobs
(`cli/hand.py`); a hand that has the networks of a job is taken again. The worker computes
nothing itself and has no threads, so that forking it is safe; it watches the hands' time and
memory. It goes when the workflow goes, however that ends, or when nothing was asked for some
minutes. A job ends when the command that asked for it ends, and when the worker does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from unripple.api.watch import POLL_S, Seen, how_it_died
from unripple.cli import hand as hands
from unripple.cli import warm
from unripple.conventions import LimitExceeded, UnrippleError

if TYPE_CHECKING:
    from unripple.api.jobs import Job as Shard
    from unripple.zoo.zoo import Kept

IDLE_S = 300.0
KEEP_MB = 400.0
"""Length of the weights files whose networks stay in memory; the embedded ones are 28 MB."""
MOST_JOBS = 100
"""Jobs of one hand; a new one starts with clean memory."""

_SOON = ("torch", "PIL.PngImagePlugin", "PIL.JpegImagePlugin")
"""What nearly every job comes to import."""

_ADOPTED = tuple(f"{name}=" for name in warm.ADOPTED)
_LOOK_S = 2.0
_REQUEST_S = 10.0
_LONGEST_REQUEST = 10_000_000  # bytes
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """What a command asked for.

    Attributes:
        task: as hands get it.
        streams: the command's standard input, output and error.
        connection: to the command.
        told: whether the command passed a signal on, or is gone: then nobody tries again.
    """

    task: hands.Task
    streams: list[int]
    connection: socket.socket
    told: bool = False


@dataclass(eq=False)
class Hand:
    """A hand as the worker sees it.

    Attributes:
        process: its id, which is that of its process group, too.
        descriptor: readable when it has ended.
        channel: to it.
        knows: the modules and networks that were in memory when it was forked.
        kept: whether it is to have more than one job.
        job: what it is at, or None.
        seen: how far it is with a photo.
        verdict: the error of that photo, for which it was killed.
        jobs: how many it has done.
    """

    process: int
    descriptor: int
    channel: socket.socket
    knows: frozenset[str | Kept]
    kept: bool
    job: Job | None = None
    seen: Seen = field(default_factory=Seen)
    verdict: LimitExceeded | None = None
    jobs: int = 0


class Prepared(NamedTuple):
    """What a job needs.

    Attributes:
        needs: the modules and networks that were loaded for it; a hand without them would do so
            again, at the cost of a photo's time and memory.
        alone: whether its process is to end with it, and with it what it holds of a GPU.
    """

    needs: frozenset[str | Kept] = frozenset()
    alone: bool = False


class Worker:
    """Takes jobs from one socket, gives them to hands, and tells their ends."""

    def __init__(
        self, listener: socket.socket, workflow: str, here: list[str], *, ahead: bool = False
    ) -> None:
        self._listener = listener
        self._ahead = ahead
        self._workflow = workflow
        self._here = here
        self._selector = selectors.DefaultSelector()
        self._hands: set[Hand] = set()
        self.is_of_use = True

    def serve(self) -> None:
        """Work until the workflow is gone or nothing was asked for a while."""
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        with contextlib.suppress(OSError):  # where there is none, `_LOOK_S` does
            process = int(self._workflow.partition("-")[0])
            self._selector.register(os.pidfd_open(process), selectors.EVENT_READ, lambda: None)
        asked = time.monotonic()
        while (
            self.is_of_use and warm.is_alive(self._workflow) and time.monotonic() - asked < IDLE_S
        ):
            watching = any(hand.seen.name for hand in self._hands)
            for key, _ in self._selector.select(POLL_S if watching else _LOOK_S):
                if self._is_registered(key):
                    key.data()
            for hand in self._hands:
                self._look_at(hand)
            if any(hand.job for hand in self._hands):
                asked = time.monotonic()
        for hand in self._hands:
            _end(hand, signal.SIGKILL)

    def _is_registered(self, key: selectors.SelectorKey) -> bool:
        """Whether an event is still wanted; another one of the same moment may have settled it."""
        try:
            return self._selector.get_key(key.fileobj) == key
        except (KeyError, ValueError):
            return False

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        try:
            job, here = _received(connection)
        except (OSError, ValueError):
            connection.close()  # the command will do its job itself
            return
        with contextlib.suppress(OSError):
            if self._agrees(here):
                prepared = prepare(job.task.arguments)
                connection.sendall(warm.ACCEPTED)
                self._selector.register(connection, selectors.EVENT_READ, lambda: self._hear(job))
                self._give(job, prepared)
                return
            connection.sendall(warm.REFUSED)
        self._let_go(job)

    def _agrees(self, here: list[str]) -> bool:
        """Whether a job's circumstances are the worker's; it may still adopt those of its first."""
        if self._ahead:
            self._ahead = False
            theirs, ours = (
                [word for word in words if not word.startswith(_ADOPTED)]
                for words in (here, self._here)
            )
            if theirs == ours:
                for name in warm.ADOPTED:
                    os.environ.pop(name, None)
                for name, _, text in (w.partition("=") for w in here if w.startswith(_ADOPTED)):
                    os.environ[name] = text
                self._here = here
            else:  # nobody wants it: the next job starts one that fits
                Path(warm.socket_path(self._workflow)).unlink(missing_ok=True)
                self.is_of_use = False
        return here == self._here

    def _give(self, job: Job, prepared: Prepared) -> None:
        """Let a hand do a job; if none can, its command does it itself."""
        try:
            hand = self._idle(prepared) or self._fork(prepared)
            hands.send(hand.channel, job.task.content())
            socket.send_fds(hand.channel, [b"\0"], job.streams)
        except (OSError, RuntimeError) as error:
            log.error("%s", error)
            self._let_go(job)
        else:
            hand.job, hand.seen, hand.verdict = job, Seen(), None

    def _idle(self, prepared: Prepared) -> Hand | None:
        """A hand that has what it needs; if there are others only, one of those is let go."""
        idle = [hand for hand in self._hands if hand.job is None]
        if not prepared.alone:
            for hand in idle:
                if prepared.needs <= hand.knows:
                    return hand
        if idle:
            self._dismiss(idle[0])
        return None

    def _fork(self, prepared: Prepared) -> Hand:
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            raise RuntimeError("a library started threads; no job can be forked any more")
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        gc.freeze()  # what is there stays in memory that all hands share
        process = os.fork()
        if process == 0:
            hands.live(theirs, parent, kept=not prepared.alone)
        theirs.close()
        hand = Hand(process, os.pidfd_open(process), ours, _in_memory(), not prepared.alone)
        self._hands.add(hand)
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._listen(hand))
        self._selector.register(hand.descriptor, selectors.EVENT_READ, lambda: self._after(hand))
        return hand

    def _hear(self, job: Job) -> None:
        """A job's command passes signals on, or is gone."""
        said = b""
        with contextlib.suppress(OSError):
            said = job.connection.recv(16)
        job.told = True
        for hand in self._hands:
            if hand.job is job:
                for number in said or (signal.SIGKILL,):
                    _end(hand, number)
        if not said:
            self._selector.unregister(job.connection)

    def _listen(self, hand: Hand) -> None:
        """A hand says how far it is."""
        try:
            word, content = hands.receive(hand.channel)
        except OSError:
            self._after(hand)
            return
        if word == hands.SEEN:
            hand.seen = hands.seen_of(content)
        elif hand.job is not None:
            self._finish(hand.job, content)
            hand.job, hand.seen = None, Seen()
            hand.jobs += 1
            if not hand.kept or hand.jobs >= MOST_JOBS or content not in (0, 1, 2):
                self._dismiss(hand)

    def _look_at(self, hand: Hand) -> None:
        """Kill a hand that goes over a limit."""
        if hand.verdict is None and hand.seen.name:
            hand.verdict = hand.seen.verdict(hand.process)
            if hand.verdict is not None:
                _end(hand, signal.SIGKILL)

    def _after(self, hand: Hand) -> None:
        """A hand has ended; if that was a photo's fault, another one does what is left."""
        _, status = os.waitpid(hand.process, 0)
        code, job, name = os.waitstatus_to_exitcode(status), hand.job, hand.seen.name
        self._forget(hand)
        os.close(hand.descriptor)
        if job is None:
            return
        if job.told or not name:
            self._finish(job, code)
            return
        try:
            job.task.known[name] = hand.verdict or how_it_died(code, name)
        except UnrippleError as error:
            job.task.fatal = error
        self._give(job, prepare(job.task.arguments))

    def _dismiss(self, hand: Hand) -> None:
        """Let an idle hand end; nothing is to be heard of it any more but that."""
        self._selector.unregister(hand.channel)
        hand.channel.close()
        hand.kept = False
        self._hands.discard(hand)

    def _forget(self, hand: Hand) -> None:
        if hand in self._hands:
            self._dismiss(hand)
        self._selector.unregister(hand.descriptor)

    def _finish(self, job: Job, status: int) -> None:
        with contextlib.suppress(OSError):
            job.connection.sendall(status.to_bytes(warm.STATUS_BYTES, "big", signed=True))
        self._let_go(job)

    def _let_go(self, job: Job) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(job.connection)
        job.connection.close()
        for stream in job.streams:
            os.close(stream)


def _end(hand: Hand, number: int) -> None:
    """Send a signal to a hand and to the processes it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(hand.process, number)
    with contextlib.suppress(ProcessLookupError):  # it may not lead its group yet
        os.kill(hand.process, number)


def _received(connection: socket.socket) -> tuple[Job, list[str]]:
    """Read a job, and where it was asked for.

    Raises:
        OSError: the command is gone, or another user's.
        ValueError: this is no request.
    """
    connection.settimeout(_REQUEST_S)
    sender = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if int.from_bytes(sender[4:8], sys.byteorder) != os.getuid():
        raise PermissionError("another user's command")
    length = int.from_bytes(hands.exactly(connection, warm.STATUS_BYTES), "big")
    if length > _LONGEST_REQUEST:
        raise ValueError("too long a request")
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    try:
        mask, arguments, here = warm.unpacked(hands.exactly(connection, length))
        connection.settimeout(None)
        return Job(hands.Task(arguments, mask), streams, connection), here
    except (OSError, ValueError):
        for stream in streams:
            os.close(stream)
        raise


def prepare(arguments: list[str]) -> Prepared:
    """Import what a stage's job needs and load its networks, if they are to live on the CPU.

    Whatever goes wrong here goes wrong again in the job, which says so.
    """
    options: Any = None
    with contextlib.suppress(Exception, SystemExit):
        options = hands.parser().parse_args(arguments)
    if getattr(options, "shard", None) is None or options.job is None:
        return Prepared()
    with contextlib.suppress(Exception):
        modules = (*_SOON, f"unripple.stages.{options.stage}")
        for module in modules:
            importlib.import_module(module)
        return Prepared(_keep_networks(options) | set(modules), options.device != "cpu")
    return Prepared(alone=True)


def prepare_ahead(text: str) -> None:
    """Import what the jobs of a config need and load their networks, or leave it to them to fail.

    Args:
        text: the complete config, as JSON.
    """
    from unripple.api.jobs import job_from_config
    from unripple.api.steps import RECIPES
    from unripple.io.config import edits
    from unripple.zoo.zoo import Zoo

    with contextlib.suppress(Exception):
        options = hands.parser().parse_args(["align"])
        for module in _SOON:
            importlib.import_module(module)
        config = json.loads(text)
        zoo, names = Zoo(config["models"]), tuple(edit.name for edit in edits(config))
        for stage, step in RECIPES[config["recipe"]].items():
            importlib.import_module(f"unripple.stages.{stage}")
            for of in step.places(names)[:1] if options.device == "cpu" else ():
                _keep(job_from_config(config, stage, of, zoo))


def _keep_networks(options: Any) -> frozenset[Kept]:
    from unripple.api.jobs import Job as Shard

    if options.device != "cpu":
        return frozenset()
    content = json.loads(options.job)
    content.pop("photos", None)
    return _keep(Shard.from_json(options.stage, None, json.dumps(content)))


def _keep(shard: Shard) -> frozenset[Kept]:
    """Load the networks of a job, for all jobs to come."""
    from unripple.zoo import zoo

    _ = shard.weights  # their files are read once for all jobs
    roles = [role for role in shard.step.roles(shard.settings) if role in zoo.ROLES]
    kept = (zoo.keep(shard.zoo, role, at_most_mb=KEEP_MB) for role in roles)
    return frozenset(name for name in kept if name is not None)


def _in_memory() -> frozenset[str | Kept]:
    """The modules and networks that a process forked now has."""
    zoo = sys.modules.get("unripple.zoo.zoo")
    return frozenset(sys.modules) | (frozenset() if zoo is None else zoo.kept())


def sweep() -> None:
    """Take away what the workers of workflows that were killed left behind."""
    for path in Path(warm.FOLDER).iterdir():
        if not warm.is_alive(path.name.partition(".")[0]):
            path.unlink(missing_ok=True)


def main() -> NoReturn:
    """Listen, say so, and serve the workflow named on the command line."""
    workflow, said, ahead = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
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
        here = warm.circumstances()  # before libraries set variables
        gc.disable()  # what is imported stays: looking for garbage there is a fifth of the time
        for config in ahead:
            prepare_ahead(config)
        gc.enable()
        worker = Worker(listener, workflow, here, ahead=bool(ahead))
        worker.serve()
    if worker.is_of_use:
        _leave(workflow)
    logging.shutdown()
    os._exit(0)  # there is nothing to tidy up, and taking torch apart would take a while


def _leave(workflow: str) -> None:
    Path(warm.socket_path(workflow)).unlink(missing_ok=True)
    if warm.is_alive(workflow):  # nothing to do for a while: no worker was lost
        os.truncate(warm.lock_path(workflow), 0)
    sweep()
    with contextlib.suppress(OSError):
        Path(warm.FOLDER).rmdir()


if __name__ == "__main__":
    main()
