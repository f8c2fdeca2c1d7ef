"""One poller per process reads new visit events and hands them to the pages that watch.

Polling one indexed query is the cheapest fan-out at our rates (performance.md 5b); a page that
reads too slowly is dropped and comes back with Last-Event-ID, so buffers stay bounded (case 63).
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from connector.ports.storage import Store, VisitEvent

_POLL_SECONDS = 0.2
_BATCH = 500
_BUFFERED = 100


@dataclass(slots=True)
class EventStream:
    store: Store
    _watchers: dict[str, set[asyncio.Queue[VisitEvent]]] = field(
        default_factory=lambda: defaultdict(set)
    )

    async def run(self) -> None:
        """Read for ever; cancelled at shutdown."""
        newest = await asyncio.to_thread(self._newest)
        while True:
            events = await asyncio.to_thread(self._after, newest) if self._watchers else []
            for event in events:
                newest = event.number
                self._hand_out(event)
            if not self._watchers:
                newest = await asyncio.to_thread(self._newest)
            await asyncio.sleep(0 if len(events) == _BATCH else _POLL_SECONDS)

    async def events(self, visit_id: str, after: int) -> AsyncIterator[VisitEvent]:
        """What happened after event number `after`, then what happens, each once, in order."""
        queue: asyncio.Queue[VisitEvent] = asyncio.Queue(_BUFFERED)
        self._watchers[visit_id].add(queue)
        try:
            for event in await asyncio.to_thread(self._history, visit_id, after):
                after = event.number
                yield event
            while queue in self._watchers.get(visit_id, ()) or not queue.empty():
                event = await queue.get()
                if event.number > after:
                    after = event.number
                    yield event
        finally:
            self._forget(visit_id, queue)

    def _hand_out(self, event: VisitEvent) -> None:
        for queue in list(self._watchers.get(event.visit_id, ())):
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(event)
            if queue.full():
                self._forget(event.visit_id, queue)

    def _forget(self, visit_id: str, queue: asyncio.Queue[VisitEvent]) -> None:
        watching = self._watchers.get(visit_id, set())
        watching.discard(queue)
        if not watching:
            self._watchers.pop(visit_id, None)

    def _newest(self) -> int:
        with self.store.read() as tx:
            return tx.visits.last_event_number()

    def _after(self, number: int) -> list[VisitEvent]:
        with self.store.read() as tx:
            return list(tx.visits.events_after(number, _BATCH))

    def _history(self, visit_id: str, after: int) -> list[VisitEvent]:
        with self.store.read() as tx:
            return list(tx.visits.events_of(visit_id, after))
