"""Independent pieces of work on all cores: the same results, under the caller's modes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from unripple.models.layers.cores import on_all_cores


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("threads", "count", "each"), [(1, 3, 1), (2, 5, 1), (4, 2, 2), (3, 1, 3)])
def test_threads_are_divided_among_those_at_work(threads: int, count: int, each: int) -> None:
    torch.set_num_threads(threads)
    seen: list[int] = []

    def draw(n: int) -> Tensor:
        seen.append(torch.get_num_threads())
        return torch.full((2,), n)

    assert [int(one[0]) for one in on_all_cores(draw, count)] == list(range(count))
    assert seen == [each] * count
    assert torch.get_num_threads() == threads


def test_the_modes_of_the_caller_hold() -> None:
    torch.set_num_threads(2)
    weight = torch.ones(4, 4, requires_grad=True)

    def draw(_: int) -> Tensor:
        return torch.ones(1, 4) @ weight

    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert {(one.dtype, one.requires_grad) for one in on_all_cores(draw, 2)} == {
            (torch.bfloat16, False)
        }
    with torch.inference_mode():
        assert all(one.is_inference() for one in on_all_cores(draw, 2))
    with torch.no_grad():
        assert all(one.dtype == torch.float32 for one in on_all_cores(draw, 2))


def test_an_error_comes_through_and_leaves_the_threads_as_they_were() -> None:
    torch.set_num_threads(2)

    def draw(n: int) -> Tensor:
        raise ValueError(f"sample {n}")

    with pytest.raises(ValueError, match="sample 0"):
        on_all_cores(draw, 2)
    assert torch.get_num_threads() == 2
