"""Weights that are no numbers are refused where they are read: what they make may never end."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.tiny import write_models
from unripple.conventions import BadCheckpoint
from unripple.zoo.zoo import Zoo


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("role", "key"), [("generator", None), ("encoder", "latent_avg")])
def test_one_value_that_is_no_number_is_named(
    tmp_path: Path, role: str, key: str | None, value: float
) -> None:
    models = write_models(tmp_path)
    path = Path(models[role])
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    key = key or next(name for name in sorted(state) if state[name].is_floating_point())
    flat = state[key].clone().flatten()
    flat[-1] = value
    state[key] = flat.reshape(state[key].shape)
    save_file(state, path, metadata=metadata)
    with pytest.raises(BadCheckpoint, match=f"{key} holds values that are no numbers") as told:
        Zoo(models).load(role)
    assert path.name in str(told.value) and f"models.{role}" in str(told.value)
