"""The worker's threads: a hanging EHR holds up its own lanes only, and everything is counted."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.builders.store import VISIT, seed_visits, sqlite_store
from tests.builders.world import World
from tests.fakes.system import FixedClock

from connector.domain.outbox import MessageState, OutboxMessage
from connector.ports.attendance import AttendanceCheck
from connector.ports.audit_log import AnchorUnavailable
from connector.usecases.deliver_outbox import DeliverOutbox, Delivery
from connector.worker import Crew, Worker

PATIENCE_SECONDS = 5


class Telemetry:
    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.failed: list[str] = []
        self.waiting: dict[str, float] = {}

    def outbox(self, state: str, count: int) -> None:
        self.waiting[state] = count

    def inbox(self, waiting: int) -> None:
        self.waiting["posts"] = waiting

    def attendance_awaited(self, visits: int) -> None:
        self.waiting["attendance"] = visits

    def outbox_oldest(self, seconds: float) -> None:
        self.waiting["oldest_seconds"] = seconds

    def write_back(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def unexpected(self, *, place: str, reference: str) -> None:
        self.failed.append(place)


class Deliveries:
    """Stands for `DeliverOutbox`: messages of environment `slow` hang until `answer` is set."""

    def __init__(self, *environments: str) -> None:
        self.waiting = [
            OutboxMessage(n, f"v{n}", env, "t", f"k{n}", b"", MessageState.PENDING, 0)
            for n, env in enumerate(environments)
        ]
        self.done: list[str] = []
        self.answer = threading.Event()
        self.moved_on = threading.Condition()

    def due(self, limit: int, but_not_of: frozenset[str]) -> list[OutboxMessage]:
        found = [m for m in self.waiting if m.environment_id not in but_not_of][:limit]
        self.waiting = [m for m in self.waiting if m not in found]
        return found

    def __call__(self, message: OutboxMessage) -> Delivery:
        if message.environment_id == "slow":
            assert self.answer.wait(PATIENCE_SECONDS)
        if message.environment_id == "broken":
            raise ZeroDivisionError
        with self.moved_on:
            self.done.append(message.environment_id)
            self.moved_on.notify_all()
        return Delivery.DELIVERED

    def wait_until_done(self, count: int) -> bool:
        with self.moved_on:
            return self.moved_on.wait_for(lambda: len(self.done) >= count, PATIENCE_SECONDS)


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def worker(telemetry: Telemetry) -> Iterator[Worker]:
    nothing: Any = None
    worker = Worker(
        nothing, FixedClock(), cast(Any, telemetry), nothing, nothing, nothing, nothing, nothing
    )
    yield worker
    worker.deliveries.finish()


def at_work(worker: Worker, deliveries: Deliveries) -> None:
    worker.deliver_outbox = cast(DeliverOutbox, deliveries)
    while worker.deliver():
        pass


def test_a_hanging_ehr_leaves_threads_to_the_others(worker: Worker) -> None:
    deliveries = Deliveries(*["slow"] * 20, *["fine"] * 3)
    try:
        at_work(worker, deliveries)

        assert deliveries.wait_until_done(3)
        assert deliveries.done == ["fine"] * 3
        assert len(deliveries.waiting) == 16, "what has no thread is not claimed either"
    finally:
        deliveries.answer.set()


def test_what_hung_is_finished_and_its_place_is_free_again(worker: Worker) -> None:
    crew = Crew(2, 1)
    go = threading.Event()
    crew.start("a", go.wait)
    assert (crew.free, crew.full) == (1, {"a"})

    go.set()
    crew.finish()

    assert (crew.free, crew.full) == (2, frozenset())


def test_every_outcome_is_counted(worker: Worker, telemetry: Telemetry) -> None:
    at_work(worker, Deliveries("fine", "fine"))
    worker.deliveries.finish()

    assert telemetry.outcomes == ["delivered", "delivered"]


def test_an_error_nobody_foresaw_is_told_and_frees_its_place(
    worker: Worker, telemetry: Telemetry
) -> None:
    at_work(worker, Deliveries("broken"))
    worker.deliveries.finish()

    assert telemetry.failed == ["write_back"]
    assert worker.deliveries.free == 8


def test_nothing_due_is_nothing_done(worker: Worker) -> None:
    worker.deliver_outbox = cast(DeliverOutbox, Deliveries())

    assert not worker.deliver()


def test_the_real_use_case_takes_what_the_worker_hands_it(
    worker: Worker, telemetry: Telemetry, tmp_path: Any
) -> None:
    world = World(tmp_path)
    worker.deliver_outbox = world.deliver_outbox

    assert not worker.deliver()
    world.store.close()


def test_what_waits_and_for_how_long_is_told(
    worker: Worker, telemetry: Telemetry, tmp_path: Any
) -> None:
    worker.store = store = sqlite_store(tmp_path)
    seed_visits(store)
    with store.write() as tx:
        tx.outbox.add(VISIT, "key", b"", worker.clock.now() - timedelta(seconds=90))
        tx.inbox.add(b"{}", worker.clock.now())

    assert not worker.measure(), "and then the loop sleeps"

    assert telemetry.waiting == {
        "pending": 1,
        "retry_at": 0,
        "oldest_seconds": 90,
        "posts": 1,
        "attendance": 0,
    }
    store.close()


def test_the_trail_is_anchored_once_a_round(worker: Worker) -> None:
    calls: list[str] = []
    worker.anchor_audit = cast(Any, lambda: calls.append("anchored"))

    assert not worker.anchor(), "the next round is a minute later, whatever there was to anchor"
    assert calls == ["anchored"]


def test_a_running_worker_anchors(worker: Worker) -> None:
    anchored = threading.Event()
    worker.anchor_audit = cast(Any, anchored.set)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        assert anchored.wait(PATIENCE_SECONDS)
    finally:
        worker.stopping.set()
        running.join()


def test_without_an_anchor_there_is_nothing_to_do(worker: Worker) -> None:
    assert worker.anchor_audit is None
    assert not worker.anchor()


def test_an_anchor_that_is_away_does_not_stop_the_worker(
    worker: Worker, telemetry: Telemetry
) -> None:
    def fail() -> None:
        raise AnchorUnavailable

    worker.anchor_audit = cast(Any, fail)

    assert not worker._survive("anchor", worker.anchor)
    assert telemetry.failed == ["anchor"]


def test_a_backlog_waits_for_its_ehr_and_for_no_pause(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at once of one EHR: the next is claimed when one is done, not when the round begins anew."""
    monkeypatch.setattr("connector.worker._IDLE_SECONDS", 10 * PATIENCE_SECONDS)
    deliveries = Deliveries(*["fine"] * 40)
    worker.deliver_outbox = cast(DeliverOutbox, deliveries)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        assert deliveries.wait_until_done(40)
    finally:
        worker.stopping.set()
        for crew in (worker.deliveries, worker.subscribing):
            crew.start("nobody", lambda: None)
        running.join()


