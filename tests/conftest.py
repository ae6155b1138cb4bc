"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The repository root."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the repository that holds goldens and published directions."""
    folder = REPO.parent / "shared"
    if not (folder / "goldens").is_dir():
        pytest.skip("needs the goldens folder ../shared, which is not part of a clone")
    return folder
