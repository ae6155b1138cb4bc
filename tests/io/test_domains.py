"""Drawn domains are found by their characteristic."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.conventions import BadConfig
from unripple.io.domains import domain_file, domains_folder, read_domain


def test_a_drawing_is_named_like_its_characteristic(tmp_path: Path) -> None:
    Image.new("L", (8, 6), 255).save(tmp_path / "Bn.png")
    folder = domains_folder(str(tmp_path))
    assert domain_file(folder, "Bn") == tmp_path / "Bn.png"
    assert domain_file(folder, "B") is None
    assert domain_file(domains_folder("none"), "Bn") is None


def test_its_blue_counts(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (1, 2, 3)).save(tmp_path / "a.png")
    Image.new("1", (8, 6), 1).save(tmp_path / "b.png")
    assert (read_domain(tmp_path / "a.png") == 3).all()
    levels = read_domain(tmp_path / "b.png")
    assert levels.shape == (6, 8) and levels.dtype == np.uint8 and (levels == 255).all()


def test_what_is_no_picture_or_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "B.png").write_bytes(b"words")
    with pytest.raises(BadConfig, match=r"B\.png: cannot be read"):
        read_domain(tmp_path / "B.png")
    with pytest.raises(BadConfig, match="no folder"):
        domains_folder(str(tmp_path / "nowhere"))


def test_what_is_no_drawing_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "B.png"
    for data in (b"words", b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(data)
        with pytest.raises(BadConfig, match=r"B\.png.*cannot be read as a drawn domain"):
            read_domain(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadConfig, match="is no file"):
        domain_file(tmp_path, "B")
