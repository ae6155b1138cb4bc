"""Arrays of one picture agree in size: each of them is looked at, whoever leads the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unripple.conventions import ShapeMismatch
from unripple.metrics.background import background_identical
from unripple.metrics.fidelity import ms_ssim, ssim
from unripple.metrics.ghost import inner_ghost
from unripple.ops.composite import either_or
from unripple.ops.inpainting import navier_stokes, telea
from unripple.ops.mixing import background_mixed, mixed
from unripple.stages.compose import Composed, compose_plate, in_own_tone
from unripple.stages.mix import mix_depth, mix_segmentation
from unripple.stages.paste import paste

S = 192  # of the smallest picture that all of these take
P, M, L = "photo", "mask", "labels"
CASES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "background_identical": (background_identical, (P, P, M, M)),
    "inner_ghost": (inner_ghost, (P, P, P, M, M)),
    "ms_ssim": (ms_ssim, (P, P)),
    "ssim": (ssim, (P, P)),
    "either_or": (either_or, (P, P, M)),
    "telea": (telea, (P, M)),
    "navier_stokes": (navier_stokes, (P, M)),
    "mixed": (mixed, (P, P, "share", "share")),
    "background_mixed": (lambda *a: background_mixed(*a, coef=1), (P, P, M)),
    "compose_plate": (compose_plate, (P, P, P, M, M)),
    "mix_depth": (lambda *a: mix_depth(*a, coef=1), (P, P, M, M)),
    "mix_segmentation": (
        lambda *a: mix_segmentation(*a, attribute="B", margin_px=4, front_px=2),
        (P, P, L, L),
    ),
    "in_own_tone": (lambda c, p: in_own_tone(c, p), ("composed", P)),
    "paste": (lambda p, t: paste(np.zeros((S, S, 3), np.uint8), p, t, np.eye(2, 3)), (P, M)),
}


def made(kind: str, side: int) -> Any:
    rng = np.random.default_rng(side)
    if kind == M:
        return rng.random((side, side)) > 0.5
    if kind == L:
        return rng.integers(0, 19, (side, side), np.uint8)
    if kind == "share":
        return rng.random((side, side))
    picture = rng.integers(0, 256, (side, side, 3), np.uint8)
    return Composed(picture, np.ones((side, side), bool)) if kind == "composed" else picture


@pytest.mark.parametrize(
    ("name", "odd"),
    [(name, odd) for name, (_, kinds) in CASES.items() for odd in range(len(kinds))],
)
def test_each_array_of_another_size_is_refused(name: str, odd: int) -> None:
    function, kinds = CASES[name]
    function(*(made(kind, S) for kind in kinds))
    with pytest.raises(ShapeMismatch):
        function(*(made(kind, S - 8 * (place == odd)) for place, kind in enumerate(kinds)))


def test_a_grey_photos_edit_is_grey_where_it_was_touched_and_nowhere_else() -> None:
    grey = np.repeat(made(P, S)[..., :1], 3, axis=2)
    picture, touched = made(P, S), made(M, S)
    found = in_own_tone(Composed(picture, touched), grey)
    assert (np.ptp(found.picture[touched].astype(int), axis=-1) == 0).all()
    light = picture[touched] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found.picture[touched][:, 0] - light).max() <= 0.5 + 1e-9
    assert np.array_equal(found.picture[~touched], picture[~touched])
    assert np.array_equal(found.touched, touched)
    colour = in_own_tone(Composed(picture, touched), made(P, S)[::-1])
    assert np.array_equal(colour.picture, picture)
