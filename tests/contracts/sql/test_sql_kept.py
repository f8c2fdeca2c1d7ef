"""Connections that stay taken between uses: no more of them than said, none that failed, none lost (cases 70, 71)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from connector.adapters.sql.engines import engines
from connector.adapters.sql.kept import Kept
from connector.ports.storage import StorageUnavailable

MOST = 3
ONE = text("SELECT 1")
END_ALL_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""


@pytest.fixture
def kept(database_url: str) -> Iterator[Kept]:
    opened = engines(database_url, 2 * MOST).reading
    opened.wait_seconds = 0.05
    yield opened
    opened.close()


def lent_together(kept: Kept, count: int) -> list[object]:
    """So many at the same time, each of which has been asked something."""
    if not count:
        return []
    with kept.connect() as connection:
        connection.execute(ONE)
        return [connection, *lent_together(kept, count - 1)]


def test_the_connection_given_back_last_is_lent_next(kept: Kept) -> None:
    outer, *_, innermost = lent_together(kept, MOST)
    with kept.connect() as first, kept.connect() as second:
        assert first is outer
        assert second is not innermost


def test_nobody_gets_what_another_one_has_begun(kept: Kept) -> None:
    with kept.connect() as connection:
        connection.execute(ONE)
        assert connection.in_transaction()
    with kept.connect() as again:
        assert again is connection
        assert not again.in_transaction()


@pytest.mark.parametrize("way", ["connect", "begin"])
def test_a_connection_that_saw_an_error_is_not_lent_again(kept: Kept, way: str) -> None:
    with pytest.raises(DBAPIError), getattr(kept, way)() as failed:
        failed.execute(text("SELECT x FROM nowhere"))
    with kept.connect() as another:
        assert another is not failed
        assert failed.closed
    assert len(lent_together(kept, MOST)) == MOST


def test_who_finds_all_lent_is_told_and_takes_nothing_from_the_next(database_url: str) -> None:
    kept = Kept(create_engine(database_url, max_overflow=0, pool_size=1), 1, wait_seconds=0.01)
    with kept.connect():
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="pool_exhausted"), kept.connect():
                pass
    with kept.connect() as connection:
        assert connection.execute(ONE).scalar_one() == 1
    kept.close()


def test_a_server_that_cannot_be_reached_uses_no_place_up() -> None:
    unreachable = engines("postgresql://nobody@127.0.0.1:1/nothing", 2).reading
    for _ in range(3):
        with pytest.raises(OperationalError), unreachable.connect():
            pass


def test_who_waits_gets_what_is_given_back(kept: Kept) -> None:
    kept.wait_seconds = 20
    lent, most_lent, lock = 0, 0, threading.Lock()

    def use(_: int) -> int:
        nonlocal lent, most_lent
        with kept.connect() as connection:
            with lock:
                lent += 1
                most_lent = max(most_lent, lent)
            value: int = connection.execute(ONE).scalar_one()
            with lock:
                lent -= 1
        return value

    with ThreadPoolExecutor(4 * MOST) as people:
        assert list(people.map(use, range(200))) == [1] * 200
    assert most_lent <= 2 * MOST


def test_what_is_closed_opens_again(kept: Kept) -> None:
    before = lent_together(kept, MOST)
    kept.close()
    assert all(one.closed for one in before)  # type: ignore[attr-defined]
    assert not {id(one) for one in before} & {id(one) for one in lent_together(kept, MOST)}


def test_sessions_the_server_ended_cost_one_transaction_and_not_one_each(
    kept: Kept, dialect: str
) -> None:
    """Case 70: PostgreSQL was restarted while nobody asked anything; SQLite ends none."""
    lent_together(kept, MOST)
    lost = 0
    with kept.connect() as only_one_left:
        if dialect == "postgresql":
            only_one_left.exec_driver_sql(END_ALL_OTHERS)
        for _ in range(MOST):
            try:
                lent_together(kept, 1)
            except OperationalError:
                lost += 1
    assert lost == (1 if dialect == "postgresql" else 0)
