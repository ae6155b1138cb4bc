"""FID is pytorch-fid's on the same pictures, with filled weights of the published network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_fid import fid_score, inception
from safetensors.torch import save_file
from torch import Tensor, nn

from unripple.models.inception import Inception
from unripple.runtime.compare import compare

pytestmark = pytest.mark.slow
COUNT, SIZE = 12, 80


def filled() -> dict[str, Tensor]:
    """Weights by which features keep their spread through the layers."""
    torch.manual_seed(0)
    net = Inception()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_var is not None and module.running_mean is not None
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
    return net.state_dict()


def pictures(folder: Path, cells: int, seed: int) -> Path:
    """Smooth noise of so many cells across."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(COUNT):
        small = Image.fromarray(rng.integers(0, 256, (cells, cells + 1, 3), np.uint8))
        small.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


def test_fid_is_pytorch_fids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = filled()
    # The published file is older than the counters of batch norms.
    old = {name: value for name, value in state.items() if not name.endswith("batches_tracked")}
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: old)
    save_file(state, weights := tmp_path / "inception.safetensors")
    one, other = pictures(tmp_path / "one", 6, 0), pictures(tmp_path / "other", 8, 1)
    theirs = fid_score.calculate_fid_given_paths(
        [str(one), str(other)], COUNT, "cpu", 2048, num_workers=0
    )
    ours = compare(one, other, ["fid"], models={"inception": str(weights)})["fid"].mean
    assert theirs > 1
    assert ours == pytest.approx(theirs, abs=1e-3)
