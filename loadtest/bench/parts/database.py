"""The connector's SQLite database as the bench needs it: copied, written to, asked what became of something."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

BUSY_SECONDS: Final = 10.0
# Of SQLAlchemy's own text for times, which have no zone there.
_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True, slots=True)
class Database:
    file: Path

    @property
    def setting(self) -> dict[str, str]:
        return {"CONNECTOR_DATABASE_URL": f"sqlite:///{self.file}"}

    def copied(self, to: Path) -> "Database":
        """Whole, whatever of it still lies in the write-ahead log; what was there is replaced."""
        for name in (to.name, f"{to.name}-wal", f"{to.name}-shm"):
            to.with_name(name).unlink(missing_ok=True)
        with closing(sqlite3.connect(self.file)) as here, closing(sqlite3.connect(to)) as there:
            here.backup(there)
        return Database(to)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with closing(sqlite3.connect(self.file, BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def ask(self, question: str, values: Sequence[Any] = ()) -> list[Any]:
        """The first column of each row."""
        with closing(sqlite3.connect(self.file, BUSY_SECONDS)) as connection:
            return [row[0] for row in connection.execute(question, values)]

    def count(self, what: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM {what}")[0])  # noqa: S608 - our own words


def now_text(at: float) -> str:
    """A time since the epoch as the connector stores it."""
    return datetime.fromtimestamp(at, UTC).strftime(_TIME)


def insert_like(
    connection: sqlite3.Connection,
    table: str,
    changes: Mapping[str, str],
    where: str,
    values: Sequence[Any] = (),
) -> int:
    """Copy the rows of a table that `where` finds, some columns changed to SQL expressions; how many."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    taken = ", ".join(changes.get(one, f'"{one}"') for one in columns)
    names = ", ".join(f'"{one}"' for one in columns)
    copy = f"INSERT INTO {table} ({names}) SELECT {taken} FROM {table} WHERE {where}"  # noqa: S608 - our own words
    return connection.execute(copy, values).rowcount
