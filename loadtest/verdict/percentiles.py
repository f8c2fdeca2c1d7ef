"""Percentiles by nearest rank: of n values in order, the ceil(p * n)-th. Always a value that was measured, never one between two.

A percentile is said only when at least one value lies beyond it: of 200 launches there is no p99.9, only a slowest one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

METHOD: Final = "nearest rank"
_WHOLE: Final = 1000


class Percentile(IntEnum):
    """In thousandths, so that a rank is computed in whole numbers."""

    P50 = 500
    P95 = 950
    P99 = 990
    P999 = 999

    @property
    def words(self) -> str:
        return f"p{self.value / 10:g}"

    @property
    def fewest(self) -> int:
        """How many values it takes for one to lie beyond."""
        return -(-_WHOLE // (_WHOLE - self.value))


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values in ascending order."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        return cls(tuple(sorted(values)))

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def slowest(self) -> float | None:
        return self.values[-1] if self.values else None

    @property
    def mean(self) -> float | None:
        return sum(self.values) / len(self.values) if self.values else None

    def at(self, percentile: Percentile) -> float | None:
        """None when the sample is too small to have it."""
        if self.count < percentile.fewest:
            return None
        return self.values[-(-percentile.value * self.count // _WHOLE) - 1]
