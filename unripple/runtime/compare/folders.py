"""Compare a folder of results with a folder of originals, picture by picture and as two sets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from unripple import atomic
from unripple.conventions import BadCheckpoint, Floats, ShapeMismatch, UnknownName, UnrippleError
from unripple.io.pairs import PicturePair, pairs_of, pictures_in
from unripple.io.photo import printable, read_photo
from unripple.io.schema import nearest
from unripple.runtime.compare.measures import (
    DEFINITIONS,
    MEASURES,
    PUBLISHED,
    SFE,
    Measure,
    Picture,
    inception_vector,
    roles_of,
)
from unripple.zoo.zoo import Zoo

OnPicture: TypeAlias = Callable[[int, int, str], None]
"""Whom to on_progress: how many pictures are done, of how many, and the last one's name."""

LEAST_OF_SET = 2
"""Pictures that a metric of two sets needs."""


def _nobody(done: int, of: int, name: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Compared:
    """What one metric says.

    Attributes:
        metric: the metric.
        definition: whose.
        count: how many pairs were compared.
        values: of each pair, by name; nan where it is undefined (no face, say). Empty for a
            metric of two sets.
        value: of the two sets; None for a metric of pairs.
    """

    metric: Measure
    definition: str
    count: int
    values: Mapping[str, float] = field(default_factory=dict)
    value: float | None = None

    @property
    def defined(self) -> list[float]:
        """The values that are defined."""
        return [value for value in self.values.values() if not math.isnan(value)]

    @property
    def mean(self) -> float:
        """Mean of what is defined, or the value of the sets."""
        if self.value is not None:
            return self.value
        return float(np.mean(self.defined)) if self.defined else math.nan

    @property
    def std(self) -> float:
        """Standard deviation of what is defined, over its number as published; nan for sets."""
        finite = self.value is None and self.defined and np.isfinite(self.defined).all()
        return float(np.std(self.defined)) if finite else math.nan

    def to_json(self) -> dict[str, Any]:
        """All of it, for a file; null is undefined, and "inf" what is larger than any number."""
        facts: dict[str, Any] = {
            "metric": self.metric.name,
            "about": self.metric.about,
            "better": self.metric.better,
            "definition": self.definition,
            "pictures": self.count,
        }
        if self.value is not None:
            return {**facts, "value": _plain(self.value)}
        undefined = [name for name, value in self.values.items() if math.isnan(value)]
        return {
            **facts,
            "mean": _plain(self.mean),
            "std": _plain(self.std),
            "undefined": undefined,
            "values": {name: _plain(value) for name, value in self.values.items()},
        }


def _plain(value: float) -> float | str | None:
    """A number as JSON knows it."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "inf"


def compare(
    originals: str | Path,
    results: str | Path,
    metrics: Sequence[str] = ("l2", "psnr", "msssim"),
    *,
    definition: str = SFE,
    models: Mapping[str, str] | None = None,
    device: str = "cpu",
    part: str | None = None,
    on_progress: OnPicture = _nobody,
) -> dict[str, Compared]:
    """Compare results with what they were made from, by the metrics of published papers.

    Pictures are paired by their names without suffix, see `io.pairs`, read once each, and held in
    memory one pair at a time.

    Args:
        originals, results: folders.
        metrics: names of `MEASURES`.
        definition: of `DEFINITIONS`: whose MS-SSIM.
        models: role -> published file, own file or "embedded", for another network than the
            definition's.
        device: where networks run.
        part: results are called `<name>.<part>.<suffix>`, as in unripple's own results tree.
        on_progress: whom to tell how far it is.

    Returns:
        By metric, in the order asked for.

    Raises:
        UnknownName: no metric or definition is called so.
        BadPhoto: a picture lacks its partner, or is damaged; the text names it.
        ShapeMismatch: a pair does not fit together.
        BadCheckpoint: a network is not here; the text says how to get it.

    Example:
        >>> compare("photos", "inverted", ["l2", "lpips"])["l2"].mean  # doctest: +SKIP
        0.0021
    """
    asked = chosen(metrics, definition)
    pairs = pairs_of(pictures_in(Path(originals)), pictures_in(Path(results), part=part))
    sets = [one for one in asked if one.of_set is not None]
    if sets and len(pairs) < LEAST_OF_SET:
        raise ShapeMismatch(
            f"{sets[0].name} compares sets of at least {LEAST_OF_SET} pictures, found {len(pairs)};"
            f" leave {sets[0].name} out"
        )
    zoo = zoo_of([one.name for one in asked], models, device)
    return _measured(asked, pairs, definition, zoo, on_progress)


def chosen(metrics: Sequence[str], definition: str) -> list[Measure]:
    """The metrics by name, each once.

    Raises:
        UnknownName: there is none of that name, or no such definition.
    """
    if definition not in DEFINITIONS:
        raise UnknownName(f"no definition {definition!r}{nearest(definition, DEFINITIONS)}")
    for name in metrics:
        if name not in MEASURES:
            raise UnknownName(f"no metric {name!r}{nearest(name, MEASURES)}")
    if not metrics:
        raise UnrippleError(f"no metric is asked for; known: {', '.join(MEASURES)}")
    return [MEASURES[name] for name in dict.fromkeys(metrics)]


def zoo_of(metrics: Sequence[str], models: Mapping[str, str] | None, device: str) -> Zoo:
    """The networks of some metrics, of which every file is here.

    Raises:
        BadCheckpoint: one is not.
    """
    zoo = Zoo({**PUBLISHED, **(models or {})}, device)
    for role, metric in roles_of(metrics).items():
        if not zoo.is_published(role) or zoo.path(role).exists():
            continue
        choice = zoo.choice(role)
        fetch = MEASURES[metric].fetch if choice == PUBLISHED[role] else choice
        raise BadCheckpoint(
            f"{zoo.path(role)}: {metric} needs the published {choice}, which is not here yet; run "
            f"`unripple models fetch {fetch}`, or leave {metric} out"
        )
    return zoo


def _measured(
    asked: Sequence[Measure],
    pairs: Sequence[PicturePair],
    definition: str,
    zoo: Zoo,
    on_progress: OnPicture,
) -> dict[str, Compared]:
    of_pair = {one.name: one.of_pair(zoo, definition) for one in asked if one.of_pair}
    vector = inception_vector(zoo) if any(one.of_set for one in asked) else None
    values: dict[str, dict[str, float]] = {name: {} for name in of_pair}
    vectors: list[tuple[Floats, Floats]] = []
    for number, pair in enumerate(pairs, start=1):
        original, result = (Picture(read_photo(path).pixels) for path in pair[1:])
        for name, measure in of_pair.items():
            values[name][pair.name] = _of_pair(measure, result, original, pair)
        if vector is not None:
            vectors.append((vector(original), vector(result)))
        on_progress(number, len(pairs), pair.name)
    compared = {}
    for one in asked:
        if one.of_set is None:
            compared[one.name] = Compared(one, definition, len(pairs), values[one.name])
        else:
            both = (np.stack(side) for side in zip(*vectors, strict=True))
            compared[one.name] = Compared(one, definition, len(pairs), value=one.of_set(*both))
    return compared


def _of_pair(measure: Any, result: Picture, original: Picture, pair: PicturePair) -> float:
    try:
        return float(measure(result, original))
    except ShapeMismatch as error:
        both = f"{printable(str(pair.result))} and {printable(str(pair.original))}"
        raise ShapeMismatch(f"{both}: {error}") from error


def files_of(metrics: Sequence[str], folder: Path) -> dict[str, Path]:
    """Where each metric's figures go."""
    return {name: folder / f"{name}.json" for name in dict.fromkeys(metrics)}


def write(found: Mapping[str, Compared], folder: Path) -> list[Path]:
    """Write `<metric>.json` for each metric, each whole or not at all.

    Raises:
        StoreError: the disk is full or not writable.
    """
    files = files_of(list(found), folder)
    for name, path in files.items():
        text = json.dumps(found[name].to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        atomic.write_text(path, text + "\n")
    return list(files.values())
