"""Methods that stand beside each other, each in a module of its own, found by name.

A package of methods (`stages.painters`, say) declares what all of them give, a subclass of
`Method`, and a `Registry` of them. A module in that package with a `METHOD` is one more of them:
nothing else names it.
"""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Generic, TypeVar

from unripple.conventions import UnknownName
from unripple.stages.interface.settings import Settings

_Value = TypeVar("_Value")


def always(value: _Value) -> Callable[..., _Value]:
    """A function that gives the same whatever it is called with: the default of a declaration."""
    return partial(_first, value)  # which other processes can be sent


def _first(value: _Value, *_: Any) -> _Value:
    return value


def as_given(settings: Mapping[str, Any], *_: Any) -> Mapping[str, Any]:
    """The default of what decides about settings: they stay as they are."""
    return settings


@dataclass(frozen=True, kw_only=True)
class Method:
    """One of several ways to do a thing.

    Attributes:
        name: its word in the config.
        help: what it does.
        roles: networks that it uses.
        settings: settings of its own, a section of its name in that of its stage.
        rank: its place in lists that people read; alike ones stand in alphabetical order.
    """

    name: str
    help: str = ""
    roles: tuple[str, ...] = ()
    settings: type[Settings] | None = None
    rank: int = 100

    def own(self, values: Mapping[str, Any]) -> Any:
        """Its own settings, from those that a job carries."""
        assert self.settings is not None
        return self.settings.of(values.get(self.name, {}))


AnyMethod = TypeVar("AnyMethod", bound=Method)


class Registry(Mapping[str, AnyMethod], Generic[AnyMethod]):
    """The methods of a package by name. Its modules are imported when first asked for.

    Args:
        package: whose modules have a `METHOD`.
        kind: what each of them is.
    """

    def __init__(self, package: str, kind: type[AnyMethod]) -> None:
        self._package = package
        self._kind = kind

    @cached_property
    def _methods(self) -> dict[str, AnyMethod]:
        folder = import_module(self._package).__path__
        names = [f"{self._package}.{entry.name}" for entry in pkgutil.iter_modules(folder)]
        methods = [import_module(name).METHOD for name in names]
        assert all(isinstance(method, self._kind) for method in methods), names
        return {one.name: one for one in sorted(methods, key=lambda one: (one.rank, one.name))}

    def __getitem__(self, name: str) -> AnyMethod:
        """The method of that name.

        Raises:
            UnknownName: there is none; the text names the nearest.
        """
        if name not in self._methods:
            close = difflib.get_close_matches(name, self._methods, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(self)}"
            raise UnknownName(f"no {self._kind.__name__.lower()} {name!r}; {hint}")
        return self._methods[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def __contains__(self, name: object) -> bool:
        return name in self._methods

    def own_settings(self) -> dict[str, type[Settings]]:
        """The settings classes of those methods that have one, by name."""
        return {one.name: one.settings for one in self.values() if one.settings is not None}
