"""A directory of key files: they appear whole, are never overwritten, and are their owner's only."""

import contextlib
import os
import tempfile
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

LOOK_AGAIN = timedelta(seconds=5)


class Directory:
    """Implements `ports.key_places.KeyPlace`; the directory is made with the first file, mode 0700."""

    look_again = LOOK_AGAIN

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def names(self) -> Collection[str]:
        return {path.name for path in self._path.glob("*")}

    def used_names(self) -> Collection[str]:
        return self.names()

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def add(self, name: str, content: bytes) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.chmod(0o700)
        target = self._path / name
        if target.exists():
            return
        descriptor, draft = tempfile.mkstemp(dir=self._path, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link fails where a rename would overwrite what another process has just added.
            with contextlib.suppress(FileExistsError):
                os.link(draft, target)
        finally:
            Path(draft).unlink()
