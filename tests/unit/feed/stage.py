"""What the feed's tests stand on: a store that can be hooked, a running stream, an ASGI browser."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.builders.store import NOON

from connector.adapters.feed.stream import EventStream
from connector.adapters.sql.store import SqlStore
from connector.ports.storage import StorageUnavailable, VisitEvent

Hook = Callable[[], None]
PATIENCE_SECONDS = 5


@dataclass
class HookedStore:
    """A real store; reads of events are counted once done, fail `hiccups` times, and call hooks around them."""

    inner: SqlStore
    hiccups: dict[str, int] = field(default_factory=dict)
    before: dict[str, Hook] = field(default_factory=dict)
    after: dict[str, Hook] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self.inner.read() as tx:
            names = ("last_event_number", "events_after", "events_of")
            reading = {name: self._hooked(name, getattr(tx.visits, name)) for name in names}
            yield SimpleNamespace(visits=SimpleNamespace(**reading))

    def ready(self) -> str | None:
        return self.inner.ready()

    def _hooked(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if self.hiccups.get(name, 0) > 0:
                self.hiccups[name] -= 1
                raise StorageUnavailable("locked")
            self.before.pop(name, _nothing)()
            found = method(*arguments)
            self.reads[name] += 1
            self.after.pop(name, _nothing)()
            return found

        return call

    def add(self, *labels: str, visit_id: str = "visit-1") -> None:
        for label in labels:
            with self.inner.write() as tx:
                tx.visits.add_event(visit_id, "presence", "patient", label, NOON)


def _nothing() -> None:
    """No hook."""


@asynccontextmanager
async def running(stream: EventStream) -> AsyncIterator[asyncio.Task[None]]:
    """The stream's reader, which knows its position."""
    task = asyncio.create_task(stream.run())
    await eventually(lambda: stream.problem() is None)
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


async def take(source: AsyncIterator[VisitEvent], count: int) -> list[str]:
    """Labels of the next events, which must come soon."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [(await anext(source)).label for _ in range(count)]


async def rest(source: AsyncIterator[VisitEvent]) -> list[VisitEvent]:
    """Everything until the stream ends, which must be soon."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [event async for event in source]


class Browser:
    """One GET to an ASGI application, its answer read piece by piece; leaving hangs up."""

    def __init__(self, app: Any, path: str, headers: dict[str, str]) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._app = app
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
            "server": ("connector.example", 443),
            "client": ("127.0.0.1", 1),
        }
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False

    async def __aenter__(self) -> "Browser":
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._sent.put))
        start = await self._next()
        self.status = start["status"]
        self.headers = {k.decode(): v.decode() for k, v in start["headers"]}
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._task

    async def piece(self) -> str | None:
        """The next piece of the body; None at its end."""
        message = await self._next()
        return message["body"].decode() if message.get("more_body") or message["body"] else None

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._sent.get()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}
