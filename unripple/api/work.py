"""What a stage's call gets: inputs by name, settings, networks, and the photograph where asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unripple.io.artifact import Array, Artifact
from unripple.io.photo import Photograph
from unripple.io.truth import Truth
from unripple.zoo.zoo import Zoo


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
    """

    settings: Mapping[str, Any]
    inputs: Mapping[str, Artifact]
    zoo: Zoo
    photo: Photograph | None = None
    directions: Path = Path()
    truth: Truth | None = field(default=None)

    def array(self, name: str) -> Array:
        """One part of an input, named like `align.picture` or `parse@photo.labels`."""
        stage, _, part = name.rpartition(".")
        return self.inputs[stage][part]  # type: ignore[return-value]  # figures are no input

    def knobs(self, *names: str) -> dict[str, Any]:
        """Some settings, to be passed on by their names."""
        return {name: self.settings[name] for name in names}
