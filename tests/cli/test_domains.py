"""Domains are drawn smooth and symmetric, and shown on a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.cli.domains import ATTRIBUTES, SIDE_PX, drawn
from unripple.cli.main import main
from unripple.faceworld.attributes import SETTINGS
from unripple.io.domains import read_domain
from unripple.ops.mixing import domain_of


def test_what_changes_often_is_drawn_on_both_sides() -> None:
    often = np.zeros((64, 64))
    often[20:30, 10:20] = 0.8
    often[50:60, 40:50] = 0.1  # too seldom
    shape = drawn(often)
    assert shape.shape == (SIDE_PX, SIDE_PX)
    assert np.array_equal(shape, shape[:, ::-1])
    assert shape[200, 120] and shape[200, 391] and not shape[440:].any()
    assert 2 * 80 * 80 <= shape.sum() <= 2 * 110 * 110


def test_there_are_drawings_of_all_that_does_not_change_the_whole_person(repo: Path) -> None:
    changed = {name.partition("_")[0] for name in SETTINGS} - {"Sk", "A", "Se"} | {"bald"}
    assert set(ATTRIBUTES) == changed
    for attribute in ATTRIBUTES:
        share = domain_of(read_domain(repo / f"data/domains/embedded/{attribute}.png")).mean()
        assert 0.001 < share < 0.4, attribute


def test_they_are_shown_on_a_face(tmp_path: Path) -> None:
    (tmp_path / "domains").mkdir()
    black = np.zeros((64, 64), np.uint8)
    black[:, 32:] = 255
    Image.fromarray(black).save(tmp_path / "domains/B.png")
    Image.new("RGB", (64, 64), (40, 90, 200)).save(tmp_path / "face.png")
    words = ["domains", "show", str(tmp_path / "face.png"), "-o", str(tmp_path / "out.png")]
    assert main([*words, "--folder", str(tmp_path / "domains")]) == 0
    shown = np.asarray(Image.open(tmp_path / "out.png"))
    assert (shown[150, 180] == (40, 90, 200)).all() and shown[150, 20, 0] > 100
    assert main([*words, "--folder", str(tmp_path / "nowhere")]) == 2


@pytest.mark.slow
def test_lips_change_where_the_mouth_is(tmp_path: Path) -> None:
    words = ["--faces", "2", "--size", "32", "--only", "Bp"]
    assert main(["domains", "draw", "--out", str(tmp_path), *words]) == 0
    rows, columns = np.nonzero(domain_of(read_domain(tmp_path / "Bp.png")))
    assert 0.5 < rows.mean() / SIDE_PX < 0.8 and abs(columns.mean() / SIDE_PX - 0.5) < 0.05
