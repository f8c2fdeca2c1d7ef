"""PostgreSQL signed in to with tokens of the managed identity, and the role it signs in as.

On a real server: a role whose password is the token that the identity endpoint lends.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from tests.builders.http import guarded_http
from tests.builders.operators import Shell
from tests.builders.store import NOON, seed_environment, seed_visits
from tests.contracts.sql.conftest import SERVER, PostgresServer
from tests.fakes.managed_identity import CLIENT_ID, IdentityDouble, identity_double
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, authority, ca_file

from connector.adapters.azure.identity import ManagedIdentity, TokenPassword
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.adapters.sql.app_role import RoleUnusable, ensure_app_role, least
from connector.adapters.sql.migrate import upgrade
from connector.adapters.sql.store import SqlStore
from connector.adapters.system.lent_tokens import HeldTokens
from connector.domain.audit import Event, Outcome
from connector.ports.storage import AuditEntry, StorageUnavailable

__all__ = ["authority", "ca_file", "identity_double"]

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(SERVER is None, reason="no server")]
_roles = count(1)


class Roles:
    """Roles of the server under test that must give a password, made and dropped."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._made: list[str] = []
        (hba_file,) = self.rows("SELECT setting FROM pg_settings WHERE name = 'hba_file'")
        self._hba = Path(hba_file[0])
        self._trusting = self._hba.read_text()

    def rows(self, statement: str, url: str = "", **values: str) -> list[Any]:
        engine = create_engine(url, isolation_level="AUTOCOMMIT") if url else self.server._engine
        with engine.connect() as connection:
            result = connection.execute(text(statement), values)
            found = list(result.all()) if result.returns_rows else []
        if url:
            engine.dispose()
        return found

    def name(self) -> str:
        """Of a role that somebody makes, dropped afterwards; it must give a password."""
        name = f"id-app-{next(_roles)}"
        self._made.append(name)
        lines = [f'host all "{each}" 127.0.0.1/32 scram-sha-256' for each in self._made]
        self._hba.write_text("\n".join([*lines, self._trusting]))
        self.server.run("SELECT pg_reload_conf()")
        return name

    def make(self, password: str, options: str = "LOGIN") -> str:
        name = self.name()
        self.server.run(f"CREATE ROLE \"{name}\" {options} PASSWORD '{password}'")
        self._wait_for_hba(name)
        return name

    def give(self, role: str, password: str) -> None:
        self.server.run(f"ALTER ROLE \"{role}\" PASSWORD '{password}'")

    def url(self, role: str, database_url: str) -> str:
        return make_url(database_url).set(username=role).render_as_string(hide_password=False)

    def _wait_for_hba(self, role: str) -> None:
        """The server takes its rules in when the signal has reached it."""
        engine = create_engine(self.server._url.set(username=role, password="not it"))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                engine.connect().close()
            except OperationalError:
                engine.dispose()
                return
            engine.dispose()
        raise AssertionError("pg_hba.conf was not read again")

    def close(self) -> None:
        for role in self._made:
            self.server.run(f'DROP ROLE IF EXISTS "{role}"')
        self._hba.write_text(self._trusting)
        self.server.run("SELECT pg_reload_conf()")


@pytest.fixture
def roles(postgres_server: PostgresServer) -> Iterator[Roles]:
    made = Roles(postgres_server)
    yield made
    made.close()


