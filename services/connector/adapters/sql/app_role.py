"""The role of the running processes: it may do what the store does, and nothing else.

It owns nothing, alters nothing, and what is in the audit trail it can only add to. Whoever migrates
owns the tables and grants; on Azure that is the identity of the migration job, an Entra administrator
of the server.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, exc, make_url, text

from connector.adapters.sql.engines import Engines, engines
from connector.adapters.sql.failures import port_errors
from connector.adapters.sql.migrate import ONE_AT_A_TIME
from connector.adapters.sql.tables import audit_event
from connector.adapters.sql.token_login import Password

T = TypeVar("T")

# A test compares with the statements of this package. Locking a row counts as changing it; what a
# foreign key deletes along, PostgreSQL deletes as the owner of the table.
_CHANGED = frozenset(
    {
        "attendance_check",
        "configuration_revision",
        "ehr_environment",
        "graph_notification",
        "heartbeat",
        "idempotency_key",
        "integration_record",
        "meeting_watch",
        "outbox_message",
        "participant",
        "share_grant",
        "tenant",
        "visit",
        "visit_person",
    }
)
_DELETED_FROM = frozenset(
    {
        "attendance_check",
        "ehr_user_link",
        "graph_notification",
        "heartbeat",
        "idempotency_key",
        "issuer_claim",
        "meeting_watch",
        "redeemed_launch",
        "visit",
        "visit_secret",
    }
)
_ALL = "SELECT, INSERT, UPDATE, DELETE"
_NO_SUCH_FUNCTION = "42883"
_EXISTS = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
# A managed identity is known by its name; it is no administrator, and no second factor is asked of it.
# https://learn.microsoft.com/azure/postgresql/flexible-server/security-manage-entra-users
_CREATE = text("SELECT * FROM pgaadauth_create_principal(:role, false, false)")


class RoleUnusable(Exception):
    """The role does not exist and cannot be made here, or is our own; the message says what to do."""


def ensure_app_role(database_url: str, role: str, password: Password | None = None) -> None:
    """Make the role if Entra signs it in, and grant it exactly what the processes need.

    Args:
        database_url: of PostgreSQL.
        role: name of a PostgreSQL role; with `password`, of a managed identity.
        password: what to sign in with where that is a token.

    Raises:
        RoleUnusable: it must be made by somebody else, or is the one that migrates;
        StorageUnavailable: the database cannot be used now, or we may not grant.
    """
    with port_errors():
        if not in_database(database_url, password, lambda c: _exists(c, role)):
            if password is None:
                raise RoleUnusable(
                    f"there is no PostgreSQL role {role}: create it (CREATE ROLE … LOGIN), "
                    "or set CONNECTOR_DATABASE_LOGIN to entra to have it created"
                )
            # The function lives in this database only, and makes roles of the whole server.
            shared = make_url(database_url).set(database="postgres")
            url = shared.render_as_string(hide_password=False)
            in_database(url, password, lambda c: _create(c, role))
        in_database(database_url, password, lambda c: _grant(c, role))


def least() -> Mapping[str, str]:
    """Privileges by table: every one is read and added to, the audit trail is nothing else."""
    found = {"alembic_version": "SELECT"}
    for table in audit_event.metadata.sorted_tables:
        may = ["SELECT", "INSERT"]
        may += ["UPDATE"] if table.name in _CHANGED else []
        may += ["DELETE"] if table.name in _DELETED_FROM else []
        found[table.name] = ", ".join(may)
    return found


def in_database(url: str, password: Password | None, work: Callable[[Connection], T]) -> T:
    """One transaction of whoever migrates; nobody else migrates meanwhile."""
    opened: Engines = engines(url, pool_size=1, password=password)
    try:
        with opened.writing.begin() as connection:
            connection.execute(ONE_AT_A_TIME)
            return work(connection)
    finally:
        opened.close()


def _exists(connection: Connection, role: str) -> bool:
    return connection.execute(_EXISTS, {"role": role}).first() is not None


def _create(connection: Connection, role: str) -> None:
    if _exists(connection, role):  # another run was faster
        return
    try:
        connection.execute(_CREATE, {"role": role})
    except exc.ProgrammingError as err:
        if getattr(err.orig, "sqlstate", None) != _NO_SUCH_FUNCTION:
            raise
        raise RoleUnusable(
            "this PostgreSQL server has no Entra authentication (pgaadauth_create_principal): "
            "switch it on, or set CONNECTOR_DATABASE_LOGIN to url and create the role"
        ) from err


def _grant(connection: Connection, role: str) -> None:
    """Revoked and granted in one transaction, so that nobody ever sees the role with less.

    What later migrations add is usable at once, by the old processes too, and narrowed by the same
    upgrade that added it.
    """
    if connection.execute(text("SELECT current_user")).scalar_one() == role:
        raise RoleUnusable(
            f"{role} migrates: what it owns it can always alter; name another role in "
            "CONNECTOR_DATABASE_APP_ROLE, or none"
        )
    quote = connection.dialect.identifier_preparer.quote
    grantee = quote(role)
    database, schema = connection.execute(text("SELECT current_database(), current_schema()")).one()
    statements = [
        f"GRANT CONNECT ON DATABASE {quote(database)} TO {grantee}",
        f"REVOKE CREATE ON SCHEMA {quote(schema)} FROM {grantee}",
        f"GRANT USAGE ON SCHEMA {quote(schema)} TO {grantee}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {quote(schema)} FROM {grantee}",
        *(f"GRANT {may} ON {quote(name)} TO {grantee}" for name, may in least().items()),
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {quote(schema)} FROM {grantee}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {quote(schema)} TO {grantee}",
        *(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quote(schema)} GRANT {may} TO {grantee}"
            for may in (f"{_ALL} ON TABLES", "USAGE ON SEQUENCES")
        ),
    ]
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))
