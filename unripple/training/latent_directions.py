"""Find latent directions, and measure how far each moves its own attribute and how little others.

What a picture shows is measured by the attribute network, which was trained on rendered faces: its
figures mean something for generators of such faces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from unripple.conventions import BadConfig, Floats, UnrippleError
from unripple.io.config import check_knob
from unripple.ops import directions as ops
from unripple.ops.directions import Machine, Matrix
from unripple.zoo.directions import Direction
from unripple.zoo.zoo import EMBEDDED, Zoo

if TYPE_CHECKING:
    from torch import Tensor

Space = Literal["w", "w+"]

FAR = 3.0
"""Standard deviations of the codes that a found direction is fit for."""

OWN = {"pose": "yaw", "eyes": "eye_open", "gender": "masculinity", "skin": "melanin"}
"""What the attribute network calls the attributes of some directions; the others by their name."""

STEPS = 5
BATCH = 16


@dataclass(frozen=True)
class Moved:
    """What a direction does.

    Attributes:
        own: the factor that it is for, or the one that it moves most.
        per_degree: change of every factor per degree, in its standard deviations over faces, or as
            a chance where it is there or not.
        monotone: whether the own factor's mean goes one way over the whole range measured.
        range: the degrees between which it was measured.
    """

    own: str
    per_degree: Mapping[str, float]
    monotone: bool
    range: tuple[float, float]

    @property
    def others(self) -> list[str]:
        """All other factors, the most moved first."""
        names = [name for name in self.per_degree if name != self.own]
        return sorted(names, key=lambda name: -abs(self.per_degree[name]))

    @property
    def purity(self) -> float:
        """How far the own factor moves for each step of the most moved other one."""
        most = abs(self.per_degree[self.others[0]]) if self.others else 0.0
        return abs(self.per_degree[self.own]) / max(most, 1e-6)


@dataclass(frozen=True)
class Fit:
    """A direction that was found.

    Attributes:
        direction: as it is written.
        accuracy: of its boundary on codes that it was not fitted to; None for a mode.
        read: change of every label as a linear reader sees it, in standard deviations per degree.
    """

    direction: Direction
    accuracy: float | None = None
    read: Mapping[str, float] = field(default_factory=dict)


def fit_labelled(
    codes: Floats,
    labels: Mapping[str, Matrix],
    *,
    machine: Machine = "svm",
    space: Space = "w",
    condition: bool = True,
) -> list[Fit]:
    """Directions of labelled attributes.

    Args:
        codes: [N, W] or [N, L, W].
        labels: attribute -> values [N], nan where unknown.
        machine: what draws the boundaries.
        space: "w" moves all codes alike; "w+" each in its own way.
        condition: make each direction orthogonal to the other attributes' boundaries, so that they
            move less.

    Returns:
        One per attribute; a degree is a standard deviation of the codes along it.

    Raises:
        BadConfig: an attribute has too few labels or an infinite one, or w+ is asked of codes that
            are w.
    """
    rows, shape = _rows(codes, space)
    normals, accuracies = {}, {}
    for name, values in labels.items():
        if len(values) != len(rows) or np.isinf(values).any():
            raise BadConfig(
                f"labels: {name}: wanted {len(rows)} finite numbers, or nan where none is known; "
                f"found {len(values)}, {int(np.isinf(values).sum())} of them infinite"
            )
        try:
            normals[name], accuracies[name] = ops.boundary(rows, values, machine)
        except ops.TooFewLabels as error:
            raise BadConfig(f"labels: {name}: {error}; leave that column out") from error
    readers = {name: ops.reader(rows, values) for name, values in labels.items()}
    spreads = {name: float(np.nanstd(values)) or 1.0 for name, values in labels.items()}
    fits = []
    for name in labels:
        others = [normals[n] for n in labels if n != name] if condition else []
        vector = _as_degrees(ops.conditioned(normals[name], others), rows)
        read = {n: float(readers[n] @ vector) / spreads[n] for n in labels}
        direction = _direction(name, vector.reshape(shape), f"more {name}")
        fits.append(Fit(direction, accuracies[name], read))
    return fits


def fit_modes(codes: Floats, *, count: int, space: Space = "w") -> list[Fit]:
    """GANSpace: the axes along which codes [N, W] or [N, L, W] vary most; degrees as above.

    Raises:
        BadConfig: codes that are none, or fewer modes in them than are asked for.
    """
    rows, shape = _rows(codes, space)
    _check_modes(count, min(len(rows) - 1, rows.shape[1]), f"{len(rows)} codes")
    return [
        Fit(
            _direction(
                f"pca_{number:02d}",
                _as_degrees(mode.axis, rows).reshape(shape),
                f"mode {number} of the codes, {100 * mode.weight:.1f}% of their variance",
            )
        )
        for number, mode in enumerate(ops.principal_modes(rows, count))
    ]


def fit_closed_form(zoo: Zoo, codes: Floats, *, count: int) -> list[Fit]:
    """SeFa: the directions in w that change the generator's features most; degrees as above.

    Raises:
        BadConfig: codes that are none, or more modes than the generator has.
    """
    _check_modes(count, codes.shape[-1], "the generator")
    generator: Any = zoo.load("generator").net
    weights = [
        weight.detach().double().cpu().numpy()
        for name, weight in generator.named_parameters()
        if name.endswith("conv.modulation.weight") and "to_rgb" not in name
    ]
    rows, _ = _rows(codes, "w")
    return [
        Fit(
            _direction(
                f"sefa_{number:02d}",
                _as_degrees(mode.axis, rows),
                f"mode {number} of the modulations, {100 * mode.weight:.1f}% of their change",
            )
        )
        for number, mode in enumerate(ops.closed_form_modes(weights, count))
    ]


def _check_modes(count: int, most: int, of: str) -> None:
    count = check_knob("directions.modes", count, where="modes")
    if count > most:
        raise BadConfig(f"modes must be at most {most}, found {count}: {of} have no more")


def _rows(codes: Floats, space: Space) -> tuple[Matrix, tuple[int, ...]]:
    """Codes as rows [N, D], and the shape of a direction among them."""
    if codes.ndim not in (2, 3) or len(codes) < 2 or not np.isfinite(codes).all():
        raise BadConfig(
            f"latents: wanted at least two of finite numbers, [N, W] or [N, L, W], found "
            f"{list(codes.shape)}"
        )
    if space == "w+":
        if codes.ndim != 3:
            raise BadConfig("space w+: these latents are w, one code each; take space w")
        return codes.reshape(len(codes), -1).astype(np.float64), codes.shape[1:]
    plain = codes.mean(1) if codes.ndim == 3 else codes
    return plain.astype(np.float64), plain.shape[1:]


def _as_degrees(axis: Matrix, rows: Matrix) -> Matrix:
    spread = float((rows @ axis).std())
    if spread < 1e-9:
        raise BadConfig("latents: all alike along a direction; more different ones are needed")
    return axis * spread


def _direction(name: str, vector: Matrix, attribute: str) -> Direction:
    unit = "one standard deviation of the codes along it"
    return Direction(name, vector.astype(np.float32), (-FAR, FAR), unit, attribute)


def sampled(zoo: Zoo, count: int, seed: int) -> Floats:
    """Codes w [N, W] of random faces, as the generator maps them.

    The embedded generator's z holds the face world's factors; others take normal ones.

    Raises:
        BadConfig: `count` is none.
    """
    count = check_knob("directions.samples", count, where="samples")
    import torch

    from unripple import faceworld

    generator: Any = zoo.load("generator").net
    device = next(generator.parameters()).device
    with torch.inference_mode():
        if zoo.choice("generator") == EMBEDDED:
            z = faceworld.code(faceworld.sample_factors(count, seed), generator.style_dim)
        else:
            rng = torch.Generator().manual_seed(seed)
            z = torch.randn(count, generator.style_dim, generator=rng)
        w: Floats = generator.map(z.to(device)).float().cpu().numpy()
    return w


def factor_names(zoo: Zoo) -> list[str]:
    """What the attribute network sees.

    Raises:
        UnrippleError: the set of models has none, or its file does not say.
    """
    names = zoo.metadata("attributes").get("factors")
    if not isinstance(names, list):
        raise UnrippleError(f"{zoo.path('attributes')}: its metadata lack `factors`, their names")
    return [str(name) for name in names]


def seen_in(zoo: Zoo, codes: Floats) -> Floats:
    """The factors [N, F] that the attribute network sees in the pictures of codes.

    Args:
        codes: w [N, W] or w+ [N, L, W].
    """
    import torch
    import torch.nn.functional as F

    from unripple.models.layers.precision import quick

    generator: Any = zoo.load("generator").net
    judge = zoo.load("attributes")
    device = next(generator.parameters()).device

    def look(part: Tensor) -> Tensor:
        w_plus = part if part.ndim == 3 else part[:, None].expand(-1, generator.n_codes, -1)
        drawn = generator.synthesize(w_plus).float().clamp(-1, 1)
        if drawn.shape[-1] != judge.size_px:
            drawn = F.interpolate(drawn, size=(judge.size_px, judge.size_px), mode="area")
        factors: Tensor = judge.net(drawn)
        return factors.float().cpu()

    rows = torch.from_numpy(codes.astype(np.float32)).to(device)
    with torch.inference_mode(), quick(device):
        parts = [look(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]
    return torch.cat(parts).numpy()


def measure(
    zoo: Zoo, directions: Sequence[Direction], *, faces: int, seed: int
) -> dict[str, Moved]:
    """Move random faces along directions, and see what changes.

    Args:
        zoo: has a generator and an attribute network.
        directions: those to measure; components are left out.
        faces: how many faces to move.
        seed: of the faces.
    """
    names, spread = factor_names(zoo), _spread(zoo)
    start = sampled(zoo, faces, seed)
    return {
        one.name: _moved(zoo, one, start, names, spread)
        for one in directions
        if one.component is None
    }


def _spread(zoo: Zoo) -> Floats:
    """Standard deviations of the factors over faces, [F]; 1 for switches."""
    judge: Any = zoo.load("attributes").net
    return judge.spread.float().cpu().numpy()


def _moved(
    zoo: Zoo, direction: Direction, start: Floats, names: list[str], spread: Floats
) -> Moved:
    low, high = direction.usable or (-FAR, FAR)
    reach = min(FAR, abs(low), abs(high))
    degrees = np.linspace(-reach, reach, STEPS)
    vector = direction.vector
    first = start[:, None] if vector.ndim == 2 else start
    means = np.stack([seen_in(zoo, first + d * vector).mean(0) for d in degrees])  # [STEPS, F]
    slopes = (degrees @ (means - means.mean(0))) / (degrees @ degrees) / spread
    per_degree = {name: float(slope) for name, slope in zip(names, slopes, strict=True)}
    own = OWN.get(direction.name, direction.name)
    if own not in per_degree:
        own = max(per_degree, key=lambda name: abs(per_degree[name]))
    steps = np.diff(means[:, names.index(own)])
    monotone = bool((steps > 0).all() or (steps < 0).all())
    return Moved(own, per_degree, monotone, (-reach, reach))


def with_turn(zoo: Zoo, direction: Direction, moved: Moved) -> Direction:
    """The direction, told how far a degree turns the head."""
    from unripple.faceworld import YAW_MAX_DEG

    spread = float(_spread(zoo)[factor_names(zoo).index("yaw")])
    turn = moved.per_degree["yaw"] * spread * YAW_MAX_DEG
    return replace(direction, yaw_per_degree=round(turn, 4))