@pytest.fixture
def empty(postgres_server: PostgresServer, roles: Roles) -> Iterator[str]:
    """URL of a database without tables."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def migrated(empty: str) -> str:
    upgrade(empty)
    return empty


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def password(
    ca_file: str, clock: FixedClock, identity_double: IdentityDouble
) -> Iterator[TokenPassword]:
    http, budget = guarded_http(ca_file), Budget()
    transport = AzureTransport(http, budget)
    yield TokenPassword(ManagedIdentity(CLIENT_ID, transport, budget, HeldTokens(clock)))
    transport.close()
    http.close()


@dataclass
class Signing:
    """A store that signs in as `role` with what the identity lends; its password is `token-1`."""

    role: str
    store: SqlStore
    roles: Roles

    def works(self) -> bool:
        return self.store.ready() is None

    def end_idle_connections(self) -> None:
        """As a failover does: what comes next connects anew."""
        self.store.close()


@pytest.fixture
def signing(migrated: str, roles: Roles, password: TokenPassword) -> Iterator[Signing]:
    role = roles.make("token-1")
    ensure_app_role(migrated, role)
    store = SqlStore(roles.url(role, migrated), pool_size=4, password=password)
    yield Signing(role, store, roles)
    store.close()
    roles.rows(f'DROP OWNED BY "{role}"', migrated)


# --- signing in -----------------------------------------------------------------------------------


def test_the_token_is_the_password(signing: Signing, identity_double: IdentityDouble) -> None:
    assert signing.works()
    assert [lent.resource for lent in identity_double.lent] == [
        "https://ossrdbms-aad.database.windows.net"
    ]


def test_without_a_token_the_server_lets_nobody_in(signing: Signing, migrated: str) -> None:
    for secret in ("", "token-0"):
        url = make_url(signing.roles.url(signing.role, migrated)).set(password=secret)
        store = SqlStore(url.render_as_string(hide_password=False))
        assert store.ready() == "unreachable"
        store.close()


def test_one_token_signs_in_many_connections(
    signing: Signing, identity_double: IdentityDouble
) -> None:
    for _ in range(3):
        assert signing.works()
        signing.end_idle_connections()
    assert len(identity_double.lent) == 1


def test_the_pool_works_on_when_the_token_has_changed(
    signing: Signing, identity_double: IdentityDouble
) -> None:
    with signing.store.read() as tx:
        signing.roles.give(signing.role, "token-2")
        assert tx.configurations.environment_ids() == []
    assert signing.works()


def test_a_token_that_is_refused_is_replaced_within_the_same_connection(
    signing: Signing, identity_double: IdentityDouble
) -> None:
    assert signing.works()
    signing.roles.give(signing.role, "token-2")
    signing.end_idle_connections()
    assert signing.works()
    assert [lent.value for lent in identity_double.lent] == ["token-1", "token-2"]


def test_an_expired_token_is_never_sent(
    signing: Signing, identity_double: IdentityDouble, clock: FixedClock
) -> None:
    """It would still be taken: its successor is not known to the server here, so nothing works."""
    assert signing.works()
    signing.end_idle_connections()
    clock.advance(3600)
    assert not signing.works()
    assert len(identity_double.lent) >= 2
    signing.roles.give(signing.role, identity_double.lent[-1].value)
    assert signing.works()


def test_a_token_that_ends_soon_is_renewed_before_it_does(
    signing: Signing, identity_double: IdentityDouble, clock: FixedClock
) -> None:
    assert signing.works()
    signing.end_idle_connections()
    clock.advance(3600 - 59)
    signing.roles.give(signing.role, "token-2")
    assert signing.works()
    assert len(identity_double.lent) == 2


def test_a_server_that_takes_no_token_is_unavailable(signing: Signing) -> None:
    signing.roles.give(signing.role, "something else")
    assert signing.store.ready() == "unreachable"
    with pytest.raises(StorageUnavailable, match="unreachable"), signing.store.read():
        pytest.fail("nobody was let in")


def test_an_identity_endpoint_that_is_away_makes_the_database_unavailable(
    signing: Signing, identity_double: IdentityDouble
) -> None:
    identity_double.faults = [DROPPED] * 9
    assert signing.store.ready() == "unreachable"
    with pytest.raises(StorageUnavailable, match="identity_away"), signing.store.write():
        pytest.fail("nobody was let in")


def test_a_server_that_is_away_costs_no_tokens(
    password: TokenPassword, identity_double: IdentityDouble
) -> None:
    store = SqlStore("postgresql+psycopg://app@127.0.0.1:1/nothing", password=password)
    for _ in range(3):
        assert store.ready() == "unreachable"
    assert len(identity_double.lent) == 1
    store.close()


# --- the role of the running processes ------------------------------------------------------------

LINE = AuditEntry(
    at=NOON, event=Event.KEYS_ROTATED, outcome=Outcome.SUCCESS, reference="", actor="operator"
)


def privileges(roles: Roles, url: str) -> list[Any]:
    """Everything anybody was granted in the database, as the catalogue has it."""
    tables = roles.rows(
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "ORDER BY relname",
        url,
    )
    defaults = roles.rows(
        "SELECT defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1", url
    )
    schema = roles.rows("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'", url)
    database = roles.rows(
        "SELECT datacl::text FROM pg_database WHERE datname = current_database()", url
    )
    return [*tables, *defaults, *schema, *database]


def test_a_visit_is_held_as_the_role(signing: Signing) -> None:
    seed_visits(signing.store, 2)
    signing.store.audit_all([LINE, LINE])
    with signing.store.write() as tx:
        tx.heartbeat("worker", NOON)
    with signing.store.read() as tx:
        assert tx.last_heartbeat("worker") == NOON


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'nobody'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "SELECT 1 FROM audit_event FOR UPDATE",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TABLE audit_event",
        "ALTER TABLE visit ADD COLUMN name text",
        "DROP TABLE visit CASCADE",
        "TRUNCATE visit CASCADE",
        "CREATE TABLE mine (x int)",
        "CREATE INDEX ON visit (id)",
        "UPDATE alembic_version SET version_num = '0001_initial'",
        "DELETE FROM alembic_version",
        "ALTER TABLE visit OWNER TO CURRENT_USER",
        "CREATE TRIGGER t AFTER INSERT ON visit EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE ROLE another",
    ],
)
def test_the_role_alters_nothing_and_rewrites_no_history(statement: str, signing: Signing) -> None:
    signing.store.audit_all([LINE])
    with (
        pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
        signing.store._engines.writing.begin() as connection,
    ):
        connection.exec_driver_sql(statement)


def test_what_the_role_may_not_do_is_unavailable_and_not_our_mistake(
    signing: Signing, migrated: str
) -> None:
    """A new version's table before `connector db upgrade` has run with the role."""
    signing.roles.rows(f'REVOKE ALL ON visit FROM "{signing.role}"', migrated)
    with pytest.raises(StorageUnavailable, match="not_granted"):
        seed_visits(signing.store)


