"""What a stage is given: inputs by name, settings, networks, and the photograph where asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from unripple.conventions import WPlus
from unripple.io.artifact import Artifact
from unripple.io.digest import file_sha256
from unripple.io.domains import read_domain
from unripple.io.draft import Draft
from unripple.io.edited import EditedFile
from unripple.io.kept import KeptMask
from unripple.io.photo import Photograph
from unripple.io.truth import PhotoTruth
from unripple.stages.interface import Drawing, Model
from unripple.zoo.directions import Direction, find_direction
from unripple.zoo.pixel_directions import pixel_directions
from unripple.zoo.zoo import Zoo

OnProgress: TypeAlias = Callable[[str, int, int, float], None]
"""Called with how far a photo is: its id, the iteration, of how many, and the loss."""

Share: TypeAlias = Callable[
    [str, Mapping[str, Any], Callable[[], Artifact], Sequence[str] | None], Artifact
]
"""See `stages.interface.Work.shared`."""

NO_DRAFT = Draft()
Parts = TypeVar("Parts", bound=tuple[Any, ...])


def _nobody(iteration: int, of: int, loss: float) -> None:
    """Nobody listens."""


def _nothing() -> None:
    """All networks are loaded."""


def _made(
    name: str,  # noqa: ARG001
    made_from: Mapping[str, Any],  # noqa: ARG001
    make: Callable[[], Artifact],
    roles: Sequence[str] | None,  # noqa: ARG001
) -> Artifact:
    """Nothing is shared."""
    return make()


@dataclass(frozen=True)
class Work:
    """One step's task for one photo; see `stages.interface.Work` for what stages ask of it.

    Attributes:
        settings: the stage's knobs and what it borrows; all of it is part of the artifact's key.
        inputs: artifacts by input name, see `stages.interface.Stage`.
        zoo: where networks come from.
        photo: the photograph, for steps that read it.
        directions: the file of latent directions.
        truth: what is known of the photo, for `measure`.
        offset: the translation that the photo was offered, for `translate`.
        domain: the file of the edit's drawn domain, for `mix`.
        keep: the mask of what the edit leaves alone, for `edit`.
        edited: what another program made of the photo, for `register`.
        draft: where a long computation keeps how far it came.
        on_progress: called with the iteration, of how many, and the loss.
        share: makes or finds what several artifacts of the stage have in common.
        ready: loads the stage's networks; nothing is left to do where they are loaded before.
    """

    settings: Mapping[str, Any]
    inputs: Mapping[str, Artifact]
    zoo: Zoo
    photo: Photograph | None = None
    directions: Path = Path()
    truth: PhotoTruth | None = field(default=None)
    offset: WPlus | None = None
    domain: Path | None = None
    keep: KeptMask | None = None
    edited: EditedFile | None = None
    draft: Draft = NO_DRAFT
    on_progress: Callable[[int, int, float], None] = _nobody
    share: Share = _made
    ready: Callable[[], None] = _nothing

    def input(self, kind: type[Parts], name: str) -> Parts:
        """The outputs of the stage behind an input, parts that are lacking None."""
        parts, named = self.inputs[name], cast("Any", kind)
        return named._make(parts.get(part) for part in named._fields)

    def has(self, name: str) -> bool:
        """Whether the step has an input of that name."""
        return name in self.inputs

    def load(self, role: str) -> Model:
        """The network of a role, ready."""
        self.ready()
        return self.zoo.load(role)

    def shared(
        self,
        name: str,
        made_from: Mapping[str, Any],
        make: Callable[[], Artifact],
        roles: Sequence[str] | None = None,
    ) -> Artifact:
        """What several artifacts of the stage have in common."""
        return self.share(name, made_from, make, roles)

    def direction(self, name: str) -> Direction:
        """A direction by name.

        Raises:
            UnknownName: there is none.
        """
        return find_direction(self.directions, name)

    def pixel_direction(self, name: str) -> Direction:
        """A direction along which the photo's own pixels change, by name."""
        return pixel_directions()[name]

    @property
    def drawing(self) -> Drawing | None:
        """The edit's drawn domain."""
        return None if self.domain is None else _drawing(self.domain, file_sha256(self.domain))


@lru_cache(maxsize=64)
def _drawing(path: Path, sha256: str) -> Drawing:
    """A drawn domain, read once; the digest is there to see that the file changed."""
    return Drawing(sha256, read_domain(path))
