"""Latent directions by name: safetensors, one vector per direction. Knows no torch.

A GANSpace component has its axis under its name and the mean of the codes under `<name>/mean`; its
metadata give `spread` and, as `codes`, the first code that moves and the one before which to stop.
"""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from unripple.conventions import BadCheckpoint, Floats, UnknownName
from unripple.ops.latents import Component
from unripple.ops.latents import is_turn as is_turn
from unripple.outside import Unfit, explained
from unripple.paths import published_folder
from unripple.zoo.weights import read_header

PUBLISHED_FILES = "*.directions.safetensors"
MEAN = "/mean"
TABLE = ".yaml"
WEAK = 0.1  # gain below which nobody would see what an edit is meant to do


@dataclass(frozen=True)
class Direction:
    """Where to go in the generator's codes to change one attribute.

    Attributes:
        name: as in the config.
        vector: float32 [W] for all codes alike or [L, W].
        usable: degrees between which pictures stay sound, or None if nobody measured it.
        unit: what one degree does, in words.
        attribute: what changes, in words.
        yaw_per_degree: by how many degrees of yaw one degree turns the head, or None if unknown.
        pitch_per_degree: likewise upwards.
        gain: 1 where an edit is the generator's own picture of the change, 0 where it changes
            nothing; None if nobody measured it.
        component: a GANSpace component, on which the degree is a place to go TO, instead of a
            length to go along `vector`, its axis; None for a direction.
        codes: the codes that move, as in a slice; None for those that the config says.
    """

    name: str
    vector: Floats
    usable: tuple[float, float] | None
    unit: str
    attribute: str
    yaw_per_degree: float | None = None
    gain: float | None = None
    component: Component | None = None
    codes: tuple[int, int] | None = None
    way: str | None = None
    """The family where neither vector nor component tells it, see `family`."""
    pitch_per_degree: float | None = None

    def identity(self) -> list[Any]:
        """Plain values and arrays that decide what an edit along it does."""
        if self.component is None:
            return [self.vector]
        return [self.vector, self.component.mean, self.component.spread, list(self.codes or ())]

    @property
    def family(self) -> str:
        """How one goes along it, a name of `stages.families`."""
        return self.way or ("linear" if self.component is None else "component")

    @property
    def weak(self) -> bool:
        """Whether the generator hardly shows this attribute."""
        return self.gain is not None and self.gain < WEAK

    def warning(self, degree: float) -> str | None:
        """What to tell about a degree outside the usable range, or about a weak direction."""
        if self.usable is not None and not self.usable[0] <= degree <= self.usable[1]:
            low, high = self.usable
            return (
                f"{self.name} = {degree:g} lies outside the usable range {low:g} to {high:g}: "
                "expect artefacts or another face"
            )
        if self.weak:
            return f"{self.name} is weak in this generator: expect little change"
        return None


def read_directions(path: Path) -> dict[str, Direction]:
    """All directions of a file, of the published ones in a folder, or of a table, by name.

    Those of a table (.yaml) whose files are not here have an empty vector.

    Raises:
        BadCheckpoint: the file is missing, foreign or cut short, or none is in the folder.
    """
    if path.suffix == TABLE:
        from unripple.zoo.direction_table import read_table

        return read_table(path)
    if path.is_dir() or path == published_folder():  # which the first fetched file makes
        files = sorted(path.glob(PUBLISHED_FILES))
        if not files:
            raise BadCheckpoint(
                f"{path}: no directions here; run `unripple models fetch directions`, or name a "
                "file under `directions` in the config"
            )
        return {name: one for file in files for name, one in read_directions(file).items()}
    status = path.stat() if path.exists() else None
    return _read(path, (status.st_size, status.st_mtime_ns) if status else None)


@lru_cache(maxsize=32)
def _read(path: Path, version: tuple[int, int] | None) -> dict[str, Direction]:  # noqa: ARG001
    metadata, _ = read_header(path)
    with explained(path, BadCheckpoint, "no file of directions; make or get it again"):
        return _directions(metadata, load_file(path))


def _directions(
    metadata: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
) -> dict[str, Direction]:
    directions = {}
    for name, vector in sorted(arrays.items()):
        if name.endswith(MEAN):
            continue
        about = metadata.get(name, {})
        if not isinstance(about, dict) or vector.ndim not in (1, 2):
            raise Unfit(
                f"{name[:60]!r} is no direction: shape {list(vector.shape)}, about it "
                f"{str(about)[:60]!r}"
            )
        if vector.dtype.kind not in "fiu" or not vector.size or not np.isfinite(vector).all():
            raise Unfit(f"{name[:60]!r} holds nothing, or what is no finite number")
        usable, codes = about.get("usable"), about.get("codes")
        directions[name] = Direction(
            name,
            vector.astype(np.float32),
            (float(usable[0]), float(usable[1])) if usable else None,
            str(about.get("unit", "")),
            str(about.get("attribute", name)),
            _number(about, "yaw_per_degree"),
            _number(about, "gain"),
            _component(vector, arrays.get(name + MEAN), about),
            (int(codes[0]), int(codes[1])) if codes else None,
            _family(about),
            _number(about, "pitch_per_degree"),
        )
    if not directions:
        raise Unfit("it holds no direction")
    return directions


def _family(about: Mapping[str, Any]) -> str | None:
    named = about.get("family")
    if named is not None and not isinstance(named, str):
        raise Unfit(f"family is {str(named)[:40]}, no name")
    return named


def _component(axis: Floats, mean: Floats | None, about: Mapping[str, Any]) -> Component | None:
    if mean is None:
        return None
    spread = _number(about, "spread")
    if spread is None or mean.shape != axis.shape or not np.isfinite(mean).all():
        raise Unfit("a component lacks its spread, or a mean of finite numbers")
    return Component(mean.astype(np.float32), axis.astype(np.float32), spread)


def _number(about: Mapping[str, Any], word: str) -> float | None:
    value = about.get(word)
    if value is not None and (isinstance(value, bool) or not math.isfinite(float(value))):
        raise Unfit(f"{word} is {str(value)[:40]}, no finite number")
    return None if value is None else float(value)


def write_directions(path: Path, directions: Iterable[Direction], *, half: bool = False) -> None:
    """Write directions, but no components, as `read_directions` reads them.

    The file appears in one step. `half` writes float16.
    """
    vectors, metadata = {}, {}
    for one in directions:
        vectors[one.name] = np.ascontiguousarray(one.vector, np.float16 if half else np.float32)
        about = {
            "attribute": one.attribute,
            "unit": one.unit,
            "usable": one.usable,
            "yaw_per_degree": one.yaw_per_degree,
            "gain": one.gain,
            "codes": one.codes,
            "family": one.way,
            "pitch_per_degree": one.pitch_per_degree,
        }
        metadata[one.name] = json.dumps({k: v for k, v in about.items() if v is not None})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(vectors, partial, metadata=metadata)
    partial.chmod(0o644)  # safetensors writes for the owner alone
    partial.replace(path)


def find_direction(path: Path, name: str) -> Direction:
    """One direction by name.

    Raises:
        UnknownName: there is none; the text names the nearest.
        BadCheckpoint: see `read_directions`.
    """
    directions = read_directions(path)
    if name not in directions:
        close = difflib.get_close_matches(name, directions, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(directions)}"
        raise UnknownName(f"no direction {name!r} in {path}; {hint}")
    if not directions[name].vector.size:
        raise BadCheckpoint(
            f"direction {name!r}: its published file is not here yet; run `unripple models fetch "
            "sfe`, or `unripple models add FILE` if you have it"
        )
    return directions[name]
