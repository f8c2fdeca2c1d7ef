"""How long a request waited for the outside, so that its own time can be told apart."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from connector.ports.http import Answer, Http

_waited_seconds: ContextVar[float] = ContextVar("waited_seconds", default=0.0)


def start() -> None:
    _waited_seconds.set(0.0)


def waited_seconds() -> float:
    """Seconds this request has spent in `waiting` since `start`."""
    return _waited_seconds.get()


@contextmanager
def waiting() -> Iterator[None]:
    """Count the block as waited for the outside; blocks are not nested."""
    began = time.perf_counter()
    try:
        yield
    finally:
        _waited_since(began)


def _waited_since(began: float) -> None:
    _waited_seconds.set(_waited_seconds.get() + time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class TimedHttp:
    """The `Http` port, with a stopwatch around it."""

    http: Http

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_seconds: float = 8.0,
        max_bytes: int = 1_000_000,
    ) -> Answer:
        began = time.perf_counter()
        try:
            return self.http.send(
                method,
                url,
                headers=headers,
                body=body,
                deadline_seconds=deadline_seconds,
                max_bytes=max_bytes,
            )
        finally:
            _waited_since(began)
