"""What the modules of this package share: one area of tables within one transaction.

Statements are built once, at import, so that a launch pays for executing them only.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import UpdateBase

from connector.adapters.sql.prepared import Answer, Prepared, Values
from connector.ports.storage import StorageConflict

AnySelect = Select[*tuple[Any, ...]]


def on_both(table: Table[Any], build: Callable[[Any], Any]) -> Prepared:
    """`build` gets an insert into `table` that knows `on_conflict_do_nothing` and `_do_update`.

    The same words on both databases are two classes in SQLAlchemy.
    """
    return Prepared(
        {
            "sqlite": build(sqlite.insert(table).inline()),
            "postgresql": build(postgresql.insert(table).inline()),
        }
    )


def insert_if_new(table: Table[Any], *key: str) -> Prepared:
    """An insert that a row with the same `key` turns into nothing; any other clash still fails."""
    return on_both(table, lambda insert: insert.on_conflict_do_nothing(index_elements=list(key)))


def named(row: Row[Any]) -> dict[str, Any]:
    """A row's values by column name, for a dataclass of the same fields."""
    return dict(row._asdict())


class Area:
    """Base of the modules: a connection inside a transaction, and whether it may write."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def _rows(self, statement: AnySelect | Prepared, **values: object) -> Sequence[Row[Any]]:
        if not storable(values):
            return []
        if isinstance(statement, Prepared):
            return statement.run(self._connection, values).all()
        return self._connection.execute(statement, values).all()

    def _row(self, statement: AnySelect | Prepared, **values: object) -> Row[Any] | None:
        rows = self._rows(statement, **values)
        return rows[0] if rows else None

    def _change(
        self, statement: UpdateBase | Prepared, values: Values
    ) -> CursorResult[Any] | Answer:
        """Execute a change.

        Raises:
            RuntimeError: the transaction came from `Store.read`.
            StorageConflict: a text cannot be stored.
        """
        self._require_writing()
        if not storable(values):
            raise StorageConflict
        if isinstance(statement, Prepared):
            return statement.run(self._connection, values)
        return self._connection.execute(statement, values)

    def _change_each(self, statement: Prepared, rows: Sequence[Values]) -> None:
        """`_change` for each of at least one row, without waiting for answers between."""
        self._require_writing()
        if not all(map(storable, rows)):
            raise StorageConflict
        statement.run(self._connection, *rows)

    def _change_known(self, statement: UpdateBase | Prepared, values: Values) -> None:
        """Change the one row that `values` name.

        Raises:
            StorageConflict: there is none.
        """
        if self._change(statement, values).rowcount == 0:
            raise StorageConflict

    def _require_writing(self) -> None:
        if not self._writing:
            raise RuntimeError("a read transaction may not write")


def storable(values: Values) -> bool:
    """PostgreSQL's text holds no NUL, and neither driver encodes half a surrogate pair.

    Both reach us in launch parameters and tokens: such a text is looked for in vain.
    """
    text = "".join([value for value in values.values() if isinstance(value, str)])
    return "\0" not in text and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))
