"""What the tensors of a torch file claim of its bytes, checked before torch believes it.

Torch lets a storage grow by whatever the memory held where a tensor claims more than it, and trusts
a file's list of storages. So the pickle is first read for its claims alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from unripple.zoo.opcodes import names_in
from unripple.zoo.pickles import STORAGES, BarePickle, Inert, check_extent, stand_ins

_LEGACY_PICKLES = 5
"""A legacy file begins with as many: mark, version, system, content, keys."""

_CONTENT, _KEYS = 3, 4


@dataclass(frozen=True)
class _Storage:
    """A storage as the pickle speaks of it: its length, and the bytes of one number."""

    numbers: int
    width: int

    @property
    def bytes(self) -> int:
        return self.numbers * self.width


class _Claims(BarePickle):
    """Reads the pickle of a torch file, without its numbers."""

    def __init__(self, stream: IO[bytes], *, script: bool = False) -> None:
        super().__init__(stream, script=script)
        self.storages: dict[str, _Storage] = {}
        self._known |= {
            name: type(name, (Inert,), {"width": width}) for name, width in STORAGES.items()
        }
        self._known |= {
            "torch.Size": tuple,
            "torch.serialization._get_layout": Inert,
            "torch._tensor._rebuild_from_type_v2": lambda make, _, parts, *__: make(*parts),
            "torch._utils._rebuild_meta_tensor_no_storage": Inert,
            "torch._utils._rebuild_sparse_tensor": Inert,
            "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
            "torch._utils._rebuild_tensor": _claim,
            "torch._utils._rebuild_tensor_v2": _claim,
        }

    def find_class(self, module: str, name: str, /) -> Any:
        full = f"{module}.{name}"
        if module == "torch" and full not in self._known:
            stand_ins([full])  # says whether it may be
            return Inert
        return super().find_class(module, name)

    def persistent_load(self, pid: Any, /) -> _Storage:
        """A storage by what the pickle says of it."""
        word, kind, key, _, numbers, *rest = pid
        width = getattr(kind, "width", 0)
        if _text(word) != "storage" or type(numbers) is not int or numbers < 0 or width < 1:
            raise ValueError("a storage that is none")
        name, storage = _text(key), _Storage(numbers, width)
        if self.storages.setdefault(name, storage) != storage:
            raise ValueError(f"storage {name[:60]} has two lengths or types")
        view = rest[0] if rest else None
        if view is None:
            return storage
        _, offset, length = view
        check_extent(numbers, width, offset, (length,), (1,))
        return _Storage(length, width)


def _text(word: Any) -> str:
    return word.decode("ascii") if isinstance(word, bytes) else str(word)


def _claim(storage: Any, offset: Any, size: Any, stride: Any, *_: object) -> Inert:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor without a storage")
    check_extent(storage.numbers, storage.width, offset, tuple(size), tuple(stride))
    return Inert()


def check_archive(pickled: IO[bytes], lengths: Mapping[str, int], *, script: bool = False) -> None:
    """Check the table of contents of a torch zip.

    Args:
        pickled: its pickle, looked through already.
        lengths: of its storages, bytes by name.
        script: it is a TorchScript archive.

    Raises:
        Forbidden: see `BarePickle`.
        Exception: a tensor claims more than its storage, or a storage more than its file; or
            whatever a damaged pickle leads to.
    """
    claims = _Claims(pickled, script=script)
    claims.load()
    for name, storage in claims.storages.items():
        if storage.bytes > lengths.get(name, -1):
            raise ValueError(
                f"storage {name[:60]} claims {storage.bytes} bytes, {lengths.get(name, 0)} are "
                "there"
            )


def check_legacy(stream: IO[bytes]) -> dict[str, Any]:
    """Check a file of torch's older format; leaves the stream at its start.

    Returns:
        Stand-ins for what it asks for, see `stand_ins`.

    Raises:
        Forbidden, Exception: see `check_archive`.
    """
    names: set[str] = set()
    starts = []
    for _ in range(_LEGACY_PICKLES):
        starts.append(stream.tell())
        names |= names_in(stream)
    stand_in_of = stand_ins(names)
    left = stream.seek(0, 2) - starts[-1]
    stream.seek(starts[_CONTENT])
    claims = _Claims(stream)
    claims.load()
    stream.seek(starts[_KEYS])
    keys = [_text(key) for key in BarePickle(stream).load()]
    if len(set(keys)) < len(keys) or set(claims.storages) - set(keys):
        raise ValueError("it does not hold every storage once that its tensors claim")
    if (claimed := sum(storage.bytes for storage in claims.storages.values())) > left:
        raise ValueError(f"its storages claim {claimed} bytes, {left} are there")
    stream.seek(0)
    return stand_in_of
