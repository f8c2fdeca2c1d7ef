"""Many at once: one row, one meeting, one redemption, one approval, one worker a message."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import text
from tests.builders.store import (
    BASE_URL,
    ENVIRONMENT,
    NOON,
    REVISION,
    TENANT,
    VISIT,
    seed_environment,
    seed_visits,
    visit_number,
)
from tests.contracts.sql.conftest import SERVER

from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import RevisionState
from connector.domain.organization import EnvironmentKind
from connector.domain.outbox import CLAIM
from connector.ports.storage import AuditEntry, StorageConflict
from connector.usecases.verify_audit import VerifyAudit

T = TypeVar("T")


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Results of `act(0)` … `act(count - 1)`, all let go at the same moment."""
    gate = threading.Barrier(count)

    def wait_and_act(number: int) -> T:
        gate.wait(10)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count)))


def test_fifty_claims_of_one_visit_make_one_row(environment: SqlStore) -> None:
    """Cases 48 and 49."""

    def claim(number: int) -> str:
        with environment.write() as tx:
            return tx.visits.claim(replace(VISIT, id=f"mine-{number}")).id

    winners = set(at_once(50, claim))
    assert len(winners) == 1
    with environment.read() as tx:
        found = tx.visits.find(ENVIRONMENT.id, VISIT.visit_key)
        count = tx._connection.execute(text("SELECT count(*) FROM visit")).scalar()
    assert found is not None
    assert {found.id} == winners
    assert count == 1


def test_claims_from_two_processes_make_one_row(
    environment: SqlStore, other_store: SqlStore
) -> None:
    stores = [environment, other_store]

    def claim(number: int) -> str:
        with stores[number % 2].write() as tx:
            return tx.visits.claim(replace(VISIT, id=f"mine-{number}")).id

    assert len(set(at_once(16, claim))) == 1


def test_one_organizer_is_named_however_many_launch(visited: SqlStore) -> None:
    def name(number: int) -> str:
        with visited.write() as tx:
            return tx.visits.name_organizer(VISIT.id, f"object-{number}")

    assert len(set(at_once(20, name))) == 1


def test_a_launch_state_is_redeemed_by_one_of_twenty(store: SqlStore) -> None:
    def redeem(number: int) -> bool:
        with store.write() as tx:
            return tx.redemptions.redeem("hash", f"visit-{number}", NOON)

    assert sorted(at_once(20, redeem)) == [False] * 19 + [True]


def test_a_notification_is_news_to_one_worker(visited: SqlStore) -> None:
    def apply(_number: int) -> bool:
        with visited.write() as tx:
            return tx.visits.first_news(VISIT.id, "key")

    assert sorted(at_once(8, apply)) == [False] * 7 + [True]


def test_one_of_two_approvals_wins(environment: SqlStore) -> None:
    """Case 36: both read the revision before either wrote."""
    with environment.write() as tx:
        tx.configurations.add_revision(REVISION)
    active = replace(REVISION, state=RevisionState.ACTIVE, approved_at=NOON)

    def approve(_number: int) -> bool:
        with environment.write() as tx:
            saved = tx.configurations.save_revision(active, "awaiting_approval")
            return saved and tx.configurations.activate(active)

    assert sorted(at_once(2, approve)) == [False, True]


def test_two_environments_racing_for_a_base_url_get_it_once(environment: SqlStore) -> None:
    """Case 41."""
    production = replace(ENVIRONMENT, id="production", kind=EnvironmentKind.PRODUCTION)
    seed_environment(environment, production)
    active = replace(REVISION, state=RevisionState.ACTIVE)
    rivals = [active, replace(active, id="theirs", environment_id="production")]
    with environment.write() as tx:
        for rival in rivals:
            tx.configurations.add_revision(rival)

    def activate(number: int) -> bool:
        with environment.write() as tx:
            return tx.configurations.activate(rivals[number])

    won = at_once(2, activate)
    assert sorted(won) == [False, True]
    with environment.read() as tx:
        assert tx.configurations.owner_of(BASE_URL) == rivals[won.index(True)].environment_id


def test_an_environment_is_entered_once(environment: SqlStore) -> None:
    def enter(number: int) -> bool:
        try:
            seed_environment(
                environment,
                replace(ENVIRONMENT, id=f"mine-{number}", kind=EnvironmentKind.PRODUCTION),
            )
        except StorageConflict:
            return False
        return True

    assert sorted(at_once(4, enter)) == [False, False, False, True]


