"""Connections that stay taken between uses: a launch takes five, and SQLAlchemy's pool asks more for that than the database.

They come from its pool all the same, which opens, signs in and sets up; what failed goes back to it at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from sqlalchemy import Connection, Engine

from connector.ports.storage import StorageUnavailable


class Kept:
    """So many connections of an engine, opened at first use; the newest is lent first.

    Args:
        engine: with a pool of at least `most`; nobody else takes from it.
        most: lent at a time.
        wait_seconds: how long one waits for a connection when all are lent.
    """

    def __init__(self, engine: Engine, most: int, wait_seconds: float) -> None:
        self.engine = engine
        self.wait_seconds = wait_seconds
        self._idle: list[Connection] = []
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._turns.put(None)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Nothing is begun, but by the first statement that SQLAlchemy executes; that is rolled back.

        Raises:
            StorageUnavailable: all are lent.
            DBAPIError: none can be opened.
        """
        connection, sound = self._take(), False
        try:
            yield connection
            if connection.in_transaction():
                connection.rollback()
            sound = True
        finally:
            self._give_back(connection, sound=sound)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction, committed at the end; raises as `connect` does."""
        connection, sound = self._take(), False
        try:
            with connection.begin():
                yield connection
            sound = True
        finally:
            self._give_back(connection, sound=sound)

    def close(self) -> None:
        """Close all that are not lent, and whatever the engine's pool holds; it opens again."""
        self._close_idle()
        self.engine.dispose()

    def _take(self) -> Connection:
        try:
            self._turns.get(timeout=self.wait_seconds)
        except Empty:
            raise StorageUnavailable("pool_exhausted") from None
        try:
            return self._idle.pop()
        except IndexError:
            return self._opened()

    def _opened(self) -> Connection:
        opened = None
        try:
            opened = self.engine.connect()
        finally:
            if opened is None:
                self._turns.put(None)
        return opened

    def _give_back(self, connection: Connection, *, sound: bool) -> None:
        """Close what saw an error; a server that ended its session has likely ended the others too."""
        lost = connection.invalidated
        try:
            if sound:
                self._idle.append(connection)
            else:
                connection.close()
        finally:
            self._turns.put(None)
        if lost:
            self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()
