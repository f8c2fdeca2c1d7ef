"""The open model: everybody begins at their time, whatever the system does. Needs gevent, not Locust.

The pool is bounded, for a process that holds ten thousand waiting people measures itself: whoever is due while it is
full is dropped and counted. Whoever begins late is let in and the lateness is in their record (`began - due`).
"""

import gevent  # type: ignore[import-untyped]
from gevent.pool import Pool  # type: ignore[import-untyped]

from loadtest.crew import Coming
from loadtest.recorder import Clock


class OpenModel:
    """One process's share of the schedule."""

    def __init__(self, clock: Clock, pool_size: int) -> None:
        self._clock = clock
        self._people = Pool(pool_size)

    def run(self, coming: list[Coming], until_seconds: float) -> None:
        """Let everybody begin when they are due, wait for those inside, and cut off who is left at the end."""
        try:
            for one in coming:
                self._clock.sleep_until(one.due_seconds)
                if self._people.full():
                    one.drop()
                else:
                    self._people.start(gevent.Greenlet(one.go))
            self._people.join(timeout=max(0.0, until_seconds - self._clock.now()))
        finally:
            self._people.kill()
