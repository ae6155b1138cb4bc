"""What an edit of one characteristic may change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from unripple.conventions import Face
from unripple.ops.regions import (
    PART_OF,
    RULES,
    Part,
    Rule,
    changing,
    changing_in_either,
    clothes_in_front,
    parts_of,
)


def dot(part: Part, at: tuple[int, int] = (20, 20), side: int = 48) -> np.ndarray:
    parts = np.full((side, side), Part.REST, np.uint8)
    parts[at] = part
    return parts


def test_the_parts_are_those_that_were_published(goldens: Path) -> None:
    golden = json.loads((goldens / "ceteris_paribus/golden.json").read_text())
    merge = golden["constants"]["label_merge"]
    assert {str(label): int(part) for label, part in enumerate(PART_OF)} == merge


def test_every_label_has_a_part() -> None:
    labels = np.array([[Face.HAIR, Face.HAT], [Face.GLASSES, Face.EARRING]], np.uint8)
    assert parts_of(labels).tolist() == [[Part.HAIR, Part.CLOTHES], [Part.EYES, Part.REST]]


def test_a_box_grows_and_moves_down_from_the_part() -> None:
    rows, columns = np.nonzero(changing(dot(Part.EYES), Rule(Part.EYES, grow_px=2, down_px=7)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (25, 29, 18, 22)


def test_lengths_shrink_with_the_picture_but_not_to_nothing() -> None:
    assert changing(dot(Part.EYES), RULES["N"], scale=0.25).sum() == 9


def test_a_region_moved_out_of_the_picture_is_gone() -> None:
    assert not changing(dot(Part.EYES), Rule(Part.EYES, down_px=48)).any()
    assert not changing(dot(Part.EYES), Rule(Part.EYES, down_px=500)).any()


def test_skin_changes_all_but_the_background() -> None:
    parts = dot(Part.BACKGROUND)
    assert np.array_equal(changing(parts, RULES["Sk"]), parts != Part.BACKGROUND)


def test_either_picture_may_have_the_part() -> None:
    both = changing_in_either([dot(Part.NOSE, (3, 4)), dot(Part.NOSE, (9, 8))], RULES["Bn"])
    assert np.argwhere(both).tolist() == [[3, 4], [9, 8]]


def test_lengths_of_either_picture_grow_with_it() -> None:
    rule = Rule(Part.EYES, grow_px=2)
    assert changing_in_either([dot(Part.EYES)], rule).sum() == 5**2
    assert changing_in_either([dot(Part.EYES)], rule, scale=2.0).sum() == 9**2


@pytest.mark.parametrize(("row", "held"), [(23, True), (24, False)])
def test_clothes_are_in_front_in_the_upper_half_alone(row: int, held: bool) -> None:
    assert clothes_in_front(dot(Part.CLOTHES, (row, 5))).any() == held


@pytest.mark.parametrize("shape", [(20, 48), (48, 20), (21, 5)])
def test_the_upper_half_is_one_of_the_height(shape: tuple[int, int]) -> None:
    front = clothes_in_front(np.full(shape, Part.CLOTHES, np.uint8))
    assert front.dtype == np.bool_
    assert np.flatnonzero(front.any(1)).tolist() == list(range(shape[0] // 2))
