"""Published files to be converted, and the complaints about wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.zoo.slim import ENTRIES, contents, nets, save
from unripple.conventions import BadCheckpoint, StoreError
from unripple.zoo.published import convert

SHA = "ab" * 32
CPU = torch.device("cpu")
MADE = nets()
CONTENTS = contents(MADE)
WITH_NETWORKS = [name for name in ENTRIES if "directions" not in ENTRIES[name].networks]
ALIKE = {"age", "pose_direction"}


def refusal(name: str, source: Path, folder: Path) -> str:
    """The one line with which a file is refused; nothing may have been written."""
    before = sorted(folder.glob("*")) if folder.exists() else []
    with pytest.raises((BadCheckpoint, StoreError)) as error:
        convert(source, ENTRIES[name], folder, sha256=SHA)
    text = str(error.value)
    assert "\n" not in text and "; " in text
    assert str(source) in text or str(folder) in text
    assert (sorted(folder.glob("*")) if folder.exists() else []) == before
    return text


def changed(name: str, change: Callable[[Any], None], source: Path) -> None:
    """Write a published file with one thing wrong."""
    content = contents(MADE)[name]
    change(content)
    save(name, content, source)
