"""The anchor of the audit trail: a file that is only appended to, kept where the database is not.

On a laptop any file; in production a share whose written bytes cannot be changed (time-based
retention with protected append writes), so that not even the owner of the database can rewrite it.
https://learn.microsoft.com/azure/storage/blobs/immutable-time-based-retention-policy-overview
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from connector.domain.audit_chain import AnchoredLine
from connector.ports.audit_log import AnchorUnavailable

_NEW_LINE = b"\n"


class AnchorFile:
    """Implements `ports.audit_log.Anchor`: a JSON object a line, `{"at", "id", "hash"}`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> Iterator[AnchoredLine | None]:
        with _own_errors(), suppress(FileNotFoundError), self._path.open("rb") as file:
            yield from map(_read, file)

    def add(self, line: AnchoredLine) -> None:
        words = {"at": line.at.isoformat(), "id": line.id, "hash": line.hash}
        with _own_errors():
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # One write call: on a local disk two workers' lines cannot mix (NFS appends are not
                # atomic: docs/operating.md). A line that a power cut tore ends here.
                torn = _NEW_LINE if _is_torn(descriptor) else b""
                whole = torn + json.dumps(words).encode() + _NEW_LINE
                if os.write(descriptor, whole) < len(whole):
                    raise AnchorUnavailable  # the disk is full
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise AnchorUnavailable from err


def _is_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != _NEW_LINE


def _read(line: bytes) -> AnchoredLine | None:
    try:
        words = json.loads(line)
        read = AnchoredLine(datetime.fromisoformat(words["at"]), words["id"], words["hash"])
    except (ValueError, TypeError, LookupError):
        return None
    return read if type(read.id) is int and isinstance(read.hash, str) else None
