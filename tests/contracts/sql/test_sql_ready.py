"""Readiness names what is wrong in one word (case 71)."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.builders.store import sqlite_store
from tests.contracts.sql.conftest import APP_ROLE, SERVER

from connector.adapters.sql.store import SqlStore


def change(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(drivername=driver_of(url)))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def driver_of(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"


def ready(url: str) -> str | None:
    store = SqlStore(url)
    word = store.ready()
    store.close()
    return word


def test_a_migrated_database_is_ready(store: SqlStore) -> None:
    assert store.ready() is None


def test_a_database_without_tables_is_not_migrated(empty_url: str) -> None:
    assert ready(empty_url) == "not_migrated"


def test_a_database_that_lost_its_revision_is_not_migrated(own_database_url: str) -> None:
    change(own_database_url, "DELETE FROM alembic_version")
    assert ready(own_database_url) == "not_migrated"


def test_a_database_of_a_newer_release_is_ready(own_database_url: str) -> None:
    """Old replicas go on while the new ones start: migrate first, expand then contract."""
    change(own_database_url, "UPDATE alembic_version SET version_num = '9999_from_the_future'")
    assert ready(own_database_url) is None


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    assert ready("postgresql://nobody@127.0.0.1:1/nothing") == "unreachable"


def test_a_missing_folder_is_unreachable(tmp_path: Path) -> None:
    assert ready(f"sqlite:///{tmp_path}/missing/connector.db") == "unreachable"


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    path = tmp_path / "connector.db"
    path.write_bytes(b"not a database " * 1000)
    assert ready(f"sqlite:///{path}") == "unreachable"


def test_a_database_that_takes_no_writes_is_read_only(own_database_url: str) -> None:
    if own_database_url.startswith("sqlite"):
        path = make_url(own_database_url).database
        assert ready(f"sqlite:///file:{path}?mode=ro&uri=true") == "read_only"
        return
    name = make_url(own_database_url).database
    change(own_database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert ready(own_database_url) == "read_only"


@pytest.mark.postgres
@pytest.mark.skipif(SERVER is None, reason="no server")
@pytest.mark.parametrize("lost", ["SELECT ON alembic_version", "DELETE ON heartbeat"])
def test_a_role_that_lost_a_grant_is_not_granted(of_the_processes: str, lost: str) -> None:
    """The server answers: whoever reads `unreachable` would look at the network."""
    owner = make_url(str(SERVER)).set(database=make_url(of_the_processes).database)
    change(owner.render_as_string(hide_password=False), f"REVOKE {lost} FROM {APP_ROLE}")
    assert ready(of_the_processes) == "not_granted"


def test_a_writing_thread_does_not_make_the_store_unready(store: SqlStore) -> None:
    with store.write():
        assert store.ready() is None


def test_asking_for_readiness_leaves_the_writer_free(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    assert [store.ready() for _ in range(3)] == [None] * 3
    with store.write() as tx:
        assert tx.outbox.counts()["pending"] == 0
    store.close()


@pytest.mark.parametrize("pool_size", [1, 2])
def test_readiness_needs_no_second_connection(database_url: str, pool_size: int) -> None:
    store = SqlStore(database_url, pool_size=pool_size)
    assert store.ready() is None
    store.close()
