"""Fills the goldens of this folder: made-up weights and inputs, the same on every machine.

Needs numpy alone, so that a golden can be read beside the published code, too. README.md says what
a golden is.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np


def tensor(name: str, spec: dict, seed: int = 0) -> np.ndarray:
    """Return the array that `spec` describes, the same on every machine.

    Args:
        name: state-dict key or input name; it selects the random stream.
        spec: one of
            {"kind": "normal", "shape": [...], "mean": m, "std": s},
            {"kind": "uniform", "shape": [...], "low": a, "high": b},
            {"kind": "const", "shape": [...], "value": v},
            {"kind": "values", "shape": [...], "values": [...]} (flat, row-major),
            {"kind": "file", "file": "x.npz", "key": "x"} (resolved by `load`);
            an optional "dtype" (default "float32").
        seed: shifts every random stream; 0 is the published golden.

    Returns:
        Array of `spec["shape"]` and dtype.
    """
    shape = tuple(spec["shape"])
    dtype = np.dtype(spec.get("dtype", "float32"))
    rng = np.random.Generator(np.random.Philox(key=[zlib.crc32(name.encode()), seed]))
    kind = spec["kind"]
    if kind == "normal":
        out = rng.standard_normal(shape, dtype=np.float32)
        out *= np.float32(spec["std"])  # in place: a network has up to 340 million of them
        out += np.float32(spec["mean"])
    elif kind == "uniform":
        out = rng.random(shape, dtype=np.float32)
        out *= np.float32(spec["high"] - spec["low"])
        out += np.float32(spec["low"])
    elif kind == "const":
        out = np.full(shape, spec["value"])
    elif kind == "values":
        out = np.asarray(spec["values"]).reshape(shape)
    else:
        raise ValueError(f"{name}: unknown kind {kind!r}")
    return np.asarray(out).astype(dtype, copy=False)


def load(folder: str | Path, seed: int | None = None) -> tuple[dict, dict, dict, dict]:
    """Read one golden folder.

    Args:
        folder: holds golden.json and outputs.npz.
        seed: overrides the seed written in golden.json (outputs then do not apply).

    Returns:
        (golden, state, inputs, outputs): the parsed JSON, then name -> array
        for the filled state dict, the inputs and the expected outputs.
        `golden["checks"]` maps an output's name to how to compare it: its full
        "shape", an optional "stride" (outputs.npz keeps every stride-th value of
        the flattened array), and "atol"/"rtol", which bound the difference.
    """
    folder = Path(folder)
    golden = json.loads((folder / "golden.json").read_text())
    seed = golden.get("seed", 0) if seed is None else seed

    def fill(specs: dict) -> dict:
        arrays = {}
        for name, spec in specs.items():
            if spec["kind"] == "file":
                arrays[name] = np.load(folder / spec["file"])[spec["key"]]
            else:
                arrays[name] = tensor(name, spec, seed)
        return arrays

    with np.load(folder / "outputs.npz") as stored:
        outputs = {key: stored[key] for key in stored.files}
    return golden, fill(golden["state"]), fill(golden["inputs"]), outputs


def compare(golden: dict, expected: dict, actual: dict) -> dict[str, float]:
    """Return, for each expected output, the largest error over its allowance.

    An output passes when its value is at most 1.0. A missing output or a wrong
    shape raises ValueError; NaN compares as infinitely wrong.
    """
    worst = {}
    for name, check in golden["checks"].items():
        if name not in actual:
            raise ValueError(f"output {name!r} is missing")
        got = np.asarray(actual[name], dtype=np.float64)
        if list(got.shape) != list(check["shape"]):
            raise ValueError(f"output {name!r}: shape {got.shape}, expected {check['shape']}")
        got = got.reshape(-1)
        if "stride" in check:
            got = got[:: check["stride"]]
        want = expected[name].astype(np.float64).reshape(-1)
        allowed = check["atol"] + check["rtol"] * np.abs(want)
        ratio = np.abs(got - want) / allowed
        worst[name] = float(np.max(np.where(np.isnan(ratio), np.inf, ratio)))
    return worst
