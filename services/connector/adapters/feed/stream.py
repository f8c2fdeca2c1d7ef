"""One poller per process reads new visit events and hands them to the pages that watch.

Polling one indexed query is the cheapest fan-out at our rates (performance.md 5b); a page that
reads too slowly is dropped and comes back with Last-Event-ID, so buffers stay bounded (case 63).

`_position` is the last event that was handed out. It may pass over events only while nobody
watches: who watches has read the history after they began to, so from then on nothing is skipped.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from connector.ports.storage import StorageUnavailable, Store, VisitEvent
from connector.ports.telemetry import Telemetry

POLL_SECONDS = 0.2
PAUSE_SECONDS = 1.0
STALLED_SECONDS = 10.0
BATCH = 500
BUFFERED = 100
_NEVER = float("-inf")

# None ends a stream.
Queue = asyncio.Queue[VisitEvent | None]


@dataclass(slots=True)
class EventStream:
    store: Store
    telemetry: Telemetry
    _position: int = 0
    _positioned: asyncio.Event = field(default_factory=asyncio.Event)
    _read_at: float = _NEVER
    _ended: bool = False
    _watchers: dict[str, set[Queue]] = field(default_factory=lambda: defaultdict(set))

    def problem(self) -> str | None:
        """`reader_stalled` unless events were read in the last ten seconds; also once `run` ended."""
        stalled = time.monotonic() - self._read_at > STALLED_SECONDS
        return "reader_stalled" if stalled else None

    def has_ended(self) -> bool:
        return self._ended

    async def run(self) -> None:
        """Read for ever, whatever the database does; cancelled at shutdown.

        When it ends, for whatever reason, so do all streams: no page is left with heartbeats only.
        """
        try:
            while True:
                await asyncio.sleep(await self._read_on())
        finally:
            self._read_at, self._ended = _NEVER, True
            for visit_id, watching in list(self._watchers.items()):
                for queue in list(watching):
                    self._drop(visit_id, queue)

    async def events(self, visit_id: str, after: int) -> AsyncIterator[VisitEvent]:
        """What happened after event number `after`, then what happens, each once, in order.

        Ends for a reader who is too slow, and when nothing is read any more.
        """
        await self._positioned.wait()
        queue: Queue = asyncio.Queue()
        self._watchers[visit_id].add(queue)
        try:
            for event in await self._history(visit_id, after):
                after = event.number
                yield event
            while (new := await queue.get()) is not None:
                if new.number > after:
                    after = new.number
                    yield new
        finally:
            self._forget(visit_id, queue)

    async def _read_on(self) -> float:
        """Read and hand out what is new; seconds to wait before the next time."""
        try:
            events = await self._new_events() if self._watchers else await self._skip()
        except StorageUnavailable:
            self.telemetry.unexpected(place="feed", reference="")
            return PAUSE_SECONDS
        self._read_at = time.monotonic()
        for event in events:
            self._position = event.number
            self._hand_out(event)
        return 0 if len(events) == BATCH else POLL_SECONDS

    async def _skip(self) -> Sequence[VisitEvent]:
        """Pass over what nobody watches, unless somebody came while the position was read."""
        newest = await asyncio.to_thread(self._newest)
        if not self._watchers:
            self._position = newest
        self._positioned.set()
        return ()

    async def _new_events(self) -> Sequence[VisitEvent]:
        return await asyncio.to_thread(self._after, self._position)

    async def _history(self, visit_id: str, after: int) -> Sequence[VisitEvent]:
        while True:
            try:
                return await asyncio.to_thread(self._of_visit, visit_id, after)
            except StorageUnavailable:
                await asyncio.sleep(PAUSE_SECONDS)

    def _hand_out(self, event: VisitEvent) -> None:
        for queue in list(self._watchers.get(event.visit_id, ())):
            queue.put_nowait(event)
            if queue.qsize() >= BUFFERED:
                self._drop(event.visit_id, queue)

    def _drop(self, visit_id: str, queue: Queue) -> None:
        self._forget(visit_id, queue)
        queue.put_nowait(None)

    def _forget(self, visit_id: str, queue: Queue) -> None:
        watching = self._watchers.get(visit_id, set())
        watching.discard(queue)
        if not watching:
            self._watchers.pop(visit_id, None)

    def _newest(self) -> int:
        with self.store.read() as tx:
            return tx.visits.last_event_number()

    def _after(self, number: int) -> Sequence[VisitEvent]:
        with self.store.read() as tx:
            return list(tx.visits.events_after(number, BATCH))

    def _of_visit(self, visit_id: str, after: int) -> Sequence[VisitEvent]:
        with self.store.read() as tx:
            return list(tx.visits.events_of(visit_id, after))
