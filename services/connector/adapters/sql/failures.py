"""Database errors in the words of the storage port; retryability is the type."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from connector.ports.storage import StorageConflict, StorageUnavailable

# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CODE_OF_SQLSTATE = {
    "40001": "overtaken",
    "40P01": "deadlock",
    "55P03": "locked",
    "57014": "too_slow",
    "25006": "read_only",
    "53100": "full",
    "53300": "too_many_connections",
}
# What a release's migration, or its grants, would have put right: not the mistake of a statement.
_CODE_OF_UPGRADE_MISSING = {
    "42P01": "not_migrated",
    "42703": "not_migrated",
    "42501": "not_granted",
}
_CODE_OF_SQLITE = {
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_FULL": "full",
    "SQLITE_READONLY": "read_only",
    "SQLITE_IOERR": "disk",
    "SQLITE_CORRUPT": "disk",
    "SQLITE_NOTADB": "disk",
    "SQLITE_CANTOPEN": "unreachable",
}


@contextmanager
def port_errors() -> Iterator[None]:
    """Translate what SQLAlchemy raises in the block.

    Raises:
        StorageConflict: a constraint refused the change.
        StorageUnavailable: the database cannot be used now; nothing of the transaction is kept.
    """
    try:
        yield
    except exc.IntegrityError as err:
        raise StorageConflict from err
    except (exc.ProgrammingError, exc.DataError, exc.NotSupportedError) as err:
        code = _CODE_OF_UPGRADE_MISSING.get(getattr(err.orig, "sqlstate", None) or "")
        if code is not None:
            raise StorageUnavailable(code) from err
        raise  # our mistake, not the database's
    except exc.DBAPIError as err:
        raise StorageUnavailable(_code(err)) from err
    except exc.TimeoutError as err:
        raise StorageUnavailable("pool_exhausted") from err
    except exc.StatementError as err:
        if isinstance(err.orig, ValueError):
            raise err.orig from None
        raise


def _code(err: exc.DBAPIError) -> str:
    sqlstate = getattr(err.orig, "sqlstate", None)
    if sqlstate:
        return _CODE_OF_SQLSTATE.get(sqlstate, "unreachable")
    # Extended codes read SQLITE_BUSY_SNAPSHOT; the first two words say what matters.
    name = "_".join(getattr(err.orig, "sqlite_errorname", "").split("_")[:2])
    return _CODE_OF_SQLITE.get(name, "unreachable")
