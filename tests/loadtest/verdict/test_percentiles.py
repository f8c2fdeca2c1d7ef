"""Percentiles against the definition, counted out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtest.verdict.percentiles import Distribution, Percentile

TIMES = st.lists(st.floats(0, 1e6), max_size=1200)


@given(TIMES, st.sampled_from(Percentile))
def test_a_percentile_is_the_least_value_with_so_many_at_or_below_it(
    values: list[float], percentile: Percentile
) -> None:
    seen = Distribution.of(values).at(percentile)
    needed = percentile.value * len(values)
    enough = [v for v in values if 1000 * sum(other <= v for other in values[:]) >= needed]
    assert seen is None or seen == min(enough)


@given(TIMES, st.sampled_from(Percentile))
def test_a_percentile_is_said_only_when_a_value_lies_beyond_its_rank(
    values: list[float], percentile: Percentile
) -> None:
    said = Distribution.of(values).at(percentile) is not None
    assert said == (len(values) * (1000 - percentile.value) >= 1000)


@given(TIMES)
def test_percentiles_never_fall(values: list[float]) -> None:
    said = [Distribution.of(values).at(one) for one in Percentile]
    known = [one for one in said if one is not None]
    assert known == sorted(known)


@pytest.mark.parametrize(
    ("percentile", "count", "expected"),
    [
        (Percentile.P50, 1, None),
        (Percentile.P50, 2, 1),
        (Percentile.P50, 3, 2),
        (Percentile.P95, 19, None),
        (Percentile.P95, 20, 19),
        (Percentile.P95, 21, 20),
        (Percentile.P99, 99, None),
        (Percentile.P99, 100, 99),
        (Percentile.P999, 999, None),
        (Percentile.P999, 1000, 999),
    ],
)
def test_the_rank_at_the_edges(percentile: Percentile, count: int, expected: float | None) -> None:
    assert Distribution.of(range(1, count + 1)).at(percentile) == expected


def test_of_nothing_there_is_no_figure_at_all() -> None:
    nothing = Distribution.of([])
    assert (nothing.mean, nothing.slowest, nothing.at(Percentile.P50)) == (None, None, None)
