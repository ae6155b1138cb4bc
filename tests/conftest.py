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
def goldens() -> Path:
    """The folder of reference outputs of published code."""
    return REPO / "tests" / "goldens"


@pytest.fixture(scope="session")
def published_directions() -> Path:
    """The folder of published latent directions."""
    return REPO / "tests" / "goldens" / "directions"
