"""The storage port on SQLite or PostgreSQL."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import delete, false, make_url
from sqlalchemy.exc import SQLAlchemyError

from connector.adapters.sql import single_host
from connector.adapters.sql.audit_log import SqlAuditLog
from connector.adapters.sql.engines import BUSY_SECONDS, engines, sqlite_file
from connector.adapters.sql.failures import port_errors
from connector.adapters.sql.migrate import is_behind
from connector.adapters.sql.tables import heartbeat
from connector.adapters.sql.token_login import Password
from connector.adapters.sql.transaction import SqlTransaction
from connector.ports.storage import AuditEntry, StorageUnavailable

_DELETE_NOTHING = delete(heartbeat).where(false())
# What a server that answers says; whatever else is wrong is `unreachable` to who asks for readiness.
_REFUSALS = frozenset({"read_only", "not_granted"})


class SqlStore:
    """Connects at first use; make one per process, after forking.

    Args:
        database_url: `sqlite:////path/to/file.db` or `postgresql://…`.
        pool_size: most connections to PostgreSQL, half of them for reads; to SQLite, readers.
        password: what to sign in to PostgreSQL with where that is a token.
    """

    def __init__(
        self, database_url: str, pool_size: int = 16, password: Password | None = None
    ) -> None:
        self._url = make_url(database_url)
        self._engines = engines(database_url, pool_size, password)
        self._is_sqlite = self._url.get_backend_name() == "sqlite"
        # SQLite's busy handler sleeps and retries: threads queue here instead, in a third of the
        # time at the 99th percentile (performance.md 1c).
        self._one_writer = threading.Lock()
        self._of_thread = threading.local()
        self._locks: dict[str, int] = {}

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        with port_errors(), self._engines.reading.begin() as connection:
            yield SqlTransaction(connection, writing=False)

    @contextmanager
    def glance(self) -> Iterator[SqlTransaction]:
        with port_errors(), self._engines.reading.connect() as connection:
            yield SqlTransaction(connection, writing=False)

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        self._take_turn()
        try:
            with port_errors(), self._engines.writing.begin() as connection:
                transaction = SqlTransaction(connection, writing=True)
                yield transaction
                transaction.close()
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        """One write at a time for a thread, and on SQLite for the process."""
        if getattr(self._of_thread, "writing", False):
            raise RuntimeError("a write transaction is already open in this thread")
        if self._is_sqlite and not self._one_writer.acquire(timeout=BUSY_SECONDS):
            raise StorageUnavailable("locked")
        self._of_thread.writing = True

    def _end_turn(self) -> None:
        self._of_thread.writing = False
        if self._is_sqlite:
            self._one_writer.release()

    def audit_all(self, entries: Iterable[AuditEntry]) -> None:
        with self.write() as transaction:
            for entry in entries:
                transaction.audit(entry)

    @property
    def audit_log(self) -> SqlAuditLog:
        """The trail for readers, each of whose questions is a snapshot of its own."""
        return SqlAuditLog(self._engines.reading)

    def ready(self) -> str | None:
        try:
            with port_errors(), self._engines.reading.connect() as connection:
                if is_behind(connection):
                    return "not_migrated"
            return self._refusal_of_writes()
        except StorageUnavailable as err:
            return err.code if err.code in _REFUSALS else "unreachable"
        except SQLAlchemyError:
            return "unreachable"

    def _refusal_of_writes(self) -> str | None:
        """Try to delete nothing; a database somebody is writing to just now takes writes."""
        if not self._one_writer.acquire(blocking=False):
            return None
        try:
            with port_errors(), self._engines.writing.connect() as connection:
                connection.execute(_DELETE_NOTHING)
        except StorageUnavailable as err:
            return err.code if err.code in _REFUSALS else None
        finally:
            self._one_writer.release()
        return None

    def hold_single_host_lock(self, role: str) -> None:
        """Hold `role` ("web", "worker", …) until `close` or the end of the process.

        PostgreSQL serves any number of replicas: nothing is locked there.

        Raises:
            SecondReplicaRefused: another process holds it on the same SQLite database.
        """
        if self._is_sqlite and role not in self._locks:
            self._locks[role] = single_host.hold(sqlite_file(self._url), role)

    def close(self) -> None:
        """Close every connection and let go of every role."""
        self._engines.close()
        while self._locks:
            os.close(self._locks.popitem()[1])
