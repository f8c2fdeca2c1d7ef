"""The gates of audit trail and live pages, which one transaction of a whole stamp passes at a time (`connector.adapters.sql.gates`).

How long they are held decides what a stamp carries when commits are slow, as with a standby in another zone.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from connector.adapters.sql.store import SqlStore
from connector.adapters.system.clock import SystemClock
from connector.domain.audit import Event, Outcome
from connector.ports.storage import AuditEntry
from loadtest.bench import postgres

_PASSED: Final = 100
_SLOW: Final = """
    CREATE FUNCTION bench_slow_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER bench_slow_commit AFTER INSERT ON audit_event
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bench_slow_commit()
"""
_AS_BEFORE: Final = """
    DROP TRIGGER bench_slow_commit ON audit_event; DROP FUNCTION bench_slow_commit()
"""

# Whoever passes adds lines, and a row names its transaction.
_NEWEST: Final = "SELECT (SELECT max(id) FROM audit_event), (SELECT max(number) FROM visit_event)"
_PASSES: Final = """
    SELECT (SELECT count(DISTINCT xmin::text) FROM audit_event WHERE id > %s),
        (SELECT count(DISTINCT xmin::text) FROM visit_event WHERE number > %s)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest lines there are; 0 where there is none."""

    audit_event: int
    visit_event: int


@dataclass(frozen=True, slots=True)
class Passes:
    """How many transactions passed each."""

    audit_trail: int = 0
    live_pages: int = 0


def newest(url: str) -> Mark:
    with postgres.connected(url) as connection:
        row = connection.execute(_NEWEST).fetchone() or (0, 0)
    return Mark(row[0] or 0, row[1] or 0)


def passes_since(url: str, mark: Mark) -> Passes:
    with postgres.connected(url) as connection:
        row = connection.execute(_PASSES, (mark.audit_event, mark.visit_event)).fetchone()
    return Passes(*row) if row else Passes()


def held_ms(url: str) -> float:
    """Median of a transaction that adds one line of the trail and does nothing else, with nobody else about.

    A little more than its gate is held: the transaction begins outside of it.
    """
    store = SqlStore(postgres.setting(url)["CONNECTOR_DATABASE_URL"])
    try:
        return statistics.median(_passage_ms(store) for _ in range(_PASSED))
    finally:
        store.close()


def _passage_ms(store: SqlStore) -> float:
    entry = AuditEntry(
        at=SystemClock().now(),
        event=Event.KEYS_ROTATED,
        outcome=Outcome.SUCCESS,
        reference="",
        actor="bench",
    )
    began = time.perf_counter()
    store.audit_all([entry])
    return (time.perf_counter() - began) * 1000


@contextmanager
def slow_commits(url: str, milliseconds: float) -> Iterator[None]:
    """Each line of the trail takes so much longer to commit, the gate held, as if a far standby had to agree."""
    with postgres.connected(url) as connection:
        connection.execute(_SLOW.format(seconds=milliseconds / 1000))
    try:
        yield
    finally:
        with postgres.connected(url) as connection:
            connection.execute(_AS_BEFORE)
