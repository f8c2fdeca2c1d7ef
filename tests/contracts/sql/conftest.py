"""Every test of this folder runs on SQLite and, when TEST_POSTGRES_URL names a server, on PostgreSQL.

Each test gets an empty migrated database of its own: a copied file, or a copy of a template database.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.builders.store import seed_environment, seed_visits, sqlite_url

from connector.adapters.sql.migrate import upgrade
from connector.adapters.sql.store import SqlStore

SERVER = os.environ.get("TEST_POSTGRES_URL")
DATABASES = ["sqlite"]
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
_numbers = count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        metafunc.parametrize(
            "dialect", [*DATABASES, *([POSTGRESQL] if SERVER else [])], scope="session"
        )


class PostgresServer:
    """Makes and drops databases on the server under test."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")

    def run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def create(self, template: str = "template1") -> str:
        """URL of a new database."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    assert SERVER is not None
    server = PostgresServer(SERVER)
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create()
    upgrade(url)
    yield str(make_url(url).database)
    postgres_server.drop(url)


@pytest.fixture
def empty_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database without rows."""
    if dialect == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = SqlStore(database_url)
    yield opened
    opened.close()


@pytest.fixture
def other_store(database_url: str) -> Iterator[SqlStore]:
    """A second process' view of the same database."""
    opened = SqlStore(database_url)
    yield opened
    opened.close()


@pytest.fixture
def environment(store: SqlStore) -> SqlStore:
    """The store, with one environment."""
    seed_environment(store)
    return store


@pytest.fixture
def visited(store: SqlStore) -> SqlStore:
    """The store, with visits 1, 2 and 3."""
    seed_visits(store, 3)
    return store
