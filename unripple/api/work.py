"""What a stage's call gets: inputs by name, settings, networks, and the photograph where asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from unripple.conventions import WPlus
from unripple.io.artifact import Array, Artifact
from unripple.io.draft import Draft
from unripple.io.photo import Photograph
from unripple.io.truth import PhotoTruth
from unripple.zoo.zoo import Zoo

STATED_SIDE_PX = 128.0
"""Side of the aligned picture for which lengths and areas are stated in the config."""


Tell: TypeAlias = Callable[[str, int, int, float], None]
"""Whom to tell how far a photo is: its id, the iteration, of how many, and the loss."""

NO_DRAFT = Draft()


def _nobody(iteration: int, of: int, loss: float) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Work:
    """One step's task for one photo.

    Attributes:
        settings: the stage's knobs and what it borrows; all of it is part of the artifact's key.
        inputs: artifacts by input name, see `steps.Step`.
        zoo: where networks come from.
        photo: the photograph, for steps that read it.
        directions: the file of latent directions.
        truth: what is known of the photo, for `measure`.
        offset: the translation that the photo was offered, for `translate`.
        domain: the file of the edit's drawn domain, for `mix`.
        draft: where a long computation keeps how far it came.
        tell: whom to tell: the iteration, of how many, and the loss.
    """

    settings: Mapping[str, Any]
    inputs: Mapping[str, Artifact]
    zoo: Zoo
    photo: Photograph | None = None
    directions: Path = Path()
    truth: PhotoTruth | None = field(default=None)
    offset: WPlus | None = None
    domain: Path | None = None
    draft: Draft = NO_DRAFT
    tell: Callable[[int, int, float], None] = _nobody

    def array(self, name: str) -> Array:
        """One part of an input, named like `align.picture` or `parse@photo.labels`."""
        stage, _, part = name.rpartition(".")
        return self.inputs[stage][part]  # type: ignore[return-value]  # figures are no input

    def knobs(self, *names: str) -> dict[str, Any]:
        """Some settings, to be passed on by their names."""
        return {name: self.settings[name] for name in names}

    def lengths(self, picture: Array, *names: str) -> dict[str, Any]:
        """Settings in px (`..._px`, `..._area_px`), grown to the size of a picture [H, W, ...]."""
        return {name: grown(name, self.settings[name], picture) for name in names}


def grown(name: str, stated: float, picture: Array) -> Any:
    """A length or, by its name, an area, stated at 128 px, in the pixels of this picture."""
    scale = math.sqrt(picture.shape[0] * picture.shape[1]) / STATED_SIDE_PX
    if scale == 1.0:
        return stated
    return round(stated * scale**2) if name.endswith("_area_px") else stated * scale
