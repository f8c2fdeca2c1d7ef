"""Open live pages: connections to the feed that note when each event of their visit arrives."""

import re
import selectors
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from loadtest.bench.parts.prepared import Pass
from loadtest.bench.wrk import NotMeasured

CONNECT_SECONDS: Final = 10.0
_MOST_BYTES: Final = 65_536
_LOOK_SECONDS: Final = 0.05
_ADMITTED: Final = b"HTTP/1.1 200 "
_EVENT: Final = re.compile(rb"^id: (\d+)\r?$", re.MULTILINE)


@dataclass(slots=True)
class Reading:
    """What one connection was sent so far: at most a torn line is kept."""

    _rest: bytes = b""

    def numbers(self, received: bytes) -> list[int]:
        """Numbers of the events whose line is whole now."""
        lines, newline, rest = (self._rest + received).rpartition(b"\n")
        self._rest = rest
        return [int(one) for one in _EVENT.findall(lines + newline)]


@dataclass(slots=True)
class Arrivals:
    """When each event reached its viewers, by its number; seconds of `time.perf_counter`."""

    at: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost_connections: int = 0

    def note(self, numbers: Sequence[int]) -> None:
        """They came just now."""
        now = time.perf_counter()
        for number in numbers:
            self.at[number].append(now)

    def wait_for(self, expected: dict[int, int], patience_seconds: float) -> None:
        """Until each event of `expected` has come to so many viewers.

        Raises:
            NotMeasured: it has not, or has come to more, or a connection ended.
        """
        deadline = time.monotonic() + patience_seconds
        while missing := sum(
            max(0, viewers - len(self.at.get(number, ()))) for number, viewers in expected.items()
        ):
            if self.lost_connections:
                raise NotMeasured(f"the feed ended {self.lost_connections} connections")
            if time.monotonic() > deadline:
                raise NotMeasured(
                    f"{missing} of {sum(expected.values())} events were not delivered"
                )
            time.sleep(_LOOK_SECONDS)
        if any(len(self.at[number]) > viewers for number, viewers in expected.items()):
            raise NotMeasured("an event was delivered twice")


@contextmanager
def watching(address: str, passes: Sequence[Pass], after: int) -> Iterator[Arrivals]:
    """One connection for each pass, which is told what happens after event number `after`.

    Raises:
        NotMeasured: one was not admitted.
    """
    arrivals, ended = Arrivals(), threading.Event()
    with selectors.DefaultSelector() as selector:
        connections = []
        try:
            for one in passes:
                connection, reading = _connected(address, one, after)
                connections.append(connection)
                selector.register(connection, selectors.EVENT_READ, reading)
                arrivals.note(reading.numbers(b""))
            reader = threading.Thread(target=_read, args=(selector, arrivals, ended), daemon=True)
            reader.start()
            yield arrivals
            ended.set()
            reader.join()
        finally:
            ended.set()
            for connection in connections:
                connection.close()


def _connected(address: str, visit: Pass, after: int) -> tuple[socket.socket, Reading]:
    """With what came right behind the head of the answer."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), CONNECT_SECONDS)
    head = (
        f"GET /feed/visits/{visit.visit_id} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Accept: text/event-stream\r\nCookie: {visit.cookie}\r\nLast-Event-ID: {after}\r\n\r\n"
    )
    connection.sendall(head.encode("ascii"))
    answer = b""
    while b"\r\n\r\n" not in answer and (more := connection.recv(_MOST_BYTES)):
        answer += more
    if not answer.startswith(_ADMITTED):
        connection.close()
        said = answer.partition(b"\r\n")[0].decode("ascii", "replace")
        raise NotMeasured(f"a viewer was not admitted: {said or 'no answer'}")
    connection.setblocking(False)
    return connection, Reading(answer.partition(b"\r\n\r\n")[2])


def _read(selector: selectors.BaseSelector, arrivals: Arrivals, ended: threading.Event) -> None:
    while not ended.is_set():
        for key, _ in selector.select(_LOOK_SECONDS):
            connection = key.fileobj
            if not isinstance(
                connection, socket.socket
            ):  # pragma: no cover - only sockets are registered
                continue
            received = connection.recv(_MOST_BYTES)
            if not received:
                arrivals.lost_connections += 1
                selector.unregister(connection)
                continue
            arrivals.note(key.data.numbers(received))
