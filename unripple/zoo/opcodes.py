"""What the program that a pickle is would do, found out without running it.

A few bytes may ask for gigabytes (a memo of 2**30 places, a bytearray of a stated length) or for
endless work (a tuple of a tuple of itself, hashed). No weights need that, so it is refused here.
"""

from __future__ import annotations

import io
import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import IO, Any, NamedTuple

MOST_STEPS = 20_000_000
"""Steps of one pickle; a checkpoint of ten thousand tensors has less than a million."""

MOST_IN_A_TUPLE = 10_000
"""Values that a tuple may unfold to, each counted as often as it is repeated. Hashing one takes as
many steps."""

_DAMAGED = (ValueError, IndexError, KeyError, MemoryError, OverflowError, RecursionError)
_TUPLES = ("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET")
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_GETS = ("GET", "BINGET", "LONG_BINGET")


class _Thing(NamedTuple):
    """What is known of a thing on the stack.

    Attributes:
        text: itself, if it is one.
        unfolds_to: values in it, if it is a tuple.
    """

    text: str | None = None
    unfolds_to: int = 1


_THING, _MARK = _Thing(), _Thing("(mark)")


def names_in(stream: IO[bytes]) -> set[str]:
    """What the next pickle of a stream asks for, as "module.name"; reads right up to its end.

    Raises:
        ValueError: it is no pickle, cut short, or would cost far more than it holds.
    """
    machine = _Machine()
    bounded: Any = _Bounded(stream)
    try:
        for code, argument, _ in pickletools.genops(bounded):
            if code.name == "FRAME" and int(argument or 0) > bounded.left:
                raise ValueError("a part of it is longer than the file")
            machine.step(code, argument)
    except _DAMAGED as error:
        raise ValueError(f"no whole pickle ({error or type(error).__name__})") from error
    return machine.names


class _Bounded:
    """A stream that never asks for more memory than it has bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        start = stream.tell()
        self._stream, self._end = stream, stream.seek(0, io.SEEK_END)
        stream.seek(start)
        self.tell, self.readline = stream.tell, stream.readline

    @property
    def left(self) -> int:
        return self._end - self._stream.tell()

    def read(self, size: int) -> bytes:
        return self._stream.read(size if size < 1024 else min(size, self.left))


class _Machine:
    """The stack and the memo of a pickle, with what is known of the things there."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._stack: list[_Thing] = []
        self._memo: dict[int, _Thing] = {}
        self._steps = 0

    def step(self, code: Any, argument: Any) -> None:
        """Do one step.

        Raises:
            ValueError, IndexError, KeyError: it cannot be done, or no weights need it.
        """
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError(f"it has more than {MOST_STEPS} steps")
        name = code.name
        if name in _PUTS or name == "MEMOIZE":
            self._put(len(self._memo) if name == "MEMOIZE" else int(argument))
        elif name in _GETS:
            self._stack.append(self._memo[int(argument)])
        elif name == "MARK":
            self._stack.append(_MARK)
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "POP":
            self._stack.pop()
        else:
            taken = self._take(code.stack_before)
            self._ask(name, argument, taken)
            if code.stack_after:
                self._stack.append(_made(name, argument, taken))

    def _put(self, place: int) -> None:
        # A memo is a list: a place far behind all others would be gigabytes of nothing.
        if not 0 <= place <= self._steps:
            raise ValueError(f"it keeps a thing at place {place} of {self._steps}")
        self._memo[place] = self._stack[-1]

    def _take(self, wanted: list[Any]) -> list[_Thing]:
        """What a step takes off the stack; without what lies below a mark that it goes down to."""
        if pickletools.markobject not in wanted:
            at = len(self._stack) - len(wanted)
            taken = self._stack[at:]
            if at < 0 or any(thing is _MARK for thing in taken):
                raise ValueError("it takes more than there is")
            del self._stack[at:]
            return taken
        taken = []
        while (thing := self._stack.pop()) is not _MARK:
            taken.append(thing)
        for _ in range(wanted.index(pickletools.markobject)):
            self._stack.pop()
        return taken[::-1]

    def _ask(self, name: str, argument: Any, taken: list[_Thing]) -> None:
        if name in ("GLOBAL", "INST"):
            self.names.add(full_name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            module, last = (thing.text or "?" for thing in taken)
            self.names.add(f"{module}.{last}")
        elif name.startswith("EXT"):
            self.names.add(f"copyreg.extension_{argument}")


def _made(name: str, argument: Any, taken: list[_Thing]) -> _Thing:
    if name in _TUPLES:
        unfolds_to = 1 + sum(thing.unfolds_to for thing in taken)
        if unfolds_to > MOST_IN_A_TUPLE:
            raise ValueError(f"a tuple in it unfolds to more than {MOST_IN_A_TUPLE} values")
        return _Thing(None, unfolds_to)
    return _Thing(argument) if isinstance(argument, str) else _THING


def full_name(module: str, name: str) -> str:
    """The full name of something that an old pickle may call by its name in Python 2."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"
