"""Packages that the default install leaves out, and how to get them."""

from __future__ import annotations

import importlib.util

from unripple.conventions import UnrippleError


class NotInstalled(UnrippleError):
    """A package is asked for that an extra brings."""


def need(package: str, extra: str, what: str) -> None:
    """Go on only where a package is installed; importing it is the caller's.

    Args:
        package: as it is imported.
        extra: of unripple, which brings it.
        what: needs it, for the message.

    Raises:
        NotInstalled: it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise NotInstalled(
            f"{what} needs the package {package}, which the default install leaves out; pip "
            f"install 'unripple[{extra}]', or in a clone .uv/bin/uv sync --inexact --extra {extra}"
        )
