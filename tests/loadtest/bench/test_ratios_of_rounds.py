"""Figures are ratios of the rounds: to the hello page around each turn, to the earlier checkout beside it."""

from dataclasses import replace

import pytest
from loadtest.bench.parts.figures import Beside, Spread, figure
from loadtest.bench.wrk import Measured

HELLO = Measured(1000, cpu_ms=0.5, p50_ms=4.0, p99_ms=20.0)
SLOW_HELLO = Measured(1000, cpu_ms=1.5, p50_ms=8.0, p99_ms=60.0)


def beside(now_ms: float, before_ms: float | None = None) -> Beside:
    sides = {"now": Measured(100, now_ms, 12.0, 80.0)}
    if before_ms is not None:
        sides["before"] = Measured(100, before_ms, 12.0, 80.0)
    return Beside(sides, HELLO, SLOW_HELLO)


def test_a_turn_is_held_against_the_mean_of_the_hello_pages_around_it() -> None:
    found = figure([beside(3.0)], "now", "before")
    assert (found.cpu.median, found.cpu_ms) == (3.0, 3.0)
    assert found.p50 == Spread(2.0, 2.0, 2.0)
    assert found.p99 == Spread(2.0, 2.0, 2.0)


def test_a_round_on_a_slow_processor_changes_no_ratio() -> None:
    slow = Beside(
        {"now": Measured(100, 6.0)}, replace(HELLO, cpu_ms=2.0), replace(HELLO, cpu_ms=2.0)
    )
    fast = Beside({"now": Measured(100, 1.5)}, HELLO, HELLO)
    assert figure([slow, fast], "now", "before").cpu == Spread(3.0, 3.0, 3.0)


def test_one_bad_round_widens_the_spread_and_leaves_the_median() -> None:
    found = figure([beside(2.0), beside(2.1), beside(40.0)], "now", "before")
    assert found.cpu == Spread(2.1, 2.0, 40.0)


def test_the_earlier_checkout_is_compared_round_by_round() -> None:
    rounds = [beside(2.0, 4.0), beside(8.0, 10.0), beside(3.0, 5.0)]
    assert figure(rounds, "now", "before").before == Spread(0.6, 0.5, 0.8)


def test_the_turns_behind_a_ratio_are_told() -> None:
    (turn,) = figure([beside(2.0, 4.0)], "now", "before").turns
    assert turn == {"hello_before": 0.5, "now": 2.0, "before": 4.0, "hello_after": 1.5}


def test_without_an_earlier_checkout_nothing_is_said_of_it() -> None:
    assert figure([beside(2.0)], "now", "before").before is None


def test_who_has_nobody_waiting_has_no_latency() -> None:
    told = Beside({"now": Measured(100, 2.0)}, HELLO, HELLO)
    found = figure([told], "now", "before")
    assert (found.p50, found.p99) == (None, None)


def test_no_round_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no rounds"):
        figure([], "now", "before")
