"""Writes down what one generating process saw, and tells Locust of each request as it happens."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from loadtest.records import Deed, Iteration, Request, RowWriter


class Clock(Protocol):
    """Seconds since the start of the run."""

    def now(self) -> float: ...

    def of_epoch(self, epoch_seconds: float) -> float:
        """An instant another part wrote down; as exact as the wall clocks agree."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def sleep_until(self, seconds: float) -> None: ...


class RunClock:
    """The machine's steady clock, with its zero where the wall clock shows `starts_at` (epoch seconds)."""

    def __init__(self, starts_at: float) -> None:
        self._starts_at = starts_at
        self._zero = time.monotonic() - (time.time() - starts_at)

    @classmethod
    def from_now(cls) -> Self:
        """The run begins this instant."""
        return cls(time.time())

    def now(self) -> float:
        return time.monotonic() - self._zero

    def of_epoch(self, epoch_seconds: float) -> float:
        return epoch_seconds - self._starts_at

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def sleep_until(self, seconds: float) -> None:
        self.sleep(seconds - self.now())


class Recorder(Protocol):
    def request(self, request: Request) -> None: ...

    def iteration(self, iteration: Iteration) -> None: ...

    def deed(self, deed: Deed) -> None: ...


class FileRecorder:
    """`requests-<process>.csv` and its like in the run's folder; people who still act after `close` leave no trace."""

    def __init__(
        self,
        folder: Path,
        process: int,
        *,
        on_request: Callable[[Request], None],
        on_iteration: Callable[[Iteration], None],
    ) -> None:
        self._on_request, self._on_iteration = on_request, on_iteration
        self._requests = RowWriter(folder / f"requests-{process}.csv", Request)
        self._iterations = RowWriter(folder / f"iterations-{process}.csv", Iteration)
        self._deeds = RowWriter(folder / f"deeds-{process}.csv", Deed)

    def request(self, request: Request) -> None:
        with suppress(ValueError):
            self._requests.write(request)
        self._on_request(request)

    def iteration(self, iteration: Iteration) -> None:
        with suppress(ValueError):
            self._iterations.write(iteration)
        self._on_iteration(iteration)

    def deed(self, deed: Deed) -> None:
        with suppress(ValueError):
            self._deeds.write(deed)

    def close(self) -> None:
        for writer in (self._requests, self._iterations, self._deeds):
            writer.close()
