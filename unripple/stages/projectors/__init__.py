"""Projectors: ways from a picture to the generator's codes.

A projector is a module here with a `METHOD`; `project.method` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unripple.conventions import WPlus
from unripple.stages.interface import Method, Registry, Values, Work

if TYPE_CHECKING:
    from unripple.stages.project import ProjectSettings


@dataclass(frozen=True, kw_only=True)
class Projector(Method):
    """A way to codes.

    Attributes:
        project: the codes of several photos, as one batch.
        decide: of the section's settings those that matter to it.
        needs: networks used, given what `decide` left.
        guides: other codes of the same photos, for inverters that an edit leads by them.
    """

    project: Callable[[Sequence[Work], ProjectSettings], list[WPlus]]
    decide: Callable[[Values], Values]
    needs: Callable[[Values], tuple[str, ...]]
    guides: Callable[[Sequence[Work]], list[WPlus]] | None = None


PROJECTORS = Registry(__name__, Projector)