def test_granting_again_changes_nothing(signing: Signing, migrated: str) -> None:
    before = privileges(signing.roles, migrated)
    assert any(signing.role in str(row) for row in before)
    ensure_app_role(migrated, signing.role)
    assert privileges(signing.roles, migrated) == before


def test_what_was_granted_too_much_is_taken_back(signing: Signing, migrated: str) -> None:
    before = privileges(signing.roles, migrated)
    for excess in (
        "ALL ON audit_event",
        "ALL ON ALL TABLES IN SCHEMA public",
        "CREATE ON SCHEMA public",
    ):
        signing.roles.rows(f'GRANT {excess} TO "{signing.role}"', migrated)
    assert privileges(signing.roles, migrated) != before
    ensure_app_role(migrated, signing.role)
    assert privileges(signing.roles, migrated) == before


def test_a_table_of_a_later_migration_is_usable_at_once(signing: Signing, migrated: str) -> None:
    signing.roles.rows(
        "CREATE TABLE later (id int GENERATED BY DEFAULT AS IDENTITY, x int)", migrated
    )
    with signing.store._engines.writing.begin() as connection:
        for statement in (
            "INSERT INTO later (x) VALUES (1)",
            "UPDATE later SET x = 2",
            "DELETE FROM later",
        ):
            connection.exec_driver_sql(statement)


def test_the_catalogue_says_what_the_code_needs(signing: Signing, migrated: str) -> None:
    rows = signing.roles.rows(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = :role",
        migrated,
        role=signing.role,
    )
    expected = {(table, p) for table, may in least().items() for p in may.split(", ")}
    assert set(rows) == expected


def test_a_role_that_signs_in_by_url_must_exist(migrated: str, roles: Roles) -> None:
    with pytest.raises(RoleUnusable, match="create it"):
        ensure_app_role(migrated, "nobody-made-it")


def test_whoever_migrates_is_no_role_for_the_processes(migrated: str) -> None:
    with pytest.raises(RoleUnusable, match="migrates"):
        ensure_app_role(migrated, str(make_url(migrated).username))


# --- made by Entra --------------------------------------------------------------------------------

_STAND_IN = """
CREATE FUNCTION pgaadauth_create_principal(name text, is_admin boolean, is_mfa boolean)
RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  IF is_admin OR is_mfa THEN RAISE EXCEPTION 'least privilege'; END IF;
  EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', name, 'of-the-app');
  RETURN 'Created role for ' || name; END $$
"""


