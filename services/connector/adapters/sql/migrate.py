"""Bring a database to the newest revision, and say which one it has."""

from functools import cache
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from connector.adapters.sql.engines import engines, make_private_file, sqlite_file
from connector.adapters.sql.failures import port_errors
from connector.adapters.sql.single_host import held
from connector.adapters.sql.token_login import Password
from connector.ports.storage import StorageUnavailable

# Replicas that start together wait for the first one's migration instead of racing it.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(502197)")


def upgrade(database_url: str, password: Password | None = None) -> None:
    """Create or upgrade the tables in one transaction; on an up-to-date database nothing happens.

    Args:
        database_url: see `SqlStore`.
        password: what to sign in with where that is a token.

    Raises:
        StorageUnavailable: the database cannot be used now; nothing has changed.
    """
    try:
        with port_errors():
            _upgrade_at(database_url, password)
    except OSError as err:  # where SQLite's file should be
        raise StorageUnavailable("unreachable") from err


def _upgrade_at(database_url: str, password: Password | None) -> None:
    url = make_url(database_url)
    opened = engines(database_url, pool_size=1, password=password)
    try:
        if url.get_backend_name() == "sqlite":
            make_private_file(url)
            # Turning WAL on fails at once when somebody else is at it, whatever busy_timeout says.
            with held(sqlite_file(url), "migration"), opened.writing.begin() as connection:
                _upgrade(connection)
        else:
            with opened.writing.begin() as connection:
                connection.execute(ONE_AT_A_TIME)
                _upgrade(connection)
    finally:
        opened.close()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_behind(connection: Connection) -> bool:
    """True when a migration of this release is missing.

    A revision this release does not know is a newer one: during a rolling upgrade the database is
    migrated first and the old replicas go on (expand, then contract).
    """
    current = MigrationContext.configure(connection).get_current_revision()
    return current is None or (current != head() and current in _known())


def head() -> str:
    """The newest revision of this release."""
    newest = _scripts().get_current_head()
    if newest is None:
        raise RuntimeError("the package holds no migrations")
    return newest


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("connector.migrations")))
    return config
