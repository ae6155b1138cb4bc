"""A sample of the hostile files that `benchmarks/hostile.py` reads by the hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.badinput import mutated
from unripple.conventions import UnrippleError

FILES = list(mutated.files(300, seed=5))
KINDS = [kind for kind in mutated.READERS if kind != "models"]
"""Without models, which are read in a process apart: a test below."""


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_read_or_refused_by_a_typed_error(kind: str, tmp_path: Path) -> None:
    for one in (one for one in FILES if one.kind == kind):
        path = tmp_path / one.name
        path.write_bytes(one.data)
        try:
            mutated.read(kind, path)
        except UnrippleError as error:
            text = str(error)
            # What is wrong within a config is said by its section and key.
            assert path.stem in text or "truth" in text or text.startswith("config: ")
            assert text.isprintable() and len(text) < 1000


def test_hostile_models_are_refused_by_a_typed_error(tmp_path: Path) -> None:
    models = [one for one in FILES if one.kind == "models"]
    for one in [*models[:18:3], *models[18:40]]:
        path = tmp_path / one.name
        path.write_bytes(one.data)
        with pytest.raises(UnrippleError, match=one.name):
            mutated.read("models", path)
