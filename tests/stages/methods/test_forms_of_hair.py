"""A fringe and fuller hair on the photo's own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.test_edit_by_geometry import LABELS, SIZE, mean_head
from tests.stages.methods.test_pixels import TIMES, edited, portrait
from unripple.conventions import Face, Labels, NotOffered
from unripple.models.mean_head import MeanHead
from unripple.ops.strokes import Strands, drawn
from unripple.stages.pixels import volume

__all__ = ["mean_head"]


def straight_hair() -> tuple[Any, Labels, Any]:
    """A portrait whose hair is upright strands down to high above the brows."""
    labels = LABELS.copy()
    flat = portrait()
    large = np.kron(flat, np.ones((TIMES, TIMES, 1), np.uint8)).astype(np.float64)
    strands = 1 + 0.5 * np.sin(np.arange(SIZE * TIMES) * 1.1)[None, :, None]
    hair = np.kron(labels == Face.HAIR, np.ones((TIMES, TIMES))) > 0
    large = np.where(hair[..., None], large * strands, large)
    return np.clip(large, 0, 255).astype(np.uint8), labels, flat


def test_strands_are_drawn_where_they_run() -> None:
    path = np.stack((np.full(8, 20.0), np.linspace(5, 35, 8)), -1)[None]
    colours = np.full((1, 8, 3), 0.5, np.float32)
    light, cover = drawn(Strands(path, colours, np.array([2.0])), np.zeros((40, 40, 3), np.float32))
    assert cover[8:32, 20].min() > 0.9 and light[20, 20] == pytest.approx(0.5, abs=0.01)
    assert not cover[:, :15].any() and not cover[:, 26:].any() and not light[:, :15].any()


def test_a_fringe_hangs_over_the_forehead_alone(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    large, labels, flat = straight_hair()
    made = edited(monkeypatch, mean_head, {"fringe": 3.0}, labels, photo=large, crop=flat)
    assert made.labels is not None and made.changed is not None and made.tint is not None
    grown = (made.labels == Face.HAIR) & (labels != Face.HAIR)
    assert grown.sum() > 60
    skin = grown & (labels == Face.SKIN)
    assert made.picture[skin].mean() < flat[skin].mean() - 40  # of the hair's colour
    differs = (made.picture != flat).any(-1)
    assert not differs[~made.changed].any() and not differs[60:].any()
    assert not differs[labels == Face.BACKGROUND].any()


def test_a_light_fringe_covers_less(monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead) -> None:
    large, labels, flat = straight_hair()

    def covers(degree: float) -> int:
        made = edited(monkeypatch, mean_head, {"fringe": degree}, labels, photo=large, crop=flat)
        assert made.labels is not None
        return int(((made.labels == Face.HAIR) & (labels != Face.HAIR)).sum())

    assert 0 < covers(1.0) < covers(3.0)


def test_no_forehead_is_uncovered(monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead) -> None:
    large, labels, flat = straight_hair()
    with pytest.raises(NotOffered, match="fringe: the forehead behind a fringe is not in the"):
        edited(monkeypatch, mean_head, {"fringe": -1.0}, labels, photo=large, crop=flat)


def test_volume_moves_the_outline_of_hair_and_leaves_the_face(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    upper = np.arange(SIZE)[:, None] < 50
    made = edited(monkeypatch, mean_head, {"hair_volume": 2.0}, crop=flat)
    assert made.labels is not None and made.changed is not None
    before, after = ((one != Face.BACKGROUND) & upper for one in (LABELS, made.labels))
    assert after.sum() > 1.05 * before.sum() and not (before & ~after).any()
    differs = (made.picture != flat).any(-1)
    assert not differs[~made.changed].any()
    assert not differs[56:70, 40:56].any()  # nose and mouth


def test_without_hair_there_is_no_volume(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    bald = np.where(LABELS == Face.HAIR, np.uint8(Face.SKIN), LABELS)
    with pytest.raises(NotOffered, match="hair_volume: hardly any hair is seen"):
        edited(monkeypatch, mean_head, {"hair_volume": 1.0}, bald, crop=portrait())
    with pytest.raises(NotOffered, match="hair_volume: what is behind the hair is not in"):
        edited(monkeypatch, mean_head, {"hair_volume": -1.0}, crop=portrait())


def test_hair_that_the_photo_cuts_off_does_not_get_fuller(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    shown = np.ones((SIZE, SIZE), bool)
    shown[: int(np.nonzero(LABELS == Face.HAIR)[0].min()) + 10] = False
    monkeypatch.setattr(volume, "in_photo", lambda *_: shown)
    with pytest.raises(NotOffered, match="hair_volume: the photo's border cuts the hair off"):
        edited(monkeypatch, mean_head, {"hair_volume": 1.0}, crop=portrait())
