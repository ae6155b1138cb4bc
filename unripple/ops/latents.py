"""Edits of codes: along a direction (InterFaceGAN), or to a place on a component (GANSpace)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from unripple.conventions import Floats, ShapeMismatch, WPlus

TURNS = ("pose", "yaw", "pitch", "roll")
"""Directions that turn the head and are meant to change nothing else."""


def is_turn(moves: Iterable[str]) -> bool:
    """Whether an edit along some directions turns the head and does nothing else."""
    return all(name in TURNS for name in moves)


class Component(NamedTuple):
    """A principal component of the codes that a generator draws.

    Attributes:
        mean: of the codes, float32 [W].
        axis: unit vector, float32 [W].
        spread: standard deviation of the codes along the axis.
    """

    mean: Floats
    axis: Floats
    spread: float


class ComponentEdit(NamedTuple):
    """Which component a named edit moves, in which codes, and where to.

    Attributes:
        component: its number.
        first_code, end_code: the codes that move, as in a slice.
        place: where code 0 goes on the component, in standard deviations from the mean; 0 where the
            source leaves that to who edits.
    """

    component: int
    first_code: int
    end_code: int
    place: float = 0.0


FFHQ_EDITS: Mapping[str, ComponentEdit] = {
    "eyes": ComponentEdit(54, 7, 8, 20.0),
    "beard": ComponentEdit(58, 7, 9, -20.0),
    "lip": ComponentEdit(34, 10, 11, 20.0),
}
"""Named edits on `ffhq_pca.pt`. Source: editings/ganspace.py of omertov/encoder4editing (MIT)."""

FFHQ_COMPONENTS: Mapping[str, ComponentEdit] = {
    **FFHQ_EDITS,
    "face_roundness": ComponentEdit(37, 0, 5),
    "nose_length": ComponentEdit(51, 4, 5),
    "eyebrow_thickness": ComponentEdit(37, 8, 9),
    "head_angle_up": ComponentEdit(11, 1, 4),
    "displeased": ComponentEdit(36, 4, 7),
}
"""These, and what StyleFeatureEditor (MIT) names beyond them on the same components."""


def moved_along(
    w_plus: WPlus,
    direction: Floats,
    degree: float,
    *,
    first_code: int = 0,
    end_code: int | None = None,
) -> WPlus:
    """Add `degree` times a direction to some of the codes; the others keep their bits.

    Args:
        w_plus: float32 [..., L, W].
        direction: [W] or [1, W] for every code alike, [L, W] or [1, L, W].
        degree: how far to go, in lengths of the direction; 0 changes nothing.
        first_code, end_code: the codes that move, as in a slice.

    Returns:
        float32 [..., L, W].

    Raises:
        ShapeMismatch: the direction fits neither a code nor all of them.

    Source: Shen et al. 2020 (InterFaceGAN), equation 4.
    """
    codes, width = w_plus.shape[-2:]
    steps = direction[0] if direction.ndim == 3 and len(direction) == 1 else direction
    if steps.shape not in ((width,), (1, width), (codes, width)):
        raise ShapeMismatch(
            f"a direction for codes [{codes}, {width}] must be [{codes}, {width}] or [{width}], "
            f"got {list(direction.shape)}; was it found on another generator?"
        )
    moved = w_plus.astype(np.float32)
    chosen = slice(first_code, end_code)
    step = np.broadcast_to(steps, (codes, width))[chosen].astype(np.float32)
    moved[..., chosen, :] += np.float32(degree) * step
    return moved


def moved_to(
    w_plus: WPlus, component: Component, place: float, *, first_code: int, end_code: int
) -> WPlus:
    """Move some codes by the step that takes code 0 TO a place on a component.

    The place is reached, not added: where a code starts does not matter, and the same edit twice
    goes no further if code 0 is among the codes that move. Codes outside the slice keep their bits.

    Args:
        w_plus: float32 [..., L, W]; every [L, W] takes its own step.
        component: of the same generator.
        place: in standard deviations from the mean.
        first_code, end_code: the codes that move, as in a slice.

    Returns:
        float32 [..., L, W].

    Raises:
        ShapeMismatch: the component has another width.

    Source: Härkönen et al. 2020 (GANSpace), section 2.3; the published editors of e4e and HFGI,
    which read the place of code 0 whichever codes they move.
    """
    width = w_plus.shape[-1]
    if component.axis.shape != (width,) or component.mean.shape != (width,):
        raise ShapeMismatch(
            f"a component for codes of width {width} must be [{width}], got mean "
            f"{list(component.mean.shape)} and axis {list(component.axis.shape)}"
        )
    start = (w_plus[..., 0, :] - component.mean) @ component.axis / component.spread  # [...]
    steps = (place - start)[..., None] * component.axis * component.spread  # [..., W]
    moved = w_plus.astype(np.float32)
    moved[..., first_code:end_code, :] += steps[..., None, :].astype(np.float32)
    return moved
