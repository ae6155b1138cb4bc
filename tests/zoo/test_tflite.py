"""TFLite files become a list of operations and weights, or a typed error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.zoo.tflite_files import conv_net
from unripple.conventions import BadCheckpoint
from unripple.models.tflite_graph import TfliteGraph
from unripple.zoo.tflite import read_tflite

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(4, 3, 3, 3)).astype(np.float16)
BIAS = RNG.normal(size=4).astype(np.float16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(conv_net(WEIGHT, BIAS))
    return path


def test_a_convolution_comes_out_as_it_was_meant(file: Path) -> None:
    graph, weights = read_tflite(file)
    assert graph["input_shape"] == [1, 8, 8, 3]
    net = TfliteGraph(graph, {name: w.shape for name, w in weights.items()})
    net.load_state_dict({name: w.float() for name, w in weights.items()})
    picture = torch.from_numpy(RNG.random((2, 3, 8, 8), dtype=np.float32))
    (found,) = net(picture)
    kernel = torch.from_numpy(WEIGHT.astype(np.float32)).permute(0, 3, 1, 2)
    # "same" with stride 2 on an even side pads behind only.
    wanted = F.conv2d(
        F.pad(picture, (0, 1, 0, 1)), kernel, torch.from_numpy(BIAS.astype(np.float32)), stride=2
    ).relu()
    assert torch.allclose(found, wanted, atol=1e-5)
    assert {w.dtype for w in weights.values()} == {torch.float16}


def test_an_operation_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(conv_net(WEIGHT, BIAS, code=45))  # STRIDED_SLICE
    with pytest.raises(BadCheckpoint, match=r"net\.tflite.*STRIDED_SLICE"):
        read_tflite(path)


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(b"not a network")
    with pytest.raises(BadCheckpoint, match=r"net\.tflite"):
        read_tflite(path)
    with pytest.raises(BadCheckpoint, match="nowhere"):
        read_tflite(tmp_path / "nowhere.tflite")


def test_damage_never_ends_in_a_raw_error(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    other = tmp_path / "damaged.tflite"
    for cut in range(8, len(whole), 37):
        other.write_bytes(whole[:cut])
        with pytest.raises(BadCheckpoint, match=r"damaged\.tflite"):
            read_tflite(other)
    rng = np.random.default_rng(1)
    for _ in range(60):
        bytes_ = bytearray(whole)
        bytes_[rng.integers(8, len(whole))] ^= 1 << int(rng.integers(8))
        other.write_bytes(bytes(bytes_))
        try:
            read_tflite(other)
        except BadCheckpoint as error:
            assert "damaged.tflite" in str(error)
