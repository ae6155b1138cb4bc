"""translate: move codes along a direction, or to a place on a component."""

from __future__ import annotations

from unripple.conventions import Floats, ShapeMismatch, WPlus
from unripple.ops.latents import Component, moved_along, moved_to


def translate(
    w_plus: WPlus,
    direction: Floats | Component,
    degree: float,
    *,
    first_code: int = 0,
    end_code: int | None = None,
) -> WPlus:
    """Move some of the codes; the others keep their bits.

    Args:
        w_plus: float32 [L, W].
        direction: [W] for every code alike, or [L, W]; or a GANSpace component.
        degree: along a direction how far to go, in lengths of it, where 0 changes nothing; on a
            component the place to go to, in standard deviations from the mean.
        first_code, end_code: the codes that move, as in a slice. Early ones hold pose and shape,
            late ones colour.

    Returns:
        float32 [L, W].

    Raises:
        ShapeMismatch: direction, component or codes belong to another generator.
    """
    codes = w_plus.shape[-2]
    if not 0 <= first_code < (codes if end_code is None else end_code) <= codes:
        raise ShapeMismatch(
            f"codes {first_code} to {'the last' if end_code is None else end_code} are to move, "
            f"and this generator has {codes}: first_code is at most {codes - 1}, end_code {codes}"
        )
    if not isinstance(direction, Component):
        return moved_along(w_plus, direction, degree, first_code=first_code, end_code=end_code)
    end = w_plus.shape[0] if end_code is None else end_code
    return moved_to(w_plus, direction, degree, first_code=first_code, end_code=end)
