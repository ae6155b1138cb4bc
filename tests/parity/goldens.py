"""Reads one golden: a published network's state layout, inputs, outputs and allowances."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[Any]
REPO = Path(__file__).resolve().parents[2]
GOLDENS = REPO / "tests" / "goldens"
"""The folder of goldens that every clone has."""


@dataclass(frozen=True)
class Golden:
    """One published network, filled.

    Attributes:
        facts: golden.json.
        state: the filled weights by their published names.
        inputs: by name.
        outputs: what the original code returned, thinned by each check's stride.
        reader: its fill.py, which fills and compares.
        folder: where it lies.
    """

    facts: dict[str, Any]
    state: dict[str, Tensor]
    inputs: dict[str, Tensor]
    outputs: dict[str, Array]
    reader: ModuleType
    folder: Path

    def ratio(self, name: str, actual: Tensor | Array) -> float:
        """Largest error of one output over its published allowance; at most 1 passes.

        Raises:
            ValueError: the output has another shape.
        """
        one = {"checks": {name: self.facts["checks"][name]}}
        worst: float = self.reader.compare(one, self.outputs, {name: as_array(actual)})[name]
        return worst

    def deviation(self, name: str, actual: Tensor | Array) -> float:
        """Relative error of one output: root mean square of the error over that of the output.

        Raises:
            ValueError: the output has another shape.
        """
        got, want = self._thinned(name, actual)
        return float(np.linalg.norm(got - want) / np.linalg.norm(want))

    def agreement(self, name: str, actual: Tensor | Array) -> float:
        """Share of equal values of one output.

        Raises:
            ValueError: the output has another shape.
        """
        got, want = self._thinned(name, actual)
        return float(np.mean(got == want))

    def counts(self, name: str) -> bool:
        """Whether an output is made of whole numbers (labels, bytes)."""
        return self.outputs[name].dtype.kind in "iub"

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """The inputs, on a device."""
        return {name: value.to(device) for name, value in self.inputs.items()}

    def _thinned(self, name: str, actual: Tensor | Array) -> tuple[Array, Array]:
        check = self.facts["checks"][name]
        got = as_array(actual).astype(np.float64)
        if list(got.shape) != list(check["shape"]):
            raise ValueError(f"output {name!r}: shape {got.shape}, expected {check['shape']}")
        want = self.outputs[name].astype(np.float64).reshape(-1)
        return got.reshape(-1)[:: check.get("stride", 1)], want


def as_array(value: Tensor | Array) -> Array:
    """An output on the CPU; float64 where numpy lacks its type."""
    if not isinstance(value, Tensor):
        return np.asarray(value)
    value = value.detach().cpu()
    return (value.double() if value.is_floating_point() else value).numpy()


def golden_folders(folder: Path) -> list[Path]:
    """The goldens in a folder, which may be one itself, in the order of their names.

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(path.parent for path in folder.rglob("golden.json"))
    if not found:
        raise FileNotFoundError(f"{folder}: no golden.json in it or below it")
    return found


def read_facts(folder: Path) -> dict[str, Any]:
    """golden.json alone: filling the weights takes long."""
    facts: dict[str, Any] = json.loads((folder / "golden.json").read_text())
    return facts


def read_golden(folder: Path) -> Golden:
    """Fill the golden in `folder`.

    Its fill.py lies in it or at most two folders above; if not, that of `GOLDENS` serves.

    Raises:
        FileNotFoundError: there is no fill.py at all.
    """
    places = (folder, folder.parent, folder.parent.parent, GOLDENS)
    fillers = [place / "fill.py" for place in places if (place / "fill.py").is_file()]
    if not fillers:
        raise FileNotFoundError(f"no fill.py in any of {', '.join(map(str, places))}")
    reader = _reader(fillers[0].resolve())
    facts, state, inputs, outputs = reader.load(folder)
    return Golden(facts, _tensors(state), _tensors(inputs), outputs, reader, folder)


def _tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}


@lru_cache
def _reader(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_fill", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