@pytest.fixture
def entra_server(roles: Roles) -> Iterator[Roles]:
    """`pgaadauth_create_principal` lives in the database postgres, and nowhere else."""
    roles.server.run(_STAND_IN)
    yield roles
    roles.server.run("DROP FUNCTION pgaadauth_create_principal")


@pytest.fixture
def migrator(empty: str, roles: Roles) -> Iterator[str]:
    """URL of the owner of the database, whose password is the first token."""
    role = roles.make("token-1", "LOGIN CREATEROLE")
    roles.server.run(f'ALTER DATABASE {make_url(empty).database} OWNER TO "{role}"')
    yield roles.url(role, empty)
    roles.rows(f'REASSIGN OWNED BY "{role}" TO postgres', empty)
    roles.rows(f'DROP OWNED BY "{role}"', empty)


@pytest.fixture
def app(entra_server: Roles, empty: str) -> Iterator[str]:
    name = entra_server.name()
    yield name
    if entra_server.rows("SELECT 1 FROM pg_roles WHERE rolname = :name", name=name):
        entra_server.rows(f'DROP OWNED BY "{name}"', empty)


def test_entra_makes_the_role_once_and_it_can_do_its_work(
    app: str, migrator: str, entra_server: Roles, password: TokenPassword
) -> None:
    for _ in range(2):
        upgrade(migrator, password)
        ensure_app_role(migrator, app, password)
    url = make_url(migrator).set(username=app, password="of-the-app")
    store = SqlStore(url.render_as_string(hide_password=False))
    assert store.ready() is None
    seed_environment(store)
    store.audit_all([LINE])
    store.close()


def test_a_server_without_entra_says_what_to_do(
    migrator: str, roles: Roles, password: TokenPassword
) -> None:
    upgrade(migrator, password)
    with pytest.raises(RoleUnusable, match="no Entra authentication"):
        ensure_app_role(migrator, "id-app-never", password)


def test_whoever_may_not_make_roles_is_told_so(
    app: str, migrator: str, entra_server: Roles, password: TokenPassword
) -> None:
    upgrade(migrator, password)
    entra_server.server.run(f'ALTER ROLE "{make_url(migrator).username}" NOCREATEROLE')
    with pytest.raises(StorageUnavailable, match="not_granted"):
        ensure_app_role(migrator, app, password)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def shell(
    app: str,
    migrator: str,
    tmp_path: Path,
    identity_double: IdentityDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    return Shell.opened(
        tmp_path,
        monkeypatch,
        DATABASE_URL=migrator,
        DATABASE_LOGIN="entra",
        DATABASE_APP_ROLE=app,
        MANAGED_IDENTITY_CLIENT_ID=CLIENT_ID,
    )


def test_an_upgrade_makes_tables_and_role_and_again_changes_nothing(
    shell: Shell, app: str, empty: str, migrator: str, roles: Roles
) -> None:
    first = shell.answer("db", "upgrade")
    assert first["notes"]
    before = privileges(roles, empty)
    assert app in str(before)
    roles.give(str(make_url(migrator).username), "token-2")  # another process, another token
    assert shell.answer("db", "upgrade") == first
    assert privileges(roles, empty) == before


def test_a_server_without_pgaudit_is_told_of_in_one_line_and_upgraded(
    shell: Shell, app: str, empty: str, roles: Roles
) -> None:
    done = shell.run("db", "upgrade")
    assert done.exit_code == 0
    upgraded, note = done.stdout.splitlines()
    assert upgraded == "the database is up to date"
    assert note.startswith("pgaudit is not on: the server does not offer it")
    assert app in str(privileges(roles, empty))


def test_an_upgrade_without_a_token_names_the_identity(
    shell: Shell, identity_double: IdentityDouble
) -> None:
    identity_double.client_id = "another"
    failed = shell.run("db", "upgrade")
    assert failed.exit_code == 1
    assert "CONNECTOR_MANAGED_IDENTITY_CLIENT_ID" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_an_upgrade_for_a_role_nobody_made_says_so_in_one_line(
    shell: Shell, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", empty)
    monkeypatch.setenv("CONNECTOR_DATABASE_LOGIN", "url")
    monkeypatch.setenv("CONNECTOR_DATABASE_APP_ROLE", "nobody-made-it")
    failed = shell.run("db", "upgrade")
    assert failed.exit_code == 1
    assert "there is no PostgreSQL role nobody-made-it" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
