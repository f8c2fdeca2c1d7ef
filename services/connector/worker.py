"""The worker: four loops that turn stored posts, outbox and watches into effects.

Each loop claims a little work, does it, and sleeps only when there was none. A loop never dies of
one bad item: the error is logged by place and counted, and the item's lease brings it back.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.ports.telemetry import Telemetry
from connector.usecases.deliver_outbox import DeliverOutbox
from connector.usecases.keep_subscriptions import KeepSubscriptions
from connector.usecases.record_participants import RecordParticipants
from connector.usecases.tidy_up import TidyUp

_IDLE_SECONDS = 0.2
_TIDY_SECONDS = 60.0
_BATCH = 16
_LANES_AT_ONCE = 8


@dataclass(slots=True)
class Worker:
    store: Store
    clock: Clock
    telemetry: Telemetry
    record_participants: RecordParticipants
    deliver_outbox: DeliverOutbox
    keep_subscriptions: KeepSubscriptions
    tidy_up: TidyUp
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `stopping` is set; what is claimed is finished first."""
        loops: list[tuple[str, Callable[[], bool], float]] = [
            ("notifications", self.apply_notifications, _IDLE_SECONDS),
            ("outbox", self.deliver, _IDLE_SECONDS),
            ("subscriptions", self.keep_watches, _IDLE_SECONDS),
            ("tidy", self.tidy, _TIDY_SECONDS),
            ("heartbeat", self.beat, 5.0),
        ]
        threads = [threading.Thread(target=self._loop, args=loop, name=loop[0]) for loop in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _loop(self, name: str, step: Callable[[], bool], idle_seconds: float) -> None:
        while not self.stopping.is_set():
            if not self._survive(name, step):
                self.stopping.wait(idle_seconds)

    def _survive(self, name: str, step: Callable[[], bool]) -> bool:
        try:
            return step()
        except Exception:  # noqa: BLE001 - the loop outlives any one item
            self.telemetry.unexpected(place=name, reference="")
            return False

    def apply_notifications(self) -> bool:
        """In the order they came; a post that must wait does not hold up the next."""
        with self.store.write() as tx:
            stored = tx.inbox.claim(self.clock.now(), _BATCH)
        for notification in stored:
            self._survive("notification", partial(_done, self.record_participants, notification))
        return bool(stored)

    def deliver(self) -> bool:
        return self._together("write_back", self.deliver_outbox.due(_BATCH), self.deliver_outbox)

    def keep_watches(self) -> bool:
        due = self.keep_subscriptions.due(_BATCH)
        return self._together("subscription", due, self.keep_subscriptions)

    def _together(self, name: str, items: Sequence[Any], work: Callable[[Any], None]) -> bool:
        """Items of different visits at once, so that one slow EHR holds up only its own lanes."""
        with ThreadPoolExecutor(_LANES_AT_ONCE) as pool:
            for item in items:
                pool.submit(self._survive, name, partial(_done, work, item))
        return bool(items)

    def tidy(self) -> bool:
        self.tidy_up()
        with self.store.read() as tx:
            counts = tx.outbox.counts()
        for state, count in counts.items():
            self.telemetry.outbox(state, count)
        return False

    def beat(self) -> bool:
        with self.store.write() as tx:
            tx.heartbeat("worker", self.clock.now())
        return False


def _done(work: Callable[[Any], None], item: Any) -> bool:
    work(item)
    return True
