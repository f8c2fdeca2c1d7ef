"""A host that hardly answers may hold up half of a process, never all of it (case 10).

Each of its callers occupies a thread until the deadline. Who comes when half of the threads have been at
it for long is told so at once, and people of other EHRs find a thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from connector.ports.errors import TryLater

# Far above what any EHR takes that people can work with, well below the deadline of a call.
LONG_SECONDS = 2.0


class SlowHosts:
    """The calls under way, oldest first, by host.

    Args:
        most: so many calls to one host may take long at the same time.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._begun: dict[str, dict[object, float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def call(self, host: str) -> Iterator[None]:
        """Count the block as one call.

        Raises:
            TryLater: `slow_host`; nothing was sent.
        """
        this, now = object(), time.monotonic()
        with self._lock:
            begun = self._begun.setdefault(host, {})
            if len(begun) >= self._most and now - self._newest_of_most(begun) > LONG_SECONDS:
                raise TryLater("slow_host", host=host)
            begun[this] = now
        try:
            yield
        finally:
            with self._lock:
                del begun[this]
                if not begun:
                    self._begun.pop(host, None)

    def _newest_of_most(self, begun: dict[object, float]) -> float:
        """When the youngest of the `most` oldest calls began."""
        return next(islice(begun.values(), self._most - 1, None))
