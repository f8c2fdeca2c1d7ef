"""pgaudit, which writes who altered tables and roles into the server's own log.

What is logged is set on the server (`pgaudit.log`, infra/); the extension belongs to a database. It
adds the details of DDL to those lines. Nothing of the connector needs it, so a server that has it
not is told of, and used.
https://learn.microsoft.com/azure/postgresql/security/security-audit
"""

from collections.abc import Mapping

from sqlalchemy import exc, text

from connector.adapters.sql.app_role import in_database
from connector.adapters.sql.failures import port_errors
from connector.adapters.sql.token_login import Password

_CREATE = text("CREATE EXTENSION IF NOT EXISTS pgaudit")
_NOT_LISTED = "the server does not offer it: add pgaudit to its parameter azure.extensions, then upgrade again"
# What CREATE EXTENSION says, by SQLSTATE. Azure refuses what is not in azure.extensions with 0A000,
# as PostgreSQL does what is not installed; PostgreSQL before 15 said 58P01.
_WHY_NOT: Mapping[str, str] = {
    "0A000": _NOT_LISTED,
    "58P01": _NOT_LISTED,
    "55000": "the server has not loaded it: add pgaudit to its parameter shared_preload_libraries, "
    "restart it, then upgrade again",
    "42501": "this role may not create it: upgrade as an Entra administrator of the server",
}


def ensure_server_audit(database_url: str, password: Password | None = None) -> str | None:
    """Create the extension in the connector's database, as whoever migrates.

    Args:
        database_url: of PostgreSQL.
        password: what to sign in with where that is a token.

    Returns:
        None when it is there, else in one line why it is not and what to do.

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    with port_errors():
        try:
            in_database(database_url, password, lambda c: c.execute(_CREATE))
        except exc.DBAPIError as err:
            why = _WHY_NOT.get(getattr(err.orig, "sqlstate", None) or "")
            if why is None:
                raise
            return f"pgaudit is not on: {why}"
    return None
