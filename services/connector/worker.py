"""The worker: loops that turn stored posts, outbox and watches into effects.

Each loop claims a little work, does it, and sleeps only when there was none. A loop never dies of
one bad item: the error is logged by place and counted, and the item's lease brings it back.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from connector.domain.outbox import OutboxMessage
from connector.ports.storage import Store
from connector.ports.system import Clock
from connector.ports.telemetry import Telemetry
from connector.usecases.anchor_audit import AnchorAudit
from connector.usecases.deliver_outbox import DeliverOutbox
from connector.usecases.keep_subscriptions import KeepSubscriptions
from connector.usecases.reconcile_attendance import ReconcileAttendance
from connector.usecases.record_participants import RecordParticipants
from connector.usecases.tidy_up import TidyUp

_IDLE_SECONDS = 0.2
_TIDY_SECONDS = 60.0
_ANCHOR_SECONDS = 60.0
_MEASURE_SECONDS = 1.0
_ATTENDANCE_SECONDS = 1.0
_EXPECT_SECONDS = 5.0
_BATCH = 16
_AT_ONCE = 8
# Half of the slots: an EHR that hangs leaves the other half to everybody else's.
_AT_ONCE_OF_ONE_ENVIRONMENT = 4


class Crew:
    """Threads that each do one claimed item; what is claimed has a thread at once.

    Args:
        at_once: how many items are worked on.
        at_once_of_one: how many of them may belong to one owner.
    """

    def __init__(self, at_once: int, at_once_of_one: int) -> None:
        self._threads = ThreadPoolExecutor(at_once)
        self._at_once = at_once
        self._at_once_of_one = at_once_of_one
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    @property
    def free(self) -> int:
        """How many items may be claimed now."""
        with self._lock:
            return self._at_once - self._busy.total()

    @property
    def full(self) -> frozenset[str]:
        """Owners of whom nothing more may be claimed now."""
        with self._lock:
            return frozenset(o for o, n in self._busy.items() if n >= self._at_once_of_one)

    def start(self, owner: str, work: Callable[[], object]) -> None:
        """Begin at once; `work` must not raise."""
        with self._lock:
            self._busy[owner] += 1
        self._threads.submit(work).add_done_callback(partial(self._done, owner))

    def pause(self, seconds: float) -> None:
        """Until one more item is done, at most so long."""
        self._ended.wait(seconds)
        self._ended.clear()

    def finish(self) -> None:
        """Wait for everything begun."""
        self._threads.shutdown(wait=True)

    def _done(self, owner: str, _future: Future[object]) -> None:
        with self._lock:
            self._busy[owner] -= 1
        self._ended.set()


@dataclass(slots=True)
class Worker:
    store: Store
    clock: Clock
    telemetry: Telemetry
    record_participants: RecordParticipants
    deliver_outbox: DeliverOutbox
    keep_subscriptions: KeepSubscriptions
    tidy_up: TidyUp
    reconcile_attendance: ReconcileAttendance
    anchor_audit: AnchorAudit | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    deliveries: Crew = field(default_factory=lambda: Crew(_AT_ONCE, _AT_ONCE_OF_ONE_ENVIRONMENT))
    subscribing: Crew = field(default_factory=lambda: Crew(_AT_ONCE, _AT_ONCE))
    reconciling: Crew = field(default_factory=lambda: Crew(_AT_ONCE, _AT_ONCE))

    def run(self) -> None:
        """Until `stopping` is set; what is claimed is finished first."""
        loops: list[tuple[str, Callable[[], bool], float]] = [
            ("notifications", self.apply_notifications, _IDLE_SECONDS),
            ("expectation", self.expect_attendance, _EXPECT_SECONDS),
            ("tidy", self.tidy, _TIDY_SECONDS),
            ("backlog", self.measure, _MEASURE_SECONDS),
            ("heartbeat", self.beat, 5.0),
            ("anchor", self.anchor, _ANCHOR_SECONDS),
        ]
        # A backlog is worked off as fast as it is taken: a free slot ends the pause.
        of_crews: list[tuple[str, Callable[[], bool], float, Callable[[float], object]]] = [
            ("outbox", self.deliver, _IDLE_SECONDS, self.deliveries.pause),
            ("subscriptions", self.keep_watches, _IDLE_SECONDS, self.subscribing.pause),
            ("attendance", self.look_at_attendance, _ATTENDANCE_SECONDS, self.reconciling.pause),
        ]
        every = [*of_crews, *((*loop, self.stopping.wait) for loop in loops)]
        threads = [threading.Thread(target=self._loop, args=loop, name=loop[0]) for loop in every]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.deliveries.finish()
        self.subscribing.finish()
        self.reconciling.finish()

    def _loop(
        self,
        name: str,
        step: Callable[[], bool],
        idle_seconds: float,
        pause: Callable[[float], object],
    ) -> None:
        while not self.stopping.is_set():
            if not self._survive(name, step):
                pause(idle_seconds)

    def _survive(self, name: str, step: Callable[[], object]) -> bool:
        """Whether there was something to do, and it did not fail."""
        try:
            return bool(step())
        except Exception:  # noqa: BLE001 - the loop outlives any one item
            self.telemetry.unexpected(place=name, reference="")
            return False

    def apply_notifications(self) -> bool:
        """In the order they came; a post that must wait does not hold up the next."""
        with self.store.write() as tx:
            stored = tx.inbox.claim(self.clock.now(), _BATCH)
        for notification in stored:
            self._survive("notification", partial(self.record_participants, notification))
        return bool(stored)

    def deliver(self) -> bool:
        """One by one for free threads, so that nothing claimed waits while its lease runs out."""
        claimed = self.deliver_outbox.due(1, self.deliveries.full) if self.deliveries.free else []
        for message in claimed:
            work = partial(self._survive, "write_back", partial(self._deliver_one, message))
            self.deliveries.start(message.environment_id, work)
        return bool(claimed)

    def _deliver_one(self, message: OutboxMessage) -> None:
        self.telemetry.write_back(self.deliver_outbox(message).value)

    def keep_watches(self) -> bool:
        free = self.subscribing.free
        claimed = self.keep_subscriptions.due(free) if free else []
        for watch in claimed:
            work = partial(self.keep_subscriptions, watch)
            self.subscribing.start(watch.tenant_id, partial(self._survive, "subscription", work))
        return bool(claimed)

    def look_at_attendance(self) -> bool:
        free = self.reconciling.free
        claimed = self.reconcile_attendance.due(free) if free else []
        for check in claimed:
            work = partial(self.reconcile_attendance, check)
            self.reconciling.start(check.visit_id, partial(self._survive, "attendance", work))
        return bool(claimed)

    def expect_attendance(self) -> bool:
        self.reconcile_attendance.expect()
        return False

    def tidy(self) -> bool:
        self.tidy_up()
        with self.store.read() as tx:
            counts = tx.outbox.counts()
        for state, count in counts.items():
            self.telemetry.outbox(state, count)
        return False

    def measure(self) -> bool:
        """What waits, each second: an operator sees an EHR stop taking reports at once."""
        with self.store.read() as tx:
            backlog, posts = tx.outbox.backlog(), tx.inbox.waiting()
            awaited = tx.attendance.awaited()
        for state, count in backlog.messages.items():
            self.telemetry.outbox(state, count)
        self.telemetry.outbox_oldest(backlog.oldest_seconds(self.clock.now()))
        self.telemetry.inbox(posts)
        self.telemetry.attendance_awaited(awaited)
        return False

    def anchor(self) -> bool:
        """Never at once again: whatever was added meanwhile, one line a minute stands for it."""
        if self.anchor_audit is not None:
            self.anchor_audit()
        return False

    def beat(self) -> bool:
        with self.store.write() as tx:
            tx.heartbeat("worker", self.clock.now())
        return False
