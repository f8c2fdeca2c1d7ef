"""Access tokens the process was lent, in memory only (microsoft.md 5: msal has no single flight)."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.adapters.system.turns import UNMEASURED, Waiting, turn
from connector.ports.errors import OutsideError
from connector.ports.system import Clock
from connector.ports.tokens import LentToken

LONGEST_SECONDS = 3600.0
EARLIEST_REFRESH_SECONDS = 60.0
FAILURE_MEMORY = timedelta(seconds=2)


@dataclass(slots=True)
class _Slot:
    """One key's token; `lock` makes its fetch single-flight."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    fresh_until: datetime | None = None
    failure: OutsideError | None = None
    failed_until: datetime | None = None


class HeldTokens:
    """Implements `ports.tokens.LentTokens`.

    A failed fetch is remembered for two seconds, so that those who queued behind it do not each
    wait out the same dead server in turn.

    Args:
        clock: decides what is fresh.
        waiting: opened around a wait for another thread's fetch.
    """

    def __init__(self, clock: Clock, waiting: Waiting = UNMEASURED) -> None:
        self._clock = clock
        self._waiting = waiting
        self._slots: dict[Hashable, _Slot] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, fetch: Callable[[], LentToken]) -> str:
        slot = self._slot(key)
        held = self._fresh(slot)
        if held is not None:
            return held
        with turn(slot.lock, self._waiting):
            held = self._fresh(slot)
            return held if held is not None else self._fetch(slot, fetch)

    def forget(self, key: Hashable) -> None:
        slot = self._slot(key)
        with slot.lock:
            slot.token = slot.fresh_until = None

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            return self._slots.setdefault(key, _Slot())

    def _fresh(self, slot: _Slot) -> str | None:
        token, fresh_until = slot.token, slot.fresh_until
        if token is None or fresh_until is None or self._clock.now() >= fresh_until:
            return None
        return token

    def _fetch(self, slot: _Slot, fetch: Callable[[], LentToken]) -> str:
        if slot.failure and slot.failed_until and self._clock.now() < slot.failed_until:
            raise slot.failure
        try:
            lent = fetch()
        except OutsideError as failed:
            slot.failure, slot.failed_until = failed, self._clock.now() + FAILURE_MEMORY
            raise
        slot.token, slot.failure = lent.value, None
        slot.fresh_until = self._clock.now() + _usable(lent.lifetime_seconds)
        return lent.value


def _usable(lifetime_seconds: float) -> timedelta:
    """Refresh a fifth of the life early, at most a minute: a token must outlive its request."""
    life = min(max(lifetime_seconds, 0.0), LONGEST_SECONDS)
    return timedelta(seconds=life - min(life / 5, EARLIEST_REFRESH_SECONDS))