def test_a_visit_that_was_read_in_a_write_is_not_overtaken(
    visited: SqlStore, other_store: SqlStore
) -> None:
    """Two workers apply news of one visit: neither loses what the other wrote."""

    def one_minute_longer(store: SqlStore, pause: Callable[[], None]) -> None:
        with store.write() as tx:
            visit = tx.visits.get(VISIT.id)
            assert visit is not None
            pause()
            ended_at = (visit.ended_at or NOON) + timedelta(minutes=1)
            tx.visits.save(replace(visit, ended_at=ended_at))

    overlapping(visited, other_store, one_minute_longer)
    with visited.read() as tx:
        stored = tx.visits.get(VISIT.id)
    assert stored == replace(VISIT, ended_at=NOON + timedelta(minutes=2))


def test_a_revision_that_was_read_in_a_write_is_not_overtaken(
    environment: SqlStore, other_store: SqlStore
) -> None:
    """Stamps, requests and approvals of two tabs do not undo one another (case 36)."""
    with environment.write() as tx:
        tx.configurations.add_revision(REVISION)

    def say_more(store: SqlStore, pause: Callable[[], None]) -> None:
        with store.write() as tx:
            revision = tx.configurations.revision(REVISION.id)
            assert revision is not None
            pause()
            more = replace(revision, change_request=f"{revision.change_request}more ")
            assert tx.configurations.save_revision(more, revision.state.value)

    overlapping(environment, other_store, say_more)
    with environment.read() as tx:
        stored = tx.configurations.revision(REVISION.id)
    assert stored == replace(REVISION, change_request="more more ")


def test_a_lane_is_filled_by_one_transaction_at_a_time(
    visited: SqlStore, other_store: SqlStore
) -> None:
    """Else a worker could deliver the second message before the first one is committed."""

    def add(store: SqlStore, pause: Callable[[], None]) -> None:
        with store.write() as tx:
            tx.outbox.add(VISIT, f"of {id(store)}", b"sealed", NOON)
            pause()

    assert not overlapping(visited, other_store, add)


def overlapping(
    first: SqlStore, second: SqlStore, act: Callable[[SqlStore, Callable[[], None]], None]
) -> bool:
    """Run `act` on both, the second while the first one pauses; whether the second overtook it."""
    with ThreadPoolExecutor(1) as pool:
        came_through = []

        def pause() -> None:
            second_one = pool.submit(act, second, lambda: None)
            came_through.append(bool(wait([second_one], timeout=0.2).done))

        act(first, pause)
    return came_through[0]


def test_workers_never_take_the_same_message(visited: SqlStore, other_store: SqlStore) -> None:
    """Case 73: two relays at once."""
    with visited.write() as tx:
        for number in range(4, 44):
            tx.visits.claim(visit_number(number))
            tx.outbox.add(visit_number(number), f"key-{number}", b"sealed", NOON)
    stores = [visited, other_store]

    def work(number: int) -> list[int]:
        taken: list[int] = []
        while True:
            with stores[number % 2].write() as tx:
                claimed = tx.outbox.claim_due(NOON, 3)
            if not claimed:
                return taken
            taken += [message.id for message in claimed]

    taken = [message for taken in at_once(4, work) for message in taken]
    with visited.write() as tx:
        left = tx.outbox.claim_due(NOON, 100)
    assert len(taken) == len(set(taken))
    assert len(taken) + len(left) == 40


def test_workers_keep_a_lane_in_order(visited: SqlStore, other_store: SqlStore) -> None:
    """However many work on it and whoever dies, a visit's messages leave in their order."""
    with visited.write() as tx:
        for number in range(12):
            tx.outbox.add(VISIT, f"{number:02}", b"sealed", NOON)
    stores, delivered, lock = [visited, other_store], [], threading.Lock()

    def work(number: int) -> None:
        store, now = stores[number % 2], NOON
        while len(delivered) < 12:
            now += CLAIM
            with store.write() as tx:
                claimed = tx.outbox.claim_due(now, 5)
            assert len(claimed) <= 1
            for message in claimed:
                with lock:
                    if message.key not in delivered:
                        delivered.append(message.key)
                with store.write() as tx:
                    tx.outbox.delivered(message.id, now)

    at_once(3, work)
    assert delivered == [f"{number:02}" for number in range(12)]


