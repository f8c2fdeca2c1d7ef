"""A clock that stands still and ids that count."""

import base64
import hashlib
import itertools
from datetime import UTC, datetime, timedelta


class FixedClock:
    """Stands at `at` until it is advanced or set."""

    def __init__(self, at: datetime = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta | float) -> datetime:
        """By a timedelta or by seconds."""
        self.at += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.at

    def set(self, at: datetime) -> None:
        self.at = at


class SequentialIds:
    """Distinct, the same in every run, and of the shapes the port promises."""

    def __init__(self, jitter: float = 0.5) -> None:
        self._identifiers = itertools.count(1)
        self._secrets = itertools.count(1)
        self._jitter = jitter

    def identifier(self) -> str:
        return f"id{next(self._identifiers):020d}"

    def secret(self) -> str:
        digest = hashlib.sha256(f"secret {next(self._secrets)}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def jitter(self) -> float:
        return self._jitter
