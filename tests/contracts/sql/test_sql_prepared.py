"""A statement executed on the driver's own cursor means what it means to SQLAlchemy (ADR 15)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from tests.builders.store import NOON, seed_visits

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import heartbeat, visit
from connector.domain.visit import FINAL, VisitState

BEAT = Prepared(insert(heartbeat).inline())
BEATS = Prepared(select(heartbeat).order_by(heartbeat.c.name))
OPEN_STATES = [state for state in VisitState if state not in FINAL]
MADE_THEN = select(visit.c.id).where(visit.c.created_at == bindparam("made_at"))
OPEN = Prepared(MADE_THEN.where(visit.c.state.in_(OPEN_STATES)))
OVER = Prepared(MADE_THEN.where(visit.c.state.in_(FINAL)))


@pytest.fixture
def connection(store: SqlStore) -> Iterator[Connection]:
    with store._engines.writing.begin() as connection:
        yield connection


def test_a_fixed_choice_of_words_is_asked_with_the_values_of_each_time(store: SqlStore) -> None:
    (opened,) = seed_visits(store)
    times = (opened.created_at, NOON - timedelta(days=1), opened.created_at)

    with store._engines.reading.begin() as connection:
        asked = [OPEN.run(connection, {"made_at": at}).all() for at in times]
        over = OVER.run(connection, {"made_at": opened.created_at}).all()

    assert [[row.id for row in rows] for rows in asked] == [[opened.id], [], [opened.id]]
    assert over == []


def test_several_rows_are_written_at_once_each_with_its_own_values(connection: Connection) -> None:
    times = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(days=1)]
    BEAT.run(connection, *({"name": f"job {n}", "at": at} for n, at in enumerate(times)))

    assert [row.at for row in BEATS.run(connection, {}).all()] == times


def test_one_of_several_rows_that_is_refused_fails_all(store: SqlStore) -> None:
    beat = {"name": "job", "at": NOON}
    with pytest.raises(IntegrityError), store._engines.writing.begin() as connection:
        BEAT.run(connection, {"name": "first", "at": NOON}, beat, beat)

    with store._engines.reading.connect() as connection:
        assert BEATS.run(connection, {}).all() == []


@pytest.mark.parametrize("values", [{}, {"madeat": NOON}], ids=["missing", "misspelt"])
def test_a_value_that_is_not_named_is_an_error_and_not_null(
    connection: Connection, values: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequestError, match="made_at"):
        Prepared(MADE_THEN).run(connection, values)
