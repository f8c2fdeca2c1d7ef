"""How busy a generating process is while it measures: a generator out of breath reports its own slowness.

https://docs.locust.io/en/stable/running-distributed.html: above 90 % of a core response times are the generator's.
"""

import os
from dataclasses import dataclass, field
from typing import Final

from loadtest.recorder import Clock
from loadtest.records import Generator

SAMPLED_EVERY_SECONDS: Final = 0.05


def cpu_seconds() -> float:
    """Of this process, in user and kernel mode."""
    times = os.times()
    return times.user + times.system


@dataclass(slots=True)
class Meter:
    """Samples how late the event loop wakes a sleeper, and the CPU used, between two instants of the run."""

    clock: Clock
    from_seconds: float
    to_seconds: float
    _late_seconds: list[float] = field(default_factory=list)
    _began: tuple[float, float] | None = None
    _ended: tuple[float, float] = (0.0, 0.0)
    _warnings: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Until the measured time is over; in a greenlet of its own."""
        self.clock.sleep_until(self.from_seconds)
        self._began = self._ended = (self.clock.now(), cpu_seconds())
        while self.clock.now() < self.to_seconds:
            wakes_at = self.clock.now() + SAMPLED_EVERY_SECONDS
            self.clock.sleep_until(wakes_at)
            self._late_seconds.append(self.clock.now() - wakes_at)
            self._ended = (self.clock.now(), cpu_seconds())

    def warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)

    def reading(self, process: int) -> Generator:
        """-1 for what was not measured."""
        began, cpu_at_begin = self._began or self._ended
        ended, cpu_at_end = self._ended
        measured = ended - began
        return Generator(
            process=process,
            cpu_share=round((cpu_at_end - cpu_at_begin) / measured, 4) if measured else -1,
            lag_p99_ms=round(_p99(self._late_seconds) * 1000, 2) if self._late_seconds else -1,
            warnings=tuple(self._warnings),
        )


def _p99(values: list[float]) -> float:
    return sorted(values)[min(int(len(values) * 0.99), len(values) - 1)]
