"""After the last person left: wait until everything that happened has been told to the EHR."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

EVERY_SECONDS: Final = 0.5
# Three worker rounds and the gauge's own second: an empty outbox may be one whose next message is being made.
QUIET_SECONDS: Final = 3.0
NEVER: Final = -1.0


@dataclass(frozen=True, slots=True)
class Owed:
    """What is still on its way, and how many reports the EHR has taken.

    `awaited`: attendance reports, which tell of whom no notification told; their write-backs follow.
    """

    deliveries: int
    posts: float
    outbox: float
    taken: int
    awaited: float = -1.0

    @property
    def nothing(self) -> bool:
        """As far as anybody can tell: -1 is not known."""
        waiting = max(self.posts, self.outbox, self.awaited)
        return self.deliveries == 0 and waiting <= 0


def wait_until_told(
    look: Callable[[], Owed],
    patience_seconds: float,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Seconds from now to when nothing was owed any more; it must stay so while no report comes. `NEVER` if it did not."""
    began = now()
    empty_since, taken = None, -1
    while now() - began < patience_seconds:
        owed = look()
        if not owed.nothing or owed.taken != taken:
            empty_since = None
        if owed.nothing and empty_since is None:
            empty_since = now()
        taken = owed.taken
        if empty_since is not None and now() - empty_since >= QUIET_SECONDS:
            return empty_since - began
        sleep(EVERY_SECONDS)
    return NEVER
