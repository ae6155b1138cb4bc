"""Reads one golden: a published network's state layout, inputs, outputs and allowances."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


@dataclass(frozen=True)
class Golden:
    """One published network, filled."""

    facts: dict[str, Any]
    state: dict[str, Tensor]
    inputs: dict[str, Tensor]
    outputs: dict[str, npt.NDArray[Any]]
    reader: ModuleType

    def check(self, actual: Mapping[str, Tensor | npt.NDArray[Any]]) -> None:
        """Fail unless every expected output lies within its published allowance."""
        arrays = {name: np.asarray(value) for name, value in actual.items()}
        worst = self.reader.compare(self.facts, self.outputs, arrays)
        assert worst, "the golden checks nothing"
        assert {name: ratio for name, ratio in worst.items() if ratio > 1.0} == {}


def read_golden(shared: Path, name: str) -> Golden:
    """Fill the golden called `name`; `shared` is the folder that holds `goldens`."""
    reader = _reader(shared / "goldens" / "fill.py")
    facts, state, inputs, outputs = reader.load(shared / "goldens" / name)
    return Golden(facts, _tensors(state), _tensors(inputs), outputs, reader)


def _tensors(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _reader(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_fill", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
