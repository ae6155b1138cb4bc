"""Mix-ups: ways to bring back from the photo what an edit is not about.

A mix-up is a module here with a `METHOD`; `mix.order` names it, and its settings are a section of
`mix`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unripple.conventions import Photo
from unripple.stages.interface import Method, Registry, Settings, Work, knob


@dataclass(frozen=True, kw_only=True)
class MixupSettings(Settings):
    """What all mix-ups have: each may be held to some edits by name or translation."""

    only: tuple[str, ...] | None = knob(None, "")
    except_: tuple[str, ...] = knob((), "")


@dataclass(frozen=True, kw_only=True)
class Mixup(Method):
    """A mix-up.

    Attributes:
        mix: (work, the aligned photo, the picture so far, settings in px of the photo) -> the mixed
            picture.
        settings: its section.
        draws: whether it looks at the drawn domain, and cannot be without one.
    """

    mix: Callable[[Work, Photo, Photo, Any], Photo]
    settings: type[Settings] = MixupSettings
    draws: bool = False


MIXES = Registry(__name__, Mixup)
