"""The attributes that have latent directions, and the file and card that hold those."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from unripple.atomic import write_bytes

Matrix = npt.NDArray[np.float64]

YAW_PER_DEGREE = 20 / 3  # what a degree of `pose` means


class Attribute(NamedTuple):
    """One direction to find.

    Attributes:
        factor: the face world's name.
        words: what more of it looks like.
    """

    factor: str
    words: str


ATTRIBUTES: Mapping[str, Attribute] = {
    "pose": Attribute("yaw", "face turned to the picture's right"),
    "pitch": Attribute("pitch", "chin up"),
    "smile": Attribute("smile", "corners of the mouth up"),
    "mouth_open": Attribute("mouth_open", "mouth open"),
    "eyes": Attribute("eye_open", "eyes wide open"),
    "age": Attribute("age", "older"),
    "gender": Attribute("masculinity", "more masculine"),
    "skin": Attribute("melanin", "darker skin"),
    "hair_length": Attribute("hair_length", "longer hair"),
    "hair_light": Attribute("hair_light", "lighter hair"),
    "hair_curl": Attribute("hair_curl", "curlier hair"),
    "fringe": Attribute("fringe", "hair over the forehead"),
    "grey": Attribute("grey", "greyer hair"),
    "beard": Attribute("beard", "more beard"),
    "lipstick": Attribute("lipstick", "more lipstick"),
    "glasses": Attribute("glasses", "glasses"),
}


@dataclass
class FoundDirection:
    """A direction and what is known of it.

    Attributes:
        vector: one degree, float64 [W].
        accuracy: of the boundary on faces that it was not fitted to.
        usable: degrees between which it is fit for use.
        unit: what one degree does.
        leak: which other attribute moves most along, and how much of a degree of its own.
        gain: 1 if edited pictures were the generator's own pictures of the changed factor, 0 if
            the edit were as far from them as no edit at all.
    """

    vector: Matrix
    accuracy: float
    usable: tuple[float, float]
    unit: str
    leak: tuple[str, float]
    gain: float


def write(
    folder: Path, directions: Mapping[str, FoundDirection], *, method: str, faces: int
) -> None:
    """Write `embedded.safetensors` (name -> one degree, float32 [W]) and the card `embedded.md`."""
    path = folder / "embedded.safetensors"
    vectors = {name: direction.vector.astype(np.float32) for name, direction in directions.items()}
    metadata = {
        name: json.dumps(
            {
                "attribute": ATTRIBUTES[name].words,
                "usable": list(direction.usable),
                "unit": direction.unit,
                "accuracy": round(direction.accuracy, 4),
                "gain": round(direction.gain, 3),
                "yaw_per_degree": YAW_PER_DEGREE if name == "pose" else 0.0,
            }
        )
        for name, direction in directions.items()
    }
    write_bytes(path, save(vectors, metadata=metadata))
    (folder / "embedded.md").write_text("\n".join(card(directions, method, faces)) + "\n")


def card(directions: Mapping[str, FoundDirection], method: str, faces: int) -> list[str]:
    """The lines of the card."""
    how = {
        "boundary": "normals of linear boundaries, each orthogonal to all others",
        "effect": "mean effects of the factors on w",
    }
    lines = [
        "# Latent directions of the embedded generator",
        "",
        f"Found on {faces} faces of the face world: {how[method]} (`python -m unripple.training "
        f"directions --method {method}`).",
        "",
        "Accuracy is the boundary's on unseen faces. Leak is the attribute that moves most along, "
        "in its own degrees per degree. Gain is 1 where an edit by two degrees gives the "
        "generator's own picture of the changed factor, 0 where it is no nearer than no edit.",
        "",
        "| direction | more of it | one degree | usable | accuracy | leak | gain |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, direction in directions.items():
        usable = f"{direction.usable[0]:g} to {direction.usable[1]:g}"
        leak = f"{direction.leak[0]} {direction.leak[1]:+.2f}"
        lines.append(
            f"| {name} | {ATTRIBUTES[name].words} | {direction.unit} | {usable} "
            f"| {direction.accuracy:.3f} | {leak} | {direction.gain:.2f} |"
        )
    return lines
