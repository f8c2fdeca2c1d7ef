"""pgaudit belongs to an upgrade on Azure; a server that has it not is told of, and used.

On a real server that has it not. What Azure's answers is raised there by an event trigger.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url
from tests.contracts.sql.conftest import SERVER, PostgresServer

from connector.adapters.sql.server_audit import ensure_server_audit
from connector.ports.storage import StorageUnavailable

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(SERVER is None, reason="no server")]

_REFUSE = """
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'of the server' USING ERRCODE = '{sqlstate}'; END $$;
CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION')
EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    made = postgres_server.create()
    yield made
    postgres_server.drop(made)


def run(url: str, statements: str) -> None:
    engine = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statements)
    engine.dispose()


def test_a_server_that_does_not_offer_it_is_told_of_in_one_line(url: str) -> None:
    note = ensure_server_audit(url)
    assert note is not None
    assert "azure.extensions" in note
    assert len(note.splitlines()) == 1


@pytest.mark.parametrize(
    ("sqlstate", "to_do"),
    [
        ("0A000", "azure.extensions"),
        ("58P01", "azure.extensions"),
        ("55000", "shared_preload_libraries"),
        ("42501", "Entra administrator"),
    ],
    ids=["not allow-listed", "not installed", "not preloaded", "not granted"],
)
def test_each_refusal_says_what_to_do(url: str, sqlstate: str, to_do: str) -> None:
    run(url, _REFUSE.format(sqlstate=sqlstate))
    assert to_do in str(ensure_server_audit(url))


@pytest.mark.parametrize("sqlstate", ["57P01", "53100", "XX000"])
def test_a_failure_that_is_no_absence_fails_the_upgrade(url: str, sqlstate: str) -> None:
    run(url, _REFUSE.format(sqlstate=sqlstate))
    with pytest.raises(StorageUnavailable):
        ensure_server_audit(url)


def test_a_database_that_is_away_is_no_absence() -> None:
    with pytest.raises(StorageUnavailable, match="unreachable"):
        ensure_server_audit("postgresql://nobody@127.0.0.1:1/nothing")


def test_an_extension_that_is_there_is_left_alone(url: str) -> None:
    """Plpgsql plays its part: its making was tried by hand with Debian's postgresql-15-pgaudit."""
    rename = "UPDATE pg_extension SET extname = 'pgaudit' WHERE extname = 'plpgsql'"
    run(url, f"SET allow_system_table_mods = on; {rename}")
    assert ensure_server_audit(url) is None
