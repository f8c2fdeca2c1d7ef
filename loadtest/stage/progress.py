"""What is seen of a run while it goes on: read from the files the generating processes write."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from loadtest.records import Iteration, Outcome, Persona
from loadtest.stage.outbox import OutboxReading

WINDOW_SECONDS: Final = 10.0
PERCENT_95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Seen:
    """One arrival that ended, as much as progress needs."""

    due_seconds: float
    ended_seconds: float
    persona: Persona
    outcome: Outcome
    launch_ms: float
    shed: int

    @classmethod
    def of(cls, cells: dict[str, str]) -> Self:
        """Raises: ValueError, KeyError: not a line of `Iteration`."""
        return cls(
            float(cells["due_seconds"]),
            float(cells["ended_seconds"]),
            Persona(cells["persona"]),
            Outcome(cells["outcome"]),
            float(cells["launch_ms"]),
            int(cells["shed"]),
        )


@dataclass(slots=True)
class Tail:
    """Lines of `iterations*.csv` that came since the last look; a line half written is left for the next."""

    folder: Path
    _read: dict[Path, int] = field(default_factory=dict)

    def new(self) -> Iterator[Seen]:
        names = [one.name for one in fields(Iteration)]
        for file in sorted(self.folder.glob("iterations*.csv")):
            lines = self._lines(file)
            for row in csv.DictReader(lines, names):
                if row["due_seconds"] != "due_seconds":
                    yield Seen.of(row)

    def _lines(self, file: Path) -> list[str]:
        with file.open("rb") as stream:
            stream.seek(self._read.get(file, 0))
            whole, newline, _rest = stream.read().rpartition(b"\n")
        self._read[file] = self._read.get(file, 0) + len(whole) + len(newline)
        return whole.decode("utf-8").splitlines()


@dataclass(slots=True)
class Tally:
    """Counts of the whole run, and the last seconds for rates and percentiles."""

    done: int = 0
    failed: int = 0
    dropped: int = 0
    shed: int = 0
    recent: deque[Seen] = field(default_factory=deque)

    def add(self, seen: Seen) -> None:
        self.done += seen.outcome is Outcome.DONE
        self.failed += seen.outcome is Outcome.FAILED
        self.dropped += seen.outcome is Outcome.DROPPED
        self.shed += seen.shed
        self.recent.append(seen)

    def visits_per_second(self, now_seconds: float) -> float:
        """Visits held, by the end of the clinician's part."""
        ended = [
            one
            for one in self._within(now_seconds)
            if one.persona is Persona.PROVIDER and one.outcome is Outcome.DONE
        ]
        return len(ended) / WINDOW_SECONDS

    def p95_ms(self, now_seconds: float) -> float | None:
        """Of launches, from the click to the meeting."""
        launches = sorted(one.launch_ms for one in self._within(now_seconds) if one.launch_ms >= 0)
        return launches[int(len(launches) * PERCENT_95)] if launches else None

    def _within(self, now_seconds: float) -> list[Seen]:
        since = now_seconds - WINDOW_SECONDS
        while self.recent and self.recent[0].ended_seconds < since:
            self.recent.popleft()
        return [one for one in self.recent if one.ended_seconds >= since]


def rate_asked(rates: tuple[tuple[float, float], ...], at_seconds: float) -> float:
    """Visits per second at that instant of (from second, rate) pairs; 0 before the first and after the last."""
    for (since, rate), (until, _next) in pairwise((*rates, (float("inf"), 0.0))):
        if since <= at_seconds < until:
            return rate
    return 0.0


def line(now_seconds: float, asked: float, tally: Tally, owed: OutboxReading) -> str:
    """One line for a person who watches."""
    p95 = tally.p95_ms(now_seconds)
    return "  ".join(
        (
            f"{now_seconds:6.0f} s",
            f"visits/s asked {asked:6.2f} done {tally.visits_per_second(now_seconds):6.2f}",
            f"launch p95 {p95:5.0f} ms" if p95 is not None else "launch p95     – ms",
            f"done {tally.done}",
            f"failed {tally.failed}",
            f"shed {tally.shed}",
            f"dropped {tally.dropped}",
            f"outbox {owed.pending:.0f}" if owed.pending >= 0 else "outbox ?",
        )
    )
