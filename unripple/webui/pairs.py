"""The queue of the page: pairs of photo and edit, made one after another, kept beside the batch.

A pair is known by an id that only the page that queued it knows, and keeps: so a page that was
loaded anew, or a server that was started anew, goes on where it was, and nobody sees other people's
photos.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.conventions import BadConfig, UnknownName
from unripple.webui import batch
from unripple.webui.batch import Added

WAITING, DONE, FAILED = "waiting", "done", "failed"
RUNNING = "running"
_ID_BYTES = 18
_STOPPED = "the process that made it was ended; run it again"


@dataclass(frozen=True)
class QueuedPair:
    """A photo and an edit of it.

    Attributes:
        photo: the photo's file in the batch.
        edit: the edit's name there.
        name: what the user called the photo.
        state: `WAITING`, `DONE` or `FAILED`.
        told: what `pair_run` said of a made one.
        why: why one failed.
    """

    photo: str
    edit: str
    name: str
    state: str = WAITING
    told: dict[str, Any] = field(default_factory=dict)
    why: str = ""


class PairQueue:
    """The pairs of a batch, and the process that makes them.

    Args:
        path: the batch's config.
        device: where networks run.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self._batch, self._device = path, device
        self._file = path.with_name(f"{path.stem}_queue.json")
        self._lock = threading.RLock()
        self._todo: list[str] = []
        self._now: tuple[str, str, float] | None = None  # id, stage, since when
        self._process: subprocess.Popen[str] | None = None

    def add(self, added: Added, name: str) -> str:
        """Queue what was added to the batch; its id."""
        pair_id = secrets.token_urlsafe(_ID_BYTES)
        self._write(pair_id, QueuedPair(added.photo.name, added.edit, name))
        return pair_id

    def get(self, pair_id: str) -> QueuedPair:
        """A pair.

        Raises:
            UnknownName: there is none of that id.
        """
        with self._lock:
            pairs = self._read()
        if pair_id not in pairs:
            raise UnknownName("there is no such pair any more")
        return pairs[pair_id]

    def remove(self, pair_id: str) -> None:
        """Take a pair from the queue and from the batch; what was made of it stays."""
        self.cancel([pair_id])
        with self._lock:
            pairs = self._read()
            pair = pairs.pop(pair_id, None)
            if pair is None:
                return
            self._keep(pairs)
            shared = any((one.photo, one.edit) == (pair.photo, pair.edit) for one in pairs.values())
        if not shared:
            batch.remove(self._batch, pair.edit, pair.photo)

    def describe(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """How far pairs are, those that are known."""
        with self._lock:
            pairs, now, todo = self._read(), self._now, list(self._todo)
        found = []
        for pair_id in ids:
            if pair_id not in pairs:
                continue
            pair = pairs[pair_id]
            one: dict[str, Any] = {
                "id": pair_id,
                "name": pair.name,
                "edit": pair.edit,
                "state": pair.state,
            }
            one |= {"why": pair.why, "figures": pair.told.get("figures", {})}
            one["queued"] = pair_id in todo
            if now is not None and now[0] == pair_id:
                passed = round(time.monotonic() - now[2], 1)
                one |= {"state": RUNNING, "stage": now[1], "seconds": passed}
            found.append(one)
        return found

    def run(self, ids: Iterable[str]) -> None:
        """Make pairs, those that are not made yet."""
        with self._lock:
            pairs = self._read()
            busy = {*self._todo, *([self._now[0]] if self._now else [])}
            for pair_id in ids:
                if pair_id in pairs and pair_id not in busy and pairs[pair_id].state != DONE:
                    self._todo.append(pair_id)
            self._next()

    def cancel(self, ids: Iterable[str]) -> None:
        """Stop making pairs; another `run` goes on at the stage that they are at."""
        with self._lock:
            stopped = set(ids)
            self._todo = [one for one in self._todo if one not in stopped]
            if self._now is not None and self._now[0] in stopped:
                self._end()
                self._next()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._todo = []
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()  # the store takes no harm; `_follow` sees it off
        self._process = self._now = None

    def _next(self) -> None:
        if self._now is not None:
            return
        if not self._todo:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()  # it ends, and gives its memory back
            self._process = None
            return
        pair_id = self._todo.pop(0)
        pair = self._read().get(pair_id)
        if pair is None:
            self._next()
            return
        if self._process is None or self._process.poll() is not None:
            self._process = self._started()
        self._now = (pair_id, "start", time.monotonic())
        asked = {"id": pair_id, "photo": pair.photo, "edit": pair.edit}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except OSError:  # it is dead; `_follow` says so
            pass

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "unripple.webui.pair_run", str(self._batch)]
        process = subprocess.Popen(
            [*command, "--device", self._device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._follow, args=(process,), daemon=True).start()
        return process

    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Note what the process says, until it ends."""
        assert process.stdout is not None
        for line in process.stdout:
            word = json.loads(line)
            with self._lock:
                if self._process is not process or self._now is None:
                    break
                if "stage" in word:
                    self._now = (word["id"], word["stage"], self._now[2])
                    continue
                self._finish(word["id"], word)
        process.wait()
        with self._lock:
            if self._process is process and self._now is not None:
                self._process = None
                self._finish(self._now[0], {"failed": _STOPPED})

    def _finish(self, pair_id: str, word: dict[str, Any]) -> None:
        pairs = self._read()
        self._now = None
        if pair_id in pairs:
            pair = pairs[pair_id]
            if "done" in word:
                pairs[pair_id] = replace(pair, state=DONE, told=word["done"], why="")
            else:
                pairs[pair_id] = replace(pair, state=FAILED, why=word["failed"])
            self._keep(pairs)
        self._next()

    def _write(self, pair_id: str, pair: QueuedPair) -> None:
        with self._lock:
            self._keep({**self._read(), pair_id: pair})

    def _keep(self, pairs: dict[str, QueuedPair]) -> None:
        content = {pair_id: asdict(pair) for pair_id, pair in pairs.items()}
        atomic.write_text(self._file, json.dumps(content, indent=1) + "\n")

    def _read(self) -> dict[str, QueuedPair]:
        try:
            content = json.loads(self._file.read_text())
            return {pair_id: QueuedPair(**pair) for pair_id, pair in content.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise BadConfig(f"{self._file}: damaged ({error}); delete it") from error
