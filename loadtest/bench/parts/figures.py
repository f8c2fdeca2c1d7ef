"""Ratios of the rounds: each turn to the hello page measured before and after it, and to the other side's turn beside it."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from loadtest.bench.wrk import Measured


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the rounds' own ratios."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, ratios: Iterable[float]) -> Self:
        """Raises: ValueError: there was no round."""
        values = list(ratios)
        if not values:
            raise ValueError("a median of no rounds")
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Beside:
    """All sides of a part in one round, and the hello page right before and right after them."""

    sides: Mapping[str, Measured]
    hello_before: Measured
    hello_after: Measured

    def cpu(self, side: str) -> float:
        return self.sides[side].cpu_ms / self._hello(lambda one: one.cpu_ms)

    def p50(self, side: str) -> float:
        return (self.sides[side].p50_ms or 0.0) / self._hello(lambda one: one.p50_ms or 0.0)

    def p99(self, side: str) -> float:
        return (self.sides[side].p99_ms or 0.0) / self._hello(lambda one: one.p99_ms or 0.0)

    def cpu_ms(self) -> dict[str, float]:
        """Of every turn, rounded: what somebody looks at who wonders about a spread."""
        turns = {"hello_before": self.hello_before, **self.sides, "hello_after": self.hello_after}
        return {name: round(one.cpu_ms, 4) for name, one in turns.items()}

    def _hello(self, of: Callable[[Measured], float]) -> float:
        return (of(self.hello_before) + of(self.hello_after)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One part, this version.

    Attributes:
        cpu: times the hello page's CPU for a request.
        p50, p99: times the hello page's; None where nobody waits.
        cpu_ms: median; good for an impression only.
        before: times the earlier checkout's CPU; None without one.
        turns: milliseconds of CPU behind the ratios, by round.
    """

    cpu: Spread
    p50: Spread | None
    p99: Spread | None
    cpu_ms: float
    before: Spread | None
    turns: Sequence[Mapping[str, float]] = ()


def figure(rounds: Sequence[Beside], side: str, earlier: str) -> Figure:
    """Raises: ValueError: there was no round."""
    waited = all(one.sides[side].p50_ms is not None for one in rounds)
    both = bool(rounds) and all(earlier in one.sides for one in rounds)
    return Figure(
        cpu=Spread.of(one.cpu(side) for one in rounds),
        p50=Spread.of(one.p50(side) for one in rounds) if waited else None,
        p99=Spread.of(one.p99(side) for one in rounds) if waited else None,
        cpu_ms=statistics.median(one.sides[side].cpu_ms for one in rounds),
        before=Spread.of(one.sides[side].cpu_ms / one.sides[earlier].cpu_ms for one in rounds)
        if both
        else None,
        turns=[one.cpu_ms() for one in rounds],
    )
