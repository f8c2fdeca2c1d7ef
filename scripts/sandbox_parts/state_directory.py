"""Where one sandbox keeps its state: database, keys, configuration files, logs. Owner-only, used by one sandbox at a time."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "sandbox.lock"
OWNER_ONLY_FOLDER: Final = 0o700
OWNER_ONLY_FILE: Final = 0o600


class DirectoryRefused(Exception):
    """The state directory is in use, or is not one that a sandbox made."""


def write_private(path: Path, content: str | bytes) -> Path:
    """Write whole or not at all, readable by the owner only."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    data = content.encode() if isinstance(content, str) else content
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return partial.replace(path)


class StateDirectory:
    """Paths below one folder, and the lock that keeps a second sandbox out."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.keys = self.path / "keys"
        self.database_file = self.path / "connector.db"
        self.audit_anchor = self.path / "audit-anchor.jsonl"
        self.pipeline_credential = self.path / "pipeline.pem"
        self._lock: int | None = None

    def config_file(self, name: str) -> Path:
        return self.path / f"{name}.json"

    def log_file(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def take(self) -> None:
        """Make the folder and hold it.

        Raises:
            DirectoryRefused: another sandbox holds it.
        """
        self.path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        lock = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, OWNER_ONLY_FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise DirectoryRefused(
                f"{self.path} is in use by another sandbox: stop that one first (Ctrl-C there)."
            ) from error
        self._lock = lock
        self.logs.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def reset(self) -> None:
        """Forget what an earlier run left.

        Raises:
            DirectoryRefused: the folder has content but was not made by a sandbox.
        """
        if not self.path.exists():
            return
        if any(self.path.iterdir()) and not (self.path / LOCK_NAME).exists():
            raise DirectoryRefused(f"{self.path} was not made by the sandbox: nothing was deleted.")
        self.take()
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != LOCK_NAME:
                entry.unlink()
        self.release()
