"""Migrations: one head, and what they build is what the code believes in."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, make_url
from tests.builders.store import CUSTOMER

from connector.adapters.sql.migrate import _config, head, upgrade
from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import METADATA
from connector.ports.storage import StorageUnavailable


def open_engine(url: str) -> Engine:
    backend = make_url(url).get_backend_name()
    return create_engine(
        make_url(url).set(drivername={"postgresql": "postgresql+psycopg"}.get(backend, backend))
    )


@pytest.fixture
def migrated(empty_url: str) -> Iterator[Connection]:
    upgrade(empty_url)
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def declared(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A database made from the metadata, without migrations."""
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'declared.db'}"
        drop = None
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create()
        drop = server.drop
    engine = open_engine(url)
    METADATA.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    if drop:
        drop(url)


def test_there_is_one_head() -> None:
    assert ScriptDirectory.from_config(_config()).get_heads() == [head()]


def test_an_empty_database_upgrades_to_the_metadata(migrated: Connection) -> None:
    assert compare_metadata(MigrationContext.configure(migrated), METADATA) == []


def test_constraints_and_comments_are_those_of_the_metadata(
    migrated: Connection, declared: Connection
) -> None:
    """Alembic compares neither checks nor the rules of foreign keys."""
    assert described(migrated) == described(declared)


def described(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    tables = sorted(set(found.get_table_names()) - {"alembic_version"})
    return {
        table: {
            "checks": {c["name"]: c["sqltext"] for c in found.get_check_constraints(table)},
            "foreign": sorted(map(repr, found.get_foreign_keys(table))),
            "unique": sorted(map(repr, found.get_unique_constraints(table))),
            "primary": found.get_pk_constraint(table),
            "indexes": sorted(repr(readable(i)) for i in found.get_indexes(table)),
            "columns": [repr(sorted(c.items(), key=str)) for c in found.get_columns(table)],
        }
        for table in tables
    }


def readable(index: Any) -> dict[str, Any]:
    """A reflected index, the condition of a partial one as its text."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return dict(index) | {"dialect_options": options}


def test_upgrading_an_up_to_date_database_keeps_its_rows(
    store: SqlStore, database_url: str
) -> None:
    with store.write() as tx:
        tx.configurations.register_tenant(CUSTOMER)
    upgrade(database_url)
    with store.write() as tx:
        tx.configurations.register_tenant(CUSTOMER)


def test_replicas_that_start_together_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(upgrade, [empty_url] * 4)) == [None] * 4
    store = SqlStore(empty_url)
    assert store.ready() is None
    store.close()


def test_a_database_without_tables_is_unavailable_not_our_mistake(empty_url: str) -> None:
    """A process of a release whose migration has not run yet answers 503, not 500."""
    store = SqlStore(empty_url)
    with pytest.raises(StorageUnavailable), store.read() as tx:
        tx.links.find("environment", "user")
    store.close()


def test_a_server_that_is_away_is_not_upgraded() -> None:
    with pytest.raises(StorageUnavailable, match="unreachable"):
        upgrade("postgresql+psycopg://nobody@127.0.0.1:1/nothing")


def test_a_sqlite_database_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "connector.db"
    upgrade(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
