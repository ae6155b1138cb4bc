"""Networks keep to one thread each, but those that are alone and make the same bytes on several."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from unripple.models.layers.threads import single
from unripple.pipeline.graph import STEPS
from unripple.runtime.compute import MOST_THREADS, threads_of
from unripple.runtime.threads import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_a_step_is_on_one_thread_and_leaves_what_was_before() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def test_a_step_that_is_alone_has_several_until_another_begins() -> None:
    with one_thread(2):
        assert torch.get_num_threads() == 2
        with single():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with one_thread():  # a network that is loaded on the way
            assert torch.get_num_threads() == 2
        other = threading.Thread(target=step_of_another_session)
        with single():
            other.start()
            other.join()
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


def step_of_another_session() -> None:
    with one_thread(2):
        assert torch.get_num_threads() == 1


def test_a_network_that_nobody_grants_threads_keeps_its_own() -> None:
    with single():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("stage", "painter", "large", "cores", "threads"),
    [
        ("inpaint", "lama", True, 2, 2),
        ("inpaint", "lama", True, 64, MOST_THREADS),
        ("inpaint", "lama", False, 2, 1),
        ("inpaint", "telea", True, 2, 1),
        ("depth", "lama", True, 2, 1),
    ],
)
def test_large_painters_alone_have_several_threads(
    stage: str, painter: str, large: bool, cores: int, threads: int
) -> None:
    zoo = SimpleNamespace(is_large=lambda role: large)
    job: Any = SimpleNamespace(step=STEPS[stage], zoo=zoo)
    assert threads_of(job, {"painter": painter}, cores) == threads
