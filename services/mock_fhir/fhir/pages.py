"""Search results waiting to be paged through. A snapshot of ids, so that pages stay stable under inserts."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

SNAPSHOTS_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`ids` are all matches in order; `query` is what `self` shows."""

    resource_type: str
    ids: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    count: int


class SearchPages:
    """The latest snapshots by opaque token. Thread-safe."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, snapshot: Snapshot) -> str:
        token = secrets.token_urlsafe(12)
        with self._lock:
            self._snapshots[token] = snapshot
            while len(self._snapshots) > SNAPSHOTS_KEPT:
                self._snapshots.popitem(last=False)
        return token

    def find(self, token: str) -> Snapshot | None:
        return self._snapshots.get(token)
