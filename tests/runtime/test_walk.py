"""Steps side by side: the same results, each after what it needs, the right one of two errors."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from unripple.runtime.walk import walk

NEEDS = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def joined(place: str, made: Mapping[str, str], cores: int) -> str:
    return place + "".join(made[need] for need in NEEDS[place])


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_each_is_made_once_of_what_it_needs(cores: int) -> None:
    begun: list[str] = []
    made = walk(NEEDS, joined, begin=begun.append, cores=cores)
    assert made == {"a": "a", "b": "ba", "c": "ca", "d": "dbaca"}
    assert list(made) == list(NEEDS)
    assert sorted(begun) == list(NEEDS)
    assert begun[0] == "a"
    assert begun[-1] == "d"


def test_what_does_not_wait_is_made_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def make(place: str, made: Mapping[str, str], cores: int) -> str:
        if place in "bc":
            meeting.wait()
        return joined(place, made, cores)

    assert walk(NEEDS, make, begin=lambda _: None, cores=2)["d"] == "dbaca"


@pytest.mark.parametrize("cores", [1, 2])
def test_of_two_errors_the_first_in_order_is_raised(cores: int) -> None:
    late = threading.Event()

    def make(place: str, made: Mapping[str, str], cores: int) -> str:
        if place == "b":
            late.wait(20 if cores > 1 else 0)
            raise ValueError("b")
        if place == "c":
            late.set()
            raise KeyError("c")
        return joined(place, made, cores)

    with pytest.raises(ValueError, match="b"):
        walk(NEEDS, make, begin=lambda _: None, cores=cores)


@pytest.mark.parametrize("cores", [1, 2])
def test_what_begin_raises_begins_nothing_more(cores: int) -> None:
    begun: list[str] = []

    def begin(place: str) -> None:
        if place == "c":
            raise InterruptedError
        begun.append(place)

    with pytest.raises(InterruptedError):
        walk(NEEDS, joined, begin=begin, cores=cores)
    assert begun in (["a", "b"], ["a"])


def test_what_all_others_wait_for_gets_all_cores() -> None:
    given: dict[str, int] = {}

    def make(place: str, made: Mapping[str, str], cores: int) -> str:
        given[place] = cores
        return place

    walk(NEEDS, make, begin=lambda _: None, cores=3)
    assert given == {"a": 3, "b": 1, "c": 1, "d": 3}
    walk(NEEDS, make, begin=lambda _: None, cores=1)
    assert set(given.values()) == {1}
