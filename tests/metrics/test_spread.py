"""Spread: every finite value is counted once; the worst come first."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.metrics.spread import badness, spread, worst

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(FINITE, min_size=1, max_size=50), st.none() | FINITE)
def test_every_value_is_counted_once(values: list[float], perfect: float | None) -> None:
    found = spread([*values, math.nan], perfect)
    assert found is not None
    assert sum(found.counts) == found.defined == len(values)
    assert found.start <= found.low <= found.median <= found.high <= found.end
    assert perfect is None or found.start <= perfect <= found.end


def test_nothing_defined_has_no_spread() -> None:
    assert spread([math.nan]) is None and spread([]) is None


@given(st.lists(FINITE | st.just(math.nan), max_size=20), st.none() | FINITE)
def test_the_worst_are_no_better_than_the_rest(values: list[float], perfect: float | None) -> None:
    found = worst(values, perfect, 3)
    rest = [badness(v, perfect) for n, v in enumerate(values) if n not in found]
    told = [badness(values[n], perfect) for n in found]
    assert told == sorted(told, reverse=True)
    assert len(found) == min(3, sum(math.isfinite(v) for v in values))
    assert not told or all(other <= told[-1] for other in rest)


@pytest.mark.parametrize(("perfect", "first"), [(None, 0), (0.0, 2), (30.0, 0)])
def test_far_from_the_truth_is_bad_and_without_one_low(perfect: float | None, first: int) -> None:
    assert worst([-1.0, 20.0, 25.0], perfect, 1) == [first]


def test_a_value_lies_between_start_and_end_of_the_histogram() -> None:
    found = spread([2.0, 4.0, 6.0], perfect=10.0)
    assert found is not None
    assert [found.position(value) for value in (2.0, 4.0, 10.0)] == [0.0, 0.25, 1.0]
    alone = spread([3.0, 3.0])
    assert alone is not None and alone.position(3.0) == 0.5
    assert alone.counts[14] == 2 and (alone.start, alone.end) == (3.0, 3.0)


def test_the_histogram_spans_the_perfect_value() -> None:
    found = spread([0.0, 1.0], perfect=28.0)
    assert found is not None and found.counts[:3] == (1, 1, 0) and sum(found.counts) == 2