def test_a_slot_that_is_free_already_ends_the_next_pause() -> None:
    crew = Crew(1, 1)
    crew.start("one", lambda: None)
    crew.finish()
    pausing = threading.Thread(target=crew.pause, args=(10 * PATIENCE_SECONDS,), daemon=True)
    pausing.start()
    pausing.join(PATIENCE_SECONDS)
    assert not pausing.is_alive()


# Attendance -----------------------------------------------------------------------------------------


class Looks:
    """Stands for `ReconcileAttendance`: a look at visit `broken` fails."""

    def __init__(self, *visits: str) -> None:
        self.waiting = [AttendanceCheck(v, awaited=True, failures=0, claims=1) for v in visits]
        self.done: list[str] = []
        self.expected = 0

    def expect(self) -> None:
        self.expected += 1

    def due(self, limit: int) -> list[AttendanceCheck]:
        found, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return found

    def __call__(self, check: AttendanceCheck) -> None:
        if check.visit_id == "broken":
            raise ZeroDivisionError
        self.done.append(check.visit_id)


def test_looks_that_are_due_are_made(worker: Worker) -> None:
    worker.reconcile_attendance = looks = cast(Any, Looks("v1", "v2"))

    assert worker.look_at_attendance()
    worker.reconciling.finish()

    assert sorted(looks.done) == ["v1", "v2"]
    assert not worker.look_at_attendance(), "none is due any more"


def test_a_look_that_fails_is_told_and_frees_its_place(
    worker: Worker, telemetry: Telemetry
) -> None:
    worker.reconcile_attendance = cast(Any, Looks("broken"))

    worker.look_at_attendance()
    worker.reconciling.finish()

    assert telemetry.failed == ["attendance"]
    assert worker.reconciling.free == 8


def test_no_more_looks_are_claimed_than_there_are_threads(worker: Worker) -> None:
    go = threading.Event()
    for number in range(8):
        worker.reconciling.start(str(number), go.wait)
    worker.reconcile_attendance = looks = cast(Any, Looks("v1"))
    try:
        assert not worker.look_at_attendance()
        assert len(looks.waiting) == 1
    finally:
        go.set()
        worker.reconciling.finish()


def test_open_visits_are_expected_once_a_round(worker: Worker) -> None:
    worker.reconcile_attendance = looks = cast(Any, Looks())

    assert not worker.expect_attendance(), "and then the loop sleeps"

    assert looks.expected == 1
