"""What a pickle asks for, and harmless stand-ins for a few of these things.

A pickle is a program: it may ask for any function of any module and call it. So every pickle is
looked through before anything reads it, and only then given to torch's own reader of weights, which
refuses a second time. Nothing that a file names is ever imported.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import IO, Any

import torch
from torch import Tensor

HARMLESS_MODULES = (
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "omegaconf",
    "pytorch_lightning",
)
"""Packages whose objects training leaves in its checkpoints, beside the weights."""

HARMLESS = frozenset(
    [
        "argparse.Namespace",
        "builtins.bool",
        "builtins.dict",
        "builtins.float",
        "builtins.int",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy.dtype",
        "numpy.ndarray",
        "typing.Any",
    ]
)
"""The rest of what such objects are made of. They stand for nothing here: types, options, figures
of a training."""

DICTIONARIES = ("AttributeDict", "defaultdict")
"""Names of classes that are filled like a dictionary: a plain one takes their place."""

SCRIPT_MODULE = "__torch__."
"""The made-up module in which TorchScript archives keep the classes of their networks."""

_PLAIN = frozenset(
    [
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.complex",
        "builtins.set",
        "collections.Counter",
        "collections.OrderedDict",
    ]
)
"""What torch's reader of weights knows without being told."""

_DAMAGED = (ValueError, MemoryError, OverflowError)


class Refused(Exception):
    """A pickle asks for something that weights do not need; `wanted` is its full name."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class Inert:
    """Something of a foreign class: takes whatever it is made from and does nothing with it."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class Parts(Inert):
    """A part of a TorchScript network: keeps its attributes by name."""

    def __init__(self, *_: object) -> None:
        self.attributes: object = {}

    def __setstate__(self, state: object) -> None:
        self.attributes = state


class _Dictionary:
    """Makes a plain dictionary, empty: what would fill it comes afterwards."""

    def __new__(cls, *_: object) -> Any:
        return {}


def names_in(stream: IO[bytes]) -> set[str]:
    """What the next pickle of a stream asks for, as "module.name"; reads right up to its end.

    Raises:
        ValueError: it is no pickle, or cut short.
    """
    found: set[str] = set()
    memo: dict[int, str | None] = {}
    pushed: list[str | None] = [None, None]  # the last two things on the stack, if they are strings
    try:
        operations: Iterable[tuple[Any, Any, Any]] = pickletools.genops(stream)
        for code, argument, _ in operations:
            if code.name in ("GLOBAL", "INST"):
                found.add(_today(*argument.split(" ", 1)))
            elif code.name == "STACK_GLOBAL":
                module, name = pushed[-2:]
                found.add(f"{module or '?'}.{name or '?'}")
            elif code.name.startswith("EXT"):
                found.add(f"copyreg.extension_{argument}")
            if code.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[int(argument)] = pushed[-1]
            elif code.name == "MEMOIZE":
                memo[len(memo)] = pushed[-1]
            elif code.name in ("GET", "BINGET", "LONG_BINGET"):
                pushed.append(memo.get(int(argument)))
            elif code.stack_after:
                pushed.append(argument if isinstance(argument, str) else None)
            del pushed[:-2]
    except _DAMAGED as error:
        raise ValueError(f"no whole pickle ({error})") from error
    return found


def _today(module: str, name: str) -> str:
    """The full name of something that an old pickle may call by its name in Python 2."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"


def stand_ins(names: Iterable[str], *, script: bool = False) -> dict[str, Callable[..., Any]]:
    """Stand-ins for what a pickle asks for beyond what torch's reader of weights knows.

    Every call makes new classes, so that no file can leave anything behind in them.

    Args:
        names: see `names_in`.
        script: it lies in a TorchScript archive.

    Raises:
        Refused: it asks for something that is not on the lists above.
    """
    made: dict[str, Callable[..., Any]] = {}
    for full in sorted(names):
        package, last = full.split(".")[0], full.split(".")[-1]
        if script and full.startswith(SCRIPT_MODULE):
            made[full] = type(last, (Parts,), {})
        elif full == "collections.defaultdict" or (
            package in HARMLESS_MODULES and last in DICTIONARIES
        ):
            made[full] = type(last, (_Dictionary,), {})
        elif full in HARMLESS or package in HARMLESS_MODULES:
            made[full] = type(last, (Inert,), {})
        elif full not in _PLAIN and package != "torch":  # torch judges its own
            raise Refused(full)
    return made


class BarePickle(pickle.Unpickler):
    """Reads a pickle that is no torch file; of everything it may ask for, only the lists above.

    Args:
        stream: the pickle.

    Raises (`load`):
        Refused: it asks for something else.
        Exception: whatever a damaged pickle leads to.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        # Functions of this reader alone: a pickle may set attributes of what it is given.
        self._known: dict[str, Callable[..., Any]] = {
            "_codecs.encode": lambda text, _="latin1": text.encode("latin1"),
            "builtins.bytearray": bytearray,
            "builtins.complex": complex,
            "builtins.set": set,
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_parameter": lambda data, *_: data,
            "torch._utils._rebuild_tensor_v2": lambda *parts: _tensor(*parts),
            "torch.storage._load_from_bytes": lambda saved: _storage(saved),
        }

    def find_class(self, module: str, name: str, /) -> Any:
        """Look a name up, without ever importing it."""
        full = _today(module, name)
        if full not in self._known:
            made = stand_ins([full])
            if full not in made:
                raise Refused(full)
            self._known.update(made)
        return self._known[full]


def _storage(saved: bytes) -> Any:
    """A storage, which a bare pickle holds as a whole torch file of its own."""
    stream = io.BytesIO(saved)
    for _ in range(5):  # mark, version, system, content, keys
        stand_ins(names_in(stream))
    return torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)


def _tensor(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    return torch.empty(0, dtype=storage.dtype).set_(storage.untyped(), offset, size, stride)
