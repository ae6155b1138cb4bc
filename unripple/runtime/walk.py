"""The steps of one photo in their order, those that do not wait for each other side by side.

While one core edits, another parses the photo; then one parses the edit, and the other looks at its
depth. These stay on one thread each, so their bytes are those of a walk step by step. A step for
which all others wait gets all cores; see `Stage.threads_alike`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)
Made = TypeVar("Made")


def walk(
    needs: Mapping[Place, Sequence[Place]],
    make: Callable[[Place, Mapping[Place, Made], int], Made],
    *,
    begin: Callable[[Place], None],
    cores: int,
) -> dict[Place, Made]:
    """Make what stands at every place, after what it needs.

    Args:
        needs: the places that each one waits for, in an order in which they can be made.
        make: makes one, given what is made so far, and on how many cores: on all of them while
            nothing else can be made, else on one.
        begin: called in this thread before each; what it raises begins no further one.
        cores: how many are made at a time; with 1, all in this thread.

    Returns:
        What was made, by place, in the order of `needs`.

    Raises:
        Exception: what `begin` or `make` raised; of several errors the one that stands first in the
            order. What has begun is finished before.
    """
    if cores == 1:
        made: dict[Place, Made] = {}
        for place in needs:
            begin(place)
            made[place] = make(place, made, 1)
        return made
    with ThreadPoolExecutor(cores) as threads:
        return _Walk(needs, make, begin, threads, cores).to_the_end()


class _Walk(Generic[Place, Made]):
    """A walk of several threads. Only its own thread reads and writes what is kept here."""

    def __init__(
        self,
        needs: Mapping[Place, Sequence[Place]],
        make: Callable[[Place, Mapping[Place, Made], int], Made],
        begin: Callable[[Place], None],
        threads: ThreadPoolExecutor,
        cores: int,
    ) -> None:
        self.needs, self.make, self.begin = needs, make, begin
        self.threads, self.cores = threads, cores
        self.made: dict[Place, Made] = {}
        self.running: dict[Future[Made], Place] = {}
        self.errors: dict[Place, BaseException] = {}
        self.waiting = list(needs)

    def to_the_end(self) -> dict[Place, Made]:
        """Begin what can be made, wait for one of them, and again."""
        while True:
            self.begin_what_can()
            if not self.running:
                break
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                self.note(future)
        for place in self.needs:
            if place in self.errors:
                raise self.errors[place]
        return {place: self.made[place] for place in self.needs}

    def begin_what_can(self) -> None:
        """Begin the first places whose needs are made, as many as there are cores free."""
        ready = [
            place for place in self.waiting if all(need in self.made for need in self.needs[place])
        ]
        alone = len(ready) == 1 and not self.running
        for place in ready[: self.cores - len(self.running)]:
            if self.errors:
                return
            self.waiting.remove(place)
            try:
                self.begin(place)
            except BaseException as error:  # raised by `to_the_end`, once the others are done
                self.errors[place] = error
                return
            cores = self.cores if alone else 1
            future = self.threads.submit(self.make, place, dict(self.made), cores)
            self.running[future] = place

    def note(self, future: Future[Made]) -> None:
        """Keep what was made, or why it was not."""
        place = self.running.pop(future)
        error = future.exception()
        if error is None:
            self.made[place] = future.result()
        else:
            self.errors[place] = error
