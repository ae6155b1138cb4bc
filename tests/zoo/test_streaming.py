"""Layers of a large network let go of their weights' pages, and compute the same."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unripple.zoo import streaming
from unripple.zoo.streaming import FileViews
from unripple.zoo.weights import read_state, write_state

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="pages are given back on Linux alone"
)

SIDE = 1024  # 4 MB a layer
WEIGHTS_BYTES = 2 * 4 * SIDE * SIDE


@pytest.fixture(autouse=True)
def _short_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STREAMED_MB", 1.0)


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(SIDE, SIDE), nn.ReLU(), nn.Linear(SIDE, SIDE))


def written(folder: Path, kind: torch.dtype = torch.float32) -> Path:
    torch.manual_seed(0)
    path = folder / "net.safetensors"
    state = layers().state_dict()
    write_state(path, {name: tensor.to(kind) for name, tensor in state.items()}, {})
    return path


def loaded(path: Path) -> nn.Module:
    net = layers()
    net.load_state_dict(read_state(path), assign=True)
    return net.requires_grad_(False).eval()


def resident(path: Path) -> int:
    """Bytes of a file that count as this process's memory."""
    name, found = "", 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *words = line.split()
        if "-" in first:
            name = words[-1] if len(words) == 5 else ""
        elif first == "Rss:" and name == str(path.resolve()):
            found += int(words[0]) * 1024
    return found


def shown(net: nn.Module) -> Tensor:
    with torch.inference_mode():
        answer: Tensor = net(torch.ones(2, SIDE))
        return answer


def test_used_weights_leave_memory_and_come_back(tmp_path: Path) -> None:
    path = written(tmp_path)
    plain = loaded(path)
    wanted = shown(plain)
    assert resident(path) >= WEIGHTS_BYTES
    del plain
    net = loaded(path)
    assert FileViews([path]).stream(net) == WEIGHTS_BYTES
    for _ in range(2):
        assert torch.equal(shown(net), wanted)
        assert resident(path) < WEIGHTS_BYTES / 8


def test_a_copy_keeps_what_is_written_into_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    net = loaded(path)
    FileViews([path]).stream(net)
    tuned = copy.deepcopy(net)
    del net
    for weight in tuned.parameters():
        weight.fill_(1)
    shown(tuned)
    assert all(bool((weight == 1).all()) for weight in tuned.parameters())


def test_weights_in_memory_of_their_own_stay(tmp_path: Path) -> None:
    path = written(tmp_path, torch.float16)  # widened, so no views of the file
    assert FileViews([path]).stream(loaded(path)) == 0


def test_short_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    monkeypatch.setattr(streaming, "STREAMED_MB", 100.0)
    assert FileViews([path]).stream(loaded(path)) == 0
