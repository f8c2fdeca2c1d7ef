"""What launches and the worker ask the database: statements compiled once, executed on the driver's own cursor.

SQLAlchemy says what the words and the types are; its machinery of execution costs several times what
the driver does (performance.md 2 and 3f), so it is left out where the text of a statement never varies.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.expression import Executable

_ROWS_KEPT = 256

T = TypeVar("T")
Values = Mapping[str, Any]


class Answer:
    """Rows, converted and with their columns as attributes, or how many rows were changed."""

    def __init__(self, cursor: Any, row: Callable[[Sequence[Any]], Any] | None) -> None:
        self.rowcount: int = cursor.rowcount
        self._rows = [] if row is None else [row(each) for each in cursor.fetchall()]
        cursor.close()

    def all(self) -> list[Any]:
        return self._rows

    def first(self) -> Any | None:
        return self._rows[0] if self._rows else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement of one dialect; `order` is None where parameters go by name."""

    text: str
    given: Values
    converts: Sequence[tuple[str, Callable[[Any], Any]]]
    order: Sequence[str] | None
    row: Callable[[Sequence[Any]], Any] | None

    def parameters(self, values: Values) -> Any:
        whole = {**self.given, **values}
        for name, convert in self.converts:
            whole[name] = convert(whole[name])
        return whole if self.order is None else [whole[name] for name in self.order]


class Prepared:
    """A statement that is executed with the same names of values each time.

    Args:
        statement: for every dialect, or by the dialect's name.
        repeats: its rows are few and come again and again: equal rows are converted once, to one object.
    """

    def __init__(
        self, statement: Executable | Mapping[str, Executable], *, repeats: bool = False
    ) -> None:
        self._statement = statement
        self._repeats = repeats
        self._plans: dict[str, _Plan] = {}

    def run(self, connection: Connection, values: Values, *more: Values) -> Answer:
        """Once, or once for each of several rows, of which none is returned.

        Raises:
            DBAPIError: as SQLAlchemy would, broken connections are dropped as it would.
            InvalidRequestError: the statement needs a value that was not named.
        """
        dialect = connection.dialect
        plan = self._plans.get(dialect.name) or self._prepare(dialect, values)
        cursor: Any = connection.connection.cursor()
        if more:
            execute, parameters = cursor.executemany, [*map(plan.parameters, (values, *more))]
        else:
            execute, parameters = cursor.execute, plan.parameters(values)
        try:
            execute(plan.text, parameters)
            return Answer(cursor, plan.row)
        except dialect.loaded_dbapi.Error as err:
            _as_sqlalchemy(err, connection, plan.text, parameters, cursor)
            raise

    def on(self, dialect: str) -> Executable:
        """The statement in SQLAlchemy's words, of the dialect of that name."""
        statement = self._statement
        return statement[dialect] if isinstance(statement, Mapping) else statement

    def _prepare(self, dialect: Dialect, values: Values) -> _Plan:
        plan = _plan(self.on(dialect.name), dialect, list(values))
        if self._repeats and plan.row is not None:
            plan = replace(plan, row=lru_cache(_ROWS_KEPT)(plan.row))
        self._plans[dialect.name] = plan
        return plan


def last_row(connection: Connection, *texts: str) -> Sequence[Any] | None:
    """First row of the last of some statements without parameters, which PostgreSQL carries out at once, in turn.

    Each sees what was committed until the one before it was done. SQLite takes one.

    Raises:
        DBAPIError: as SQLAlchemy would.
    """
    several = "; ".join(texts)

    def ask(cursor: Any) -> Sequence[Any] | None:
        cursor.execute(several, **({"prepare": False} if texts[1:] else {}))
        for _ in texts[1:]:
            cursor.nextset()
        row: Sequence[Any] | None = cursor.fetchone()
        return row

    return _asked(connection, several, ask)


def command(connection: Connection, text: str) -> None:
    """What returns nothing; raises as `last_row` does."""
    _asked(connection, text, lambda cursor: cursor.execute(text))


def _asked(connection: Connection, text: str, ask: Callable[[Any], T]) -> T:
    cursor: Any = connection.connection.cursor()
    try:
        answer = ask(cursor)
    except connection.dialect.loaded_dbapi.Error as err:
        _as_sqlalchemy(err, connection, text, None, cursor)
        raise
    cursor.close()
    return answer


def _as_sqlalchemy(
    err: BaseException, connection: Connection, text: str, parameters: Any, cursor: Any
) -> None:
    connection._handle_dbapi_exception(err, text, parameters, cursor, None)  # noqa: SLF001


def _plan(statement: Any, dialect: Dialect, names: list[str]) -> _Plan:
    compiled = statement.compile(dialect=dialect, column_keys=names)
    whole = compiled.construct_expanded_state(dict.fromkeys(names))  # a fixed IN has its places
    given = dict(whole.parameters)
    converts = dict(whole.processors)
    for bind, name in compiled.bind_names.items():
        if name in given and (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)):
            converts[name] = convert
    for name in converts.keys() - set(names):
        given[name] = converts.pop(name)(given[name])
    order = whole.positiontup if compiled.positional else None
    return _Plan(whole.statement, given, list(converts.items()), order, _row(statement, dialect))


def _row(statement: Any, dialect: Dialect) -> Callable[[Sequence[Any]], Any] | None:
    """None for a change that returns nothing."""
    columns = statement.exported_columns
    if not columns:
        return None
    make = namedtuple("Row", columns.keys())  # type: ignore[misc]
    converts = [
        (place, convert)
        for place, column in enumerate(columns.values())
        if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]

    def row(fetched: Sequence[Any]) -> Any:
        values = list(fetched)
        for place, convert in converts:
            values[place] = convert(values[place])
        return make._make(values)

    return row
