"""SQLite serves one host: a second process in the same role is refused at its start.

More than one replica needs PostgreSQL (design.md section 2).
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROLE = re.compile(r"[a-z][a-z_]*")


class SecondReplicaRefused(RuntimeError):
    """Another process holds this role on the same SQLite database."""


def hold(database: Path, role: str) -> int:
    """Take the role's lock beside the database; the kernel frees it when the process ends.

    Returns:
        The open file descriptor that holds the lock.

    Raises:
        SecondReplicaRefused: somebody holds it.
        ValueError: the role is not one lower-case word.
    """
    if not _ROLE.fullmatch(role):
        raise ValueError("a role is one lower-case word")
    lock = _open(database, role)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(lock)
        raise SecondReplicaRefused("a second replica needs PostgreSQL") from err
    return lock


@contextmanager
def held(database: Path, purpose: str) -> Iterator[None]:
    """Wait for the lock and hold it for the block."""
    lock = _open(database, purpose)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(database: Path, name: str) -> int:
    return os.open(
        database.with_name(f"{database.name}.{name}.lock"), os.O_CREAT | os.O_RDWR, 0o600
    )
