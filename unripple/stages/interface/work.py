"""What a stage may ask: of one photo's work, and before that of the plan of a job.

Stages know no files and no zoo; whoever runs them hands them something of these shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Mask, Photo, Shares, WPlus

Parts = TypeVar("Parts", bound=tuple[Any, ...])
"""The outputs of a stage, a named tuple."""


class Model(Protocol):
    """A ready network and what its file says."""

    @property
    def net(self) -> Any:
        """The network."""

    @property
    def network(self) -> str:
        """Which of the networks of its role it is."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What its file says about itself."""

    @property
    def extras(self) -> Mapping[str, Any]:
        """Tensors of its file that are no weights."""

    @property
    def path(self) -> Any:
        """Its file, for messages."""

    @property
    def size_px(self) -> int:
        """Side of the pictures that it was trained for."""


class Direction(Protocol):
    """Where to go in the generator's codes."""

    @property
    def family(self) -> str:
        """How one goes there: a name of `stages.families`."""

    @property
    def vector(self) -> Floats:
        """The way, [W] or [L, W]."""

    @property
    def component(self) -> Any:
        """For the family `component`, see `ops.latents.Component`."""

    @property
    def codes(self) -> tuple[int, int] | None:
        """The codes that move, as in a slice; None for those that the config says."""


class FileMetadata(Protocol):
    """What a photograph's file says beside its pixels."""

    @property
    def lost(self) -> Sequence[str]:
        """What a result cannot keep of it, in words."""


class Photograph(Protocol):
    """The whole photograph."""

    @property
    def pixels(self) -> Photo:
        """In its own colour space, uint8 [H, W, 3]."""

    @property
    def srgb(self) -> Photo:
        """In the colour space of the networks."""

    @property
    def sha256(self) -> str:
        """SHA-256 of those pixels."""

    @property
    def metadata(self) -> FileMetadata:
        """What its file says beside them."""

    def in_own_colours(self, pixels: Photo) -> Photo:
        """sRGB pixels in its own colour space; the very array if that is sRGB."""


class EditedElsewhere(Protocol):
    """What somebody made of the photograph with another program."""

    @property
    def srgb(self) -> Photo:
        """The picture in the colour space of the networks, uint8 [h, w, 3]."""

    @property
    def mask(self) -> Mask | None:
        """Where the edit may stay, as large as the photograph; None where nobody says."""


class KnownTruth(Protocol):
    """What is known of a rendered photo, as large as the photo; None where unknown."""

    @property
    def plate(self) -> Photo | None:
        """Background without the person."""

    @property
    def counterfactual(self) -> Photo | None:
        """The true picture of the edit."""

    @property
    def before(self) -> Mask | None:
        """The person in the photo."""

    @property
    def after(self) -> Mask | None:
        """The person in the true edit."""

    @property
    def yaw_deg(self) -> float | None:
        """True yaw of the edit."""


@dataclass(frozen=True)
class Drawing:
    """A drawn domain; two with one digest are one."""

    sha256: str
    levels: npt.NDArray[np.uint8] = field(compare=False)


class KeptMask(Protocol):
    """A mask of what an edit leaves alone."""

    @property
    def levels(self) -> Shares:
        """255 stays, uint8 [h, w]."""

    @property
    def of_photo(self) -> bool:
        """Whether it is about the whole photograph, or else about the aligned picture."""


