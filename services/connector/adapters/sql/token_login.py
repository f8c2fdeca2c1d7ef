"""Signing in to PostgreSQL with a token that is asked for at each new connection, and never kept.

https://learn.microsoft.com/azure/postgresql/flexible-server/security-entra-concepts
"""

from typing import Any, Protocol

from sqlalchemy import Engine, event

from connector.ports.errors import OutsideError
from connector.ports.storage import StorageUnavailable


class Password(Protocol):
    """What to sign in with now."""

    def __call__(self) -> str:
        """Raises: OutsideError: whoever lends it is away, or refuses."""
        ...

    def forget(self) -> None:
        """The server did not take it."""
        ...


def sign_in_with(password: Password, engine: Engine) -> None:
    """From now on `engine` connects with it; what is in the pool already stays signed in."""

    def connect(dialect: Any, _record: object, arguments: Any, options: Any) -> Any:
        tried = _asked(password)
        try:
            return dialect.connect(*arguments, **{**options, "password": tried})
        except dialect.loaded_dbapi.OperationalError as refused:
            # The server answers FATAL and a text; libpq tells no code of a connection not made.
            if "FATAL:" not in str(refused):
                raise
            password.forget()
            fresh = _asked(password)
            if fresh == tried:
                raise
            return dialect.connect(*arguments, **{**options, "password": fresh})

    event.listen(engine, "do_connect", connect)


def _asked(password: Password) -> str:
    try:
        return password()
    except OutsideError as err:
        raise StorageUnavailable(err.code) from err
