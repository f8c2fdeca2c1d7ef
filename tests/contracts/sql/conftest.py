"""Every test of this folder runs on SQLite and, when TEST_POSTGRES_URL names a server, on PostgreSQL.

Each test gets an empty migrated database: on SQLite a copied file; on PostgreSQL the session's one,
emptied (10 ms against 300 for a copy of a template), or a copy where a test changes more than rows.
There everything is done as the least privileged role of the running processes.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from tests.builders.store import seed_environment, seed_visits, sqlite_url

from connector.adapters.sql.app_role import ensure_app_role
from connector.adapters.sql.migrate import upgrade
from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import METADATA

SERVER = os.environ.get("TEST_POSTGRES_URL")
DATABASES = ["sqlite"]
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
EMPTY = [str(table.delete()) for table in reversed(METADATA.sorted_tables)] + [
    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), 1, false)"
    for table in METADATA.sorted_tables
    for column in table.columns
    if column.identity
]
APP_ROLE = "connector_app"
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
        # Copying the files takes 30 ms, going through the log (PostgreSQL 15's default) 600.
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
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
    """A migrated database that nobody connects to, granted to the role of the processes."""
    url = postgres_server.create()
    upgrade(url)
    postgres_server.run(f"CREATE ROLE {APP_ROLE} LOGIN")
    ensure_app_role(url, APP_ROLE)
    yield str(make_url(url).database)
    postgres_server.drop(url)
    postgres_server.run(f"DROP ROLE {APP_ROLE}")


@pytest.fixture
def of_the_processes(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """URL of the role of the processes, in a database that grants it what it needs."""
    url = postgres_server.create(postgres_template)
    yield make_url(url).set(username=APP_ROLE).render_as_string(hide_password=False)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def emptied_database(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[Callable[[], str]]:
    """Empties the session's database and tells its URL."""
    url = postgres_server.create(postgres_template)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def emptied() -> str:
        with engine.connect() as connection:
            connection.exec_driver_sql("; ".join(EMPTY))
        return url

    yield emptied
    engine.dispose()
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
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A migrated database without rows."""
    if dialect == "sqlite":
        return sqlite_url(tmp_path)
    emptied: Callable[[], str] = request.getfixturevalue("emptied_database")
    return make_url(emptied()).set(username=APP_ROLE).render_as_string(hide_password=False)


@pytest.fixture
def own_database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The same, for tests that change more than rows."""
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


@contextmanager
def as_owner(store: SqlStore) -> Iterator[Connection]:
    """A transaction of whoever owns the tables: the processes' own role cannot do everything."""
    if store._is_sqlite:
        with store._engines.writing.begin() as connection:
            yield connection
        return
    assert SERVER is not None
    owner = create_engine(store._url.set(username=make_url(SERVER).username))
    with owner.begin() as connection:
        yield connection
    owner.dispose()


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