class Draft(Protocol):
    """Where a long computation keeps how far it came."""

    def load(self) -> Mapping[str, npt.NDArray[Any]] | None:
        """What was saved last, if anything."""

    def save(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace what was saved before."""


class Progress(Protocol):
    """Who is told how far a long computation is."""

    def __call__(self, iteration: int, of: int, loss: float, /) -> None: ...


class Work(Protocol):
    """One step's task for one photo."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values; a stage is given them as what it declared."""

    @property
    def photo(self) -> Photograph | None:
        """The photograph, for stages that read it."""

    @property
    def edited(self) -> EditedElsewhere | None:
        """What somebody made of it elsewhere, for stages that read that."""

    @property
    def offset(self) -> WPlus | None:
        """The translation that the photo was offered."""

    @property
    def drawing(self) -> Drawing | None:
        """The edit's drawn domain."""

    @property
    def keep(self) -> KeptMask | None:
        """The mask of what the edit leaves alone, if there is a file."""

    @property
    def truth(self) -> KnownTruth | None:
        """What is known of the photo."""

    @property
    def draft(self) -> Draft:
        """Where to keep how far a long computation came."""

    @property
    def on_progress(self) -> Progress:
        """Called with how far it is."""

    def input(self, kind: type[Parts], name: str) -> Parts:
        """The outputs of the stage behind an input, parts that are lacking None."""

    def has(self, name: str) -> bool:
        """Whether the step has an input of that name."""

    def load(self, role: str) -> Model:
        """The network of a role."""

    def shared(
        self,
        name: str,
        made_from: Mapping[str, Any],
        make: Callable[[], Mapping[str, Any]],
        roles: Sequence[str] | None = None,
    ) -> Mapping[str, Any]:
        """What several artifacts of the stage have in common, made once.

        Args:
            name: what it is.
            made_from: arrays and plain values that decide it, and with the networks nothing else.
            make: makes its parts, by name.
            roles: the networks that decide it; None is all of the stage's.
        """

    def direction(self, name: str) -> Direction:
        """A direction by name."""

    def pixel_direction(self, name: str) -> Direction:
        """A direction along which the photo's own pixels change, by name."""


class Edit(Protocol):
    """A named edit of the config."""

    @property
    def attribute(self) -> str:
        """What it changes."""

    @property
    def translation(self) -> str | None:
        """Which translation it takes, or None."""

    @property
    def texts(self) -> Sequence[Mapping[str, Any]]:
        """Which texts it follows, one after the other, and how; none for other edits."""

    def is_among(self, patterns: Sequence[str]) -> bool:
        """Whether its name fits one of the patterns."""


class Plan(Protocol):
    """What decides a job's settings beside its own section of the config."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The whole config."""

    @property
    def edit(self) -> Edit | None:
        """The edit; None for what all edits of a photo share."""

    @property
    def moves(self) -> Mapping[str, float]:
        """The edit's directions and degrees, turns of the head among them as far as they can."""

    @property
    def turn(self) -> Mapping[str, float]:
        """What the edit asks in degrees of the head: `yaw`, `pitch`, `roll` by so many, `yaw_to`,
        `pitch_to`, `roll_to` until it looks there."""

    @property
    def beyond_generator(self) -> Sequence[str]:
        """Those words of `turn` that the generator has no direction for."""

    def require_generator(self, why: str) -> None:
        """Complain of them, where the generator would have to do them."""

    @property
    def asked(self) -> Mapping[str, float]:
        """All that the edit asks for: directions and turns in degrees."""

    @property
    def pixels(self) -> Mapping[str, float]:
        """What of it the photo's own pixels can do, turns aside."""

    @property
    def only_pixels(self) -> Sequence[str]:
        """Those words of `pixels` that the generator has no direction for."""

    def refuse_pixels(self, why: str) -> None:
        """Complain of them, where the generator would have to do them."""

    @property
    def has_drawing(self) -> bool:
        """Whether there is a drawn domain for the edit's characteristic."""

    def has_model(self, role: str) -> bool:
        """Whether the chosen models have one for a role."""

    def require_model(self, role: str) -> None:
        """Complain, if they have none."""

    def is_published(self, role: str) -> bool:
        """Whether the model of a role is one of the published files."""

    def metadata(self, role: str) -> Mapping[str, Any]:
        """What the file of a role says about itself."""

    def size_px(self, role: str) -> int:
        """The side of a network's pictures, as its file says."""

    def asked_turn_deg(self, moves: Mapping[str, float]) -> float | None:
        """By how much moves turn the head sideways; None if a direction does not say."""

    def check_codes(self) -> None:
        """Complain of codes that the generator does not have."""

    def settings_of(self, stage: str) -> Mapping[str, Any]:
        """The settings of another stage's job for the photo."""


class Subject(Protocol):
    """A photo that is to be worked on, as far as a stage may know before it reads it."""

    @property
    def photo(self) -> str:
        """Its id."""

    @property
    def align(self) -> str:
        """What the sheet says of how to find its face, or ""."""

    @property
    def points(self) -> Any:
        """Its landmarks, where a file names them."""
