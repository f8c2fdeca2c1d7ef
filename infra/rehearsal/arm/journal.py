"""Every request the simulated ARM met and what it answered."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `error` is ARM's code, empty when there is none; `body` is what was sent."""

    sequence: int
    method: str
    path: str
    api_version: str
    status: int
    error: str
    body: Any


class Journal:
    """Entries in the order they were answered. Safe under threads."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def record(self, make: Callable[[int], Entry]) -> None:
        """Keeps what `make` returns for the next sequence number."""
        with self._lock:
            self._entries.append(make(len(self._entries) + 1))

    def entries(self, method: str = "*", path: str = "*", *, since: int = 0) -> list[Entry]:
        """Entries after a sequence number whose method and path (a glob, case folded) match."""
        with self._lock:
            return [
                one
                for one in self._entries[since:]
                if method in ("*", one.method) and fnmatchcase(one.path.lower(), path.lower())
            ]

    def errors(self, *, since: int = 0) -> list[str]:
        """ARM's codes of every refusal, in order; a GET that found nothing is no refusal."""
        return [one.error for one in self.entries(since=since) if one.error and one.method != "GET"]

    def writes(self, *, since: int = 0) -> list[Entry]:
        """PUT and DELETE only: what a run changed, or tried to."""
        return [one for one in self.entries(since=since) if one.method in ("PUT", "DELETE")]

    @property
    def position(self) -> int:
        """The last sequence number: pass it as `since` later."""
        with self._lock:
            return len(self._entries)
