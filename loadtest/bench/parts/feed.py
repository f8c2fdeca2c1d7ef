"""From an event in the database to everybody who has a page of its visit open: the real feed process."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Final

from loadtest.bench.parts.database import Database, now_text
from loadtest.bench.parts.prepared import Pass
from loadtest.bench.parts.sides import Side
from loadtest.bench.parts.viewers import Arrivals, watching
from loadtest.bench.wrk import MS, Measured, Wrk, cpu_seconds, cpu_seconds_at_rest
from loadtest.verdict.percentiles import Distribution, Percentile

# No multiple of the feed's own interval, so that events fall everywhere in it.
EVERY_SECONDS: Final = 0.07
PATIENCE_SECONDS: Final = 10.0


def one_visit(side: Side, wrk: Wrk) -> Measured:
    """Everybody watches the same visit; one thing happens in it at a time."""
    passes = side.prepared.passes
    return _fan_out(side, [passes[0]] * len(passes), wrk.seconds)


def many_visits(side: Side, wrk: Wrk) -> Measured:
    """Everybody watches a visit of their own; something happens in all of them at once."""
    return _fan_out(side, side.prepared.passes, wrk.seconds)


def _fan_out(side: Side, passes: Sequence[Pass], seconds: float) -> Measured:
    """As many deliveries in either case. Raises: NotMeasured: an event did not arrive."""
    address, family = side.feed
    visits = dict.fromkeys(one.visit_id for one in passes)
    viewers = len(passes) // len(visits)
    newest: int = side.database.ask("SELECT coalesce(max(number), 0) FROM visit_event")[0]
    with watching(address, passes, newest) as arrivals:
        warm, _ = happen(side.database, list(visits))
        arrivals.wait_for(dict.fromkeys(warm, viewers), PATIENCE_SECONDS)
        used = cpu_seconds(family)
        happened = dict(_happenings(side.database, list(visits), seconds))
        arrivals.wait_for(dict.fromkeys(happened, viewers), PATIENCE_SECONDS)
        used = cpu_seconds_at_rest(family) - used
    taken = latencies_ms(happened, arrivals)
    return Measured(
        taken.count, used / taken.count * MS, taken.at(Percentile.P50), taken.at(Percentile.P99)
    )


def _happenings(
    database: Database, visits: Sequence[str], seconds: float
) -> Iterator[tuple[int, float]]:
    """Events by number, and when they were committed."""
    began = time.perf_counter()
    for tick in range(max(1, round(seconds / EVERY_SECONDS))):
        time.sleep(max(0.0, began + tick * EVERY_SECONDS - time.perf_counter()))
        numbers, at = happen(database, visits)
        yield from ((number, at) for number in numbers)


def happen(database: Database, visits: Sequence[str]) -> tuple[list[int], float]:
    """The patient connects in each of these visits: the events' numbers, and when they were committed."""
    at = now_text(time.time())
    with database.writing() as connection:
        numbers = [_insert(connection, visit_id, at) for visit_id in visits]
    return numbers, time.perf_counter()


def latencies_ms(happened: dict[int, float], arrivals: Arrivals) -> Distribution:
    return Distribution.of(
        [(at - happened[number]) * MS for number in happened for at in arrivals.at[number]]
    )


def _insert(connection: sqlite3.Connection, visit_id: str, at: str) -> int:
    added = connection.execute(
        "INSERT INTO visit_event (visit_id, kind, role, label, at) "
        "VALUES (?, 'participant', 'patient', 'connected', ?)",
        (visit_id, at),
    )
    return added.lastrowid or 0
