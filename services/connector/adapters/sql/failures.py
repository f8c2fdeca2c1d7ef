"""Database errors in the words of the storage port; retryability is the type."""

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


class port_errors:  # noqa: N801  # used like a function of contextlib's, at a tenth of what one costs
    """Translate what SQLAlchemy raises in the block.

    Raises:
        StorageConflict: a constraint refused the change.
        StorageUnavailable: the database cannot be used now; nothing of the transaction is kept.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, err: BaseException | None, _trace: object) -> None:
        if isinstance(err, exc.SQLAlchemyError):
            _translate(err)


def _translate(err: exc.SQLAlchemyError) -> None:
    """Raise it in the port's words; what is our mistake, and not the database's, stays as it is."""
    match err:
        case exc.IntegrityError():
            raise StorageConflict from err
        case exc.ProgrammingError() | exc.DataError() | exc.NotSupportedError():
            code = _CODE_OF_UPGRADE_MISSING.get(getattr(err.orig, "sqlstate", None) or "")
            if code is not None:
                raise StorageUnavailable(code) from err
        case exc.DBAPIError():
            raise StorageUnavailable(_code(err)) from err
        case exc.StatementError(orig=ValueError() as ours):
            raise ours from None


def _code(err: exc.DBAPIError) -> str:
    sqlstate = getattr(err.orig, "sqlstate", None)
    if sqlstate:
        return _CODE_OF_SQLSTATE.get(sqlstate, "unreachable")
    # Extended codes read SQLITE_BUSY_SNAPSHOT; the first two words say what matters.
    name = "_".join(getattr(err.orig, "sqlite_errorname", "").split("_")[:2])
    return _CODE_OF_SQLITE.get(name, "unreachable")
