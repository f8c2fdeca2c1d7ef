"""Connections that write and connections that read, per database.

SQLite: readers see their own snapshot (WAL) and cannot write; the one writer begins IMMEDIATE, since
a deferred transaction that turns into a writer fails at once when somebody else wrote in between,
whatever busy_timeout says (measured: performance.md 1c). PostgreSQL: reads are REPEATABLE READ and
READ ONLY, writes READ COMMITTED with row locks. What a session is for is set when it is opened, so
no transaction pays for it and none overrides a server that was made read-only. Sessions that read
begin nothing by themselves: where no transaction was begun, each statement is a snapshot of its own.
"""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from connector.adapters.sql.kept import Kept
from connector.adapters.sql.prepared import command
from connector.adapters.sql.token_login import Password, sign_in_with

BUSY_SECONDS = 5
_CONNECT_SECONDS = 5

# A session that dies inside a transaction holds its row locks until PostgreSQL gives up on it.
_POSTGRESQL_LIMITS = (
    "SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '5s'; "
    "SET statement_timeout = '15s'; SET TimeZone = 'UTC'"
)


@dataclass(frozen=True, slots=True)
class Engines:
    writing: Kept
    reading: Kept

    def close(self) -> None:
        self.writing.close()
        self.reading.close()


def engines(database_url: str, pool_size: int, password: Password | None = None) -> Engines:
    """Connections opened at first use.

    Args:
        database_url: of SQLite or PostgreSQL.
        pool_size: see `SqlStore`.
        password: what to sign in to PostgreSQL with, asked for at each new connection.

    Raises:
        ValueError: neither a SQLite file nor a PostgreSQL address.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        sqlite_file(url)
        writing, reading = _sqlite_writer(url), _sqlite_reader(url, pool_size)
        return Engines(Kept(writing, 1, BUSY_SECONDS), Kept(reading, pool_size, BUSY_SECONDS))
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return _postgresql(url, pool_size, password)
    raise ValueError("the database is SQLite or PostgreSQL")


def sqlite_file(url: URL) -> Path:
    """Where the database is; one in memory could not be shared by two connections."""
    name = (url.database or "").removeprefix("file:")
    if name in {"", ":memory:"}:
        raise ValueError("a SQLite database needs a file")
    return Path(name)


def make_private_file(url: URL) -> None:
    """Create the file for our eyes only; SQLite gives its journal the same mode."""
    os.close(os.open(sqlite_file(url), os.O_CREAT | os.O_RDWR, 0o600))


def _sqlite_writer(url: URL) -> Engine:
    writer = create_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
    # secure_delete: a destroyed data key must not survive in a free page.
    event.listen(writer, "connect", _pragmas("secure_delete = ON"))
    event.listen(writer, "begin", _begin("BEGIN IMMEDIATE"))
    return writer


def _sqlite_reader(url: URL, pool_size: int) -> Engine:
    reader = create_engine(url, pool_size=pool_size, max_overflow=0, hide_parameters=True)
    event.listen(reader, "connect", _pragmas("query_only = ON"))
    event.listen(reader, "begin", _begin("BEGIN"))
    return reader


def _pragmas(last: str) -> Any:
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin ourselves
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            last,
        ):
            connection.execute(f"PRAGMA {pragma}")

    return set_up


def _begin(statement: str) -> Any:
    def begin(connection: Connection) -> None:
        command(connection, statement)

    return begin


def _postgresql(url: URL, pool_size: int, password: Password | None) -> Engines:
    """Half of the size for each; a launch holds a connection for a few milliseconds."""
    size = max(1, pool_size // 2)
    writing = _postgresql_engine(url, size, "READ COMMITTED")
    reading = _postgresql_engine(url, size, "AUTOCOMMIT")
    event.listen(reading, "connect", _never_write)
    event.listen(reading, "begin", _begin("BEGIN ISOLATION LEVEL REPEATABLE READ"))
    if password is not None:
        for engine in (writing, reading):
            sign_in_with(password, engine)
    return Engines(Kept(writing, size, BUSY_SECONDS), Kept(reading, size, BUSY_SECONDS))


def _postgresql_engine(url: URL, pool_size: int, isolation_level: Any) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        isolation_level=isolation_level,
        hide_parameters=True,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 30},
    )
    event.listen(engine, "connect", _limit_session)
    return engine


def _limit_session(connection: Any, _record: object) -> None:
    """Limits are set here, not as start-up options: connection poolers refuse those."""
    connection.execute(_POSTGRESQL_LIMITS)
    connection.commit()


def _never_write(connection: Any, _record: object) -> None:
    connection.execute("SET default_transaction_read_only = on")
