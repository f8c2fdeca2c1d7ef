"""One thread fetches, the others wait for it: that, too, is time spent waiting for the outside."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

# Opened around a wait, so that whoever measures requests can tell it from our own time.
Waiting = Callable[[], AbstractContextManager[None]]

UNMEASURED: Waiting = nullcontext


@contextmanager
def turn(lock: threading.Lock, waiting: Waiting) -> Iterator[None]:
    """Hold `lock` for the block; the time until it is held counts as `waiting`."""
    with waiting():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
