"""A PostgreSQL of the bench's own, and what it says of itself: CPU, rows and bytes written, connections.

Unlike the tests' it is durable: what a commit costs and how much log it writes is asked about.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg
from scripts import postgres_test_server

from loadtest.stage.sampler import Family

DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "300",
    "log_min_messages": "panic",
}
QUIET_SECONDS: Final = 11.0  # an idle session reports its counters within ten
_LOOK_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 90.0

_WRITES: Final = """
    SELECT sum(n_tup_ins)::bigint, sum(n_tup_upd)::bigint, sum(n_tup_del)::bigint,
           (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
           pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
    FROM pg_stat_user_tables WHERE relname <> 'heartbeat'
"""
_BY_TABLE: Final = """
    SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
    WHERE relname <> 'heartbeat' ORDER BY relname
"""
_BYTES: Final = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_CONNECTIONS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_WAITING: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""


@dataclass(frozen=True, slots=True)
class Writes:
    """Rows and transactions of one database, bytes of write-ahead log of its server; cumulative or a difference.

    Heartbeats of background jobs are left out: they come with time, not with visits.
    """

    inserted: float
    updated: float
    deleted: float
    committed: float
    wal_bytes: float

    def __sub__(self, earlier: Self) -> Self:
        return self._each(lambda name: getattr(self, name) - getattr(earlier, name))

    def per(self, count: float) -> Self:
        """Raises: ValueError: nothing happened that they could be divided by."""
        if count <= 0:
            raise ValueError("writes are told per launch or visit, and there was none")
        return self._each(lambda name: getattr(self, name) / count)

    @property
    def rows(self) -> float:
        return self.inserted + self.updated + self.deleted

    def _each(self, value: Callable[[str], float]) -> Self:
        return type(self)(*(value(one.name) for one in fields(self)))


@dataclass(slots=True)
class Server:
    """`url` is of its own database `postgres`; others are beside it."""

    url: str
    family: Family

    def cpu_seconds(self) -> float:
        """Of the server and all its sessions, those that ended included."""
        self.family.look_again()
        return self.family.use().cpu_seconds

    def database(self, name: str) -> str:
        return self.url.rpartition("/")[0] + f"/{name}"

    def create(self, name: str, like: str = "template1") -> str:
        """A database, as a copy of one that nobody uses; its address."""
        with connected(self.url) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.database(name)


def setting(url: str) -> dict[str, str]:
    """The connector's setting that names the database."""
    return {"CONNECTOR_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://", 1)}


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A running server in a new folder below `folder`. Raises: RuntimeError: PostgreSQL is not installed."""
    binaries = postgres_test_server.find_binaries() or postgres_test_server.install()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder.chmod(0o755)  # the server's own user enters it
    cluster = folder / "postgres"
    cluster.mkdir(mode=0o755)
    with postgres_test_server.server(binaries, cluster, DURABLE) as url:
        pid = int((cluster / "data" / "postmaster.pid").read_text().split()[0])
        yield Server(url, Family(psutil.Process(pid)))


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def writes(url: str) -> Writes:
    """So far; sessions that still run may not have reported everything."""
    with connected(url) as connection:
        row = connection.execute(_WRITES).fetchone()
    return Writes(*(float(number or 0) for number in row or ()))


def writes_at_rest(url: str) -> Writes:
    """When every session has ended, and so reported. Raises: TimeoutError: one stays."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with connected(url) as connection:
        while _other_sessions(connection):
            if time.monotonic() > deadline:
                raise TimeoutError("somebody stays connected to the database")
            time.sleep(_LOOK_SECONDS)
    return writes(url)


def _other_sessions(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(_CONNECTIONS).fetchone()
    return int(row[0]) if row else 0


def rows_written(url: str) -> Mapping[str, tuple[int, int, int]]:
    """Inserted, updated and deleted by table."""
    with connected(url) as connection:
        return {name: (i, u, d) for name, i, u, d in connection.execute(_BY_TABLE)}


def table_bytes(url: str) -> Mapping[str, int]:
    """By table, with its indexes."""
    with connected(url) as connection:
        return {str(name): int(size) for name, size in connection.execute(_BYTES)}


def settled(url: str) -> Writes:
    """When no row has been written for so long that every session has reported. Raises: TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    seen, since = writes(url), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError("the database did not come to rest")
        time.sleep(_LOOK_SECONDS)
        now = writes(url)
        if now.rows != seen.rows:
            since = time.monotonic()
        seen = now
    return seen


@dataclass(slots=True)
class Watched:
    """Looks at a database's sessions: the most there were, and of each look how many waited for the gate."""

    most_connections: int = 0
    waiting: list[int] = field(default_factory=list)

    @property
    def waiting_at_once(self) -> float:
        return sum(self.waiting) / len(self.waiting) if self.waiting else 0.0

    def look(self, connection: psycopg.Connection[Any]) -> None:
        self.most_connections = max(self.most_connections, _other_sessions(connection))
        row = connection.execute(_WAITING).fetchone()
        self.waiting.append(int(row[0]) if row else 0)


@contextmanager
def watched(url: str) -> Iterator[Watched]:
    """Looks four times a second meanwhile."""
    seen, ended = Watched(), threading.Event()

    def watch() -> None:
        with connected(url) as connection:
            while not ended.wait(_LOOK_SECONDS):
                seen.look(connection)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