def test_workers_never_take_the_same_post(store: SqlStore, other_store: SqlStore) -> None:
    with store.write() as tx:
        for number in range(40):
            tx.inbox.add(str(number).encode(), NOON)
    stores = [store, other_store]

    def work(number: int) -> list[int]:
        with stores[number % 2].write() as tx:
            return [notification.id for notification in tx.inbox.claim(NOON, 10)]

    taken = [id_ for ids in at_once(4, work) for id_ in ids]
    assert len(taken) == len(set(taken)) == 40


def test_workers_never_take_the_same_watch(visited: SqlStore, other_store: SqlStore) -> None:
    with visited.write() as tx:
        for number in (1, 2, 3):
            tx.watches.want(f"visit-{number}", TENANT, "https://teams.example/j", NOON)
    stores = [visited, other_store]

    def work(number: int) -> list[str]:
        with stores[number % 2].write() as tx:
            return [watch.visit_id for watch in tx.watches.claim_due(NOON, NOON, 2)]

    taken = [id_ for ids in at_once(4, work) for id_ in ids]
    assert len(taken) == len(set(taken))


def test_a_reader_of_the_live_page_misses_no_line(visited: SqlStore) -> None:
    """Numbers appear in the order of commits: a reader that remembers the highest loses none."""
    done = threading.Event()

    def write(number: int) -> None:
        for line in range(20):
            with visited.write() as tx:
                tx.visits.add_event(f"visit-{number % 3 + 1}", "state", "", str(line), NOON)
                tx.visits.get(f"visit-{number % 3 + 1}")

    def read() -> list[int]:
        seen, finishing = [0], False
        while not finishing:
            finishing = done.is_set()
            with visited.read() as tx:
                seen += [event.number for event in tx.visits.events_after(seen[-1], limit=1000)]
        return seen[1:]

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        at_once(6, write)
        done.set()
        seen = reading.result(30)
    assert len(seen) == len(set(seen)) == 120


def test_the_audit_trail_is_one_chain_however_many_write(store: SqlStore) -> None:
    """Case 77."""

    def write(number: int) -> None:
        for line in range(5):
            with store.write() as tx:
                tx.audit(AuditEntry(NOON, "a.b.c", "success", f"{number}-{line}"))

    at_once(8, write)
    assert VerifyAudit(store.audit_log, None)().whole
    with store.read() as tx:
        assert tx._connection.execute(text("SELECT count(*) FROM audit_event")).scalar() == 40


@pytest.mark.postgres
@pytest.mark.skipif(SERVER is None, reason="no server")
def test_a_line_of_the_live_page_waits_for_nobody_who_writes_the_trail(
    of_the_processes: str,
) -> None:
    """Launches and news of calls are told beside one another; SQLite has one writer at a time."""
    with closing(SqlStore(of_the_processes)) as web, closing(SqlStore(of_the_processes)) as worker:
        seed_visits(web)
        with web.write() as launching:
            launching.audit(AuditEntry(NOON, "a.b.c", "success", "held"))
            launching._trail.write_pending()  # past its gate until the commit
            with worker.write() as telling:
                telling.visits.add_event(VISIT.id, "state", "", "lobby", NOON)
            with worker.read() as tx:
                assert [line.label for line in tx.visits.events_of(VISIT.id)] == ["lobby"]


def test_whoever_writes_both_kinds_of_lines_meets_those_who_write_one(visited: SqlStore) -> None:
    def write(number: int) -> None:
        for line in range(5):
            with visited.write() as tx:
                if number % 3 != 0:
                    tx.audit(AuditEntry(NOON, "a.b.c", "success", f"{number}-{line}"))
                if number % 3 != 1:
                    tx.visits.add_event(f"visit-{number % 3 + 1}", "state", "", str(line), NOON)

    at_once(9, write)
    assert VerifyAudit(visited.audit_log, None)().whole
    with visited.read() as tx:
        assert len(tx.visits.events_after(0, limit=1000)) == 30
        assert tx._connection.execute(text("SELECT count(*) FROM audit_event")).scalar() == 30
