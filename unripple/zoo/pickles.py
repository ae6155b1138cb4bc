"""What a pickle asks for, and harmless stand-ins for a few of these things.

A pickle is a program: it may ask for any function of any module and call it. So every pickle is
looked through before anything reads it, and only then given to torch's own reader of weights, which
refuses a second time. Nothing that a file names is ever imported.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

import torch
from torch import Tensor

from unripple.zoo.opcodes import full_name

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

NUMPY_ARRAYS = ("numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct")
"""What makes numpy's arrays: a bare pickle, which may hold its weights as such, keeps their parts,
see `unripple.zoo.flax`."""

DICTIONARIES = ("AttributeDict", "defaultdict")
"""Names of classes that are filled like a dictionary: a plain one takes their place."""

LOAD_FROM_BYTES = "torch.storage._load_from_bytes"

MOST_TIMES_THE_STORAGE, SPARE_BYTES = 8, 64 << 20
"""How much larger than its storage a tensor may be, one number being repeated, and not more."""

_MOST_AXES = 64

SCRIPT_MODULE = "__torch__."
"""The made-up module in which TorchScript archives keep the classes of their networks."""

STORAGES: Mapping[str, int] = {
    f"{module}.{name}Storage": width
    for module in ("torch", "torch.cuda")
    for name, width in (
        *(("Double", 8), ("Float", 4), ("Half", 2), ("BFloat16", 2), ("Long", 8), ("Int", 4)),
        *(("Short", 2), ("Char", 1), ("Byte", 1), ("Bool", 1)),
        *(("ComplexDouble", 16), ("ComplexFloat", 8)),
    )
} | {"torch.storage.UntypedStorage": 1}
"""What torch calls its storages -> bytes of one number."""

_NUMBERS = ("bfloat16", "float16", "float32", "float64", "complex64", "complex128", "bool")
_WHOLE_NUMBERS = ("uint8", "int8", "int16", "int32", "int64")

_PLAIN = frozenset(
    [
        *STORAGES,
        *(f"torch.{name}" for name in (*_NUMBERS, *_WHOLE_NUMBERS)),
        "torch.Size",
        "torch._tensor._rebuild_from_type_v2",
        "torch._utils._rebuild_meta_tensor_no_storage",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._utils._rebuild_sparse_tensor",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch.device",
        "torch.serialization._get_layout",
        "_codecs.encode",
        "builtins.complex",
        "builtins.set",
        "collections.Counter",
        "collections.OrderedDict",
    ]
)
"""What torch's reader of weights knows without being told, and weights need. It knows more, but not
how to be careful with it: `torch.FloatTensor(10**10)` is 40 GB of whatever the memory held."""


class Forbidden(Exception):
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


def stand_ins(
    names: Iterable[str], *, script: bool = False, bare: bool = False
) -> dict[str, Callable[..., Any]]:
    """Stand-ins for what a pickle asks for beyond what torch's reader of weights knows.

    Every call makes new classes, so that no file can leave anything behind in them.

    Args:
        names: see `names_in`.
        script: it lies in a TorchScript archive.
        bare: it is no torch file, and may hold its storages as whole ones.

    Raises:
        Forbidden: it asks for something that is not on the lists above.
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
        elif full not in _PLAIN and not (bare and full == LOAD_FROM_BYTES):
            raise Forbidden(full)
    return made


class BarePickle(pickle.Unpickler):
    """Reads a pickle that is no torch file; of everything it may ask for, only the lists above.

    Args:
        stream: the pickle.
        script: it lies in a TorchScript archive.

    Raises (`load`):
        Forbidden: it asks for something else.
        Exception: whatever a damaged pickle leads to.
    """

    def __init__(self, stream: IO[bytes], *, script: bool = False) -> None:
        super().__init__(stream)
        self._script = script
        # Functions of this reader alone: a pickle may set attributes of what it is given.
        self._known: dict[str, Callable[..., Any]] = {
            "_codecs.encode": lambda text, _="latin1": text.encode("latin1"),
            "builtins.complex": complex,
            "builtins.set": set,
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_parameter": lambda data, *_: data,
            "torch._utils._rebuild_tensor_v2": lambda *parts: _tensor(*parts),
            LOAD_FROM_BYTES: lambda saved: _storage(saved),
            **{name: type("_reconstruct", (Parts,), {}) for name in NUMPY_ARRAYS},
        }

    def find_class(self, module: str, name: str, /) -> Any:
        """Look a name up, without ever importing it."""
        full = full_name(module, name)
        if full not in self._known:
            made = stand_ins([full], script=self._script)
            if full not in made:
                raise Forbidden(full)
            self._known.update(made)
        return self._known[full]


def _storage(saved: bytes) -> Any:
    """A storage, which a bare pickle holds as a whole torch file of its own."""
    from unripple.zoo.claims import check_legacy

    check_legacy(io.BytesIO(saved))
    return torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)


def _tensor(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    check_extent(storage.size(), storage.element_size(), offset, size, stride)
    return torch.empty(0, dtype=storage.dtype).set_(storage.untyped(), offset, size, stride)


def check_extent(
    numbers: int, width: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    """Refuse a tensor that claims more than its storage: torch would let the storage grow, by
    whatever the memory held.

    Args:
        numbers: length of the storage.
        width: bytes of each.
        offset, size, stride: of the tensor.

    Raises:
        ValueError: it does, or repeats its numbers far beyond what any weights do.
    """
    if len(size) != len(stride) or len(size) > _MOST_AXES:
        raise ValueError(f"a tensor of {len(size)} axes with {len(stride)} strides")
    if not all(type(one) is int and one >= 0 for one in (offset, *size, *stride)):
        raise ValueError("a tensor whose sizes are no whole numbers from 0 on")
    count = math.prod(size)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if offset > numbers or (count and last >= numbers):
        raise ValueError(f"a tensor that claims {last + 1} numbers of a storage of {numbers}")
    if count * width > MOST_TIMES_THE_STORAGE * numbers * width + SPARE_BYTES:
        raise ValueError(f"a tensor of {count} numbers, all from a storage of {numbers}")
