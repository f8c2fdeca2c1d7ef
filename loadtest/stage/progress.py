"""What is seen of a run while it goes on: the last lines of Locust's own history, a row a second for each kind of way.

https://docs.locust.io/en/stable/retrieving-stats.html: with `--csv-full-history` each row has the name it counts;
rates and percentiles are of the last ten seconds, and the file is behind by as much at most.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from loadtest.hops import REFUSED_FOR_NOW, WHOLE_WAY
from loadtest.records import Persona
from loadtest.stage.outbox import OutboxReading

PREFIX: Final = "locust"
HISTORY: Final = f"{PREFIX}_stats_history.csv"
TAIL_BYTES: Final = 64 * 1024
LAUNCHERS: Final = (Persona.PROVIDER, Persona.PATIENT)


@dataclass(frozen=True, slots=True)
class Seen:
    """`visits_per_second` and `p95_ms` of the last ten seconds, the rest since the start; -1 is not known yet."""

    visits_per_second: float = -1.0
    p95_ms: float = -1.0
    done: int = 0
    failed: int = 0
    shed: int = 0

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str]]) -> Self:
        """The newest row of each name counts; rows are in the order of time."""
        newest = {(row["Type"], row["Name"]): row for row in rows}
        ways = [newest[p, WHOLE_WAY] for p in LAUNCHERS if (p, WHOLE_WAY) in newest]
        providers = newest.get((Persona.PROVIDER, WHOLE_WAY))
        failed = sum(int(row["Total Failure Count"]) for row in ways)
        refused = [row for (_, name), row in newest.items() if name.endswith(REFUSED_FOR_NOW)]
        return cls(
            visits_per_second=_number(providers["Requests/s"]) if providers else -1.0,
            p95_ms=max((_number(row["95%"]) for row in ways), default=-1.0),
            done=sum(int(row["Total Request Count"]) for row in ways) - failed,
            failed=failed,
            shed=sum(int(row["Total Request Count"]) for row in refused),
        )


def read_history(folder: Path) -> Seen:
    """From the end of the file; a line half written is left out."""
    file = folder / HISTORY
    if not file.exists():
        return Seen()
    with file.open("rb") as stream:
        heading = stream.readline().decode("utf-8")
        start = max(stream.tell(), file.stat().st_size - TAIL_BYTES)
        cut = start > stream.tell()
        stream.seek(start)
        lines = stream.read().rpartition(b"\n")[0].decode("utf-8", errors="replace").splitlines()
    return Seen.of(csv.DictReader([heading, *lines[cut:]]))


def rate_asked(rates: tuple[tuple[float, float], ...], at_seconds: float) -> float:
    """Visits per second at that instant of (from second, rate) pairs; 0 before the first."""
    for (since, rate), (until, _next) in pairwise((*rates, (float("inf"), 0.0))):
        if since <= at_seconds < until:
            return rate
    return 0.0


def line(now_seconds: float, asked: float, seen: Seen, owed: OutboxReading) -> str:
    """One line for a person who watches."""
    return "  ".join(
        (
            f"{now_seconds:5.0f} s",
            f"visits/s asked {asked:6.2f} done {_shown(seen.visits_per_second, '.2f'):>6}",
            f"p95 {_shown(seen.p95_ms, '.0f'):>5} ms",
            f"people done {seen.done}, failed {seen.failed}",
            f"shed {seen.shed}",
            f"outbox {_shown(owed.pending, '.0f')}",
        )
    )


def _number(text: str) -> float:
    """Locust writes `N/A` before there is anything to count."""
    return -1.0 if text == "N/A" else float(text)


def _shown(number: float, form: str) -> str:
    return f"{number:{form}}" if number >= 0 else "–"
