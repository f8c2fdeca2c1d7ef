"""Transactions: all or nothing, snapshots, and what a database that fails is called."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.builders.store import ENVIRONMENT, NOON, VISIT, seed_environment, visit_number

from connector.adapters.sql import engines as engines_module
from connector.adapters.sql import store as store_module
from connector.adapters.sql.store import SqlStore
from connector.domain.visit import VisitState
from connector.ports.storage import StorageConflict, StorageUnavailable

NAIVE = datetime(2026, 11, 20, 12, 0)  # noqa: DTZ001 - the very thing that must be refused


class Stop(Exception):
    """Something the use case raised."""


def test_a_transaction_that_raises_leaves_nothing(environment: SqlStore) -> None:
    """Case 70."""
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(Stop))
        tx = stack.enter_context(environment.write())
        tx.visits.claim(VISIT)
        tx.visits.add_event(VISIT.id, "state", "", "lobby", NOON)
        tx.outbox.add(VISIT, "key", b"sealed", NOON)
        tx.inbox.add(b"body", NOON)
        tx.redemptions.redeem("hash", VISIT.id, NOON)
        raise Stop
    with environment.read() as tx:
        assert tx.visits.get(VISIT.id) is None
        assert tx.visits.last_event_number() == 0
        assert sum(tx.outbox.counts().values()) == 0
        assert tx.redemptions.find("hash") is None
    with environment.write() as tx:
        assert tx.inbox.claim(NOON, 10) == []


def test_a_conflict_takes_the_whole_transaction_with_it(environment: SqlStore) -> None:
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(StorageConflict))
        tx = stack.enter_context(environment.write())
        tx.visits.claim(VISIT)
        tx.visits.first_news("nobody's", "key")
    with environment.read() as tx:
        assert tx.visits.get(VISIT.id) is None


def test_the_store_goes_on_after_a_conflict(environment: SqlStore) -> None:
    for _ in range(20):
        with pytest.raises(StorageConflict), environment.write() as tx:
            tx.visits.first_news("nobody's", "key")
    with environment.write() as tx:
        assert tx.visits.claim(VISIT) == VISIT


def test_what_is_written_is_seen_by_the_next_reader(
    environment: SqlStore, other_store: SqlStore
) -> None:
    with environment.write() as tx:
        tx.visits.claim(VISIT)
    with other_store.read() as tx:
        assert tx.visits.get(VISIT.id) == VISIT


def test_what_is_not_committed_is_seen_by_nobody_else(
    environment: SqlStore, other_store: SqlStore
) -> None:
    with environment.write() as tx:
        tx.visits.claim(VISIT)
        with other_store.read() as other:
            assert other.visits.get(VISIT.id) is None


def test_a_reader_sees_one_moment(visited: SqlStore, other_store: SqlStore) -> None:
    with other_store.read() as reader:
        assert reader.visits.get(VISIT.id) == VISIT
        with visited.write() as tx:
            tx.visits.save(replace(VISIT, state=VisitState.ENDED, ended_at=NOON))
            tx.visits.save(replace(visit_number(2), state=VisitState.ENDED, ended_at=NOON))
        assert reader.visits.get(VISIT.id) == VISIT
        assert reader.visits.get("visit-2") == visit_number(2)


def test_a_thread_may_read_while_it_writes(visited: SqlStore) -> None:
    with visited.write() as tx:
        tx.visits.save(replace(VISIT, met=True))
        with visited.read() as reader:
            assert reader.visits.get(VISIT.id) == VISIT


@pytest.mark.parametrize("area", ["claim", "event", "audit", "heartbeat"])
def test_a_reader_may_not_write(visited: SqlStore, area: str) -> None:
    attempts = {
        "claim": lambda tx: tx.visits.claim(visit_number(4)),
        "event": lambda tx: tx.visits.add_event(VISIT.id, "state", "", "lobby", NOON),
        "audit": lambda tx: tx.audit(None),
        "heartbeat": lambda tx: tx.heartbeat("worker", NOON),
    }
    with pytest.raises(RuntimeError, match="may not write"), visited.read() as tx:
        attempts[area](tx)


def test_the_database_itself_refuses_writes_of_a_reader(visited: SqlStore) -> None:
    with pytest.raises(StorageUnavailable) as refused, visited.read() as tx:
        tx._connection.execute(text("DELETE FROM visit"))
    assert refused.value.code == "read_only"


def test_a_write_inside_a_write_is_refused(environment: SqlStore) -> None:
    with environment.write() as tx:
        with pytest.raises(RuntimeError, match="already open"), environment.write():
            pass
        tx.visits.claim(VISIT)
    with environment.read() as tx:
        assert tx.visits.get(VISIT.id) == VISIT


def test_a_datetime_without_a_time_zone_is_refused(environment: SqlStore) -> None:
    with pytest.raises(ValueError, match="time zone"), environment.write() as tx:
        tx.visits.claim(replace(VISIT, created_at=NAIVE))
    with pytest.raises(ValueError, match="time zone"), environment.write() as tx:
        tx.outbox.claim_due(NAIVE, 1)
    with environment.read() as tx:
        assert tx.visits.get(VISIT.id) is None


@pytest.mark.parametrize(
    "at",
    [
        NOON.astimezone(timezone(timedelta(hours=5, minutes=45))),
        NOON.astimezone(timezone(timedelta(hours=-11))),
    ],
)
def test_times_of_other_zones_are_the_same_instants(environment: SqlStore, at: datetime) -> None:
    """Case 60."""
    with environment.write() as tx:
        tx.visits.claim(replace(VISIT, created_at=at))
    with environment.read() as tx:
        stored = tx.visits.get(VISIT.id)
    assert stored is not None
    assert stored.created_at == NOON
    assert stored.created_at.utcoffset() == timedelta(0)


def test_times_of_other_zones_are_compared_as_instants(visited: SqlStore) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=10)))
    with visited.write() as tx:
        tx.outbox.add(VISIT, "key", b"sealed", east + timedelta(minutes=1))
        assert tx.outbox.claim_due(NOON, 1) == []
        assert len(tx.outbox.claim_due(NOON + timedelta(minutes=1), 1)) == 1


@pytest.mark.parametrize("text_", ["nul \0", "half a pair \ud800"])
def test_a_text_no_database_can_hold_is_looked_for_in_vain_and_never_stored(
    visited: SqlStore, text_: str
) -> None:
    """Case 45: an `iss` or a token can bring either, and must not bring the page down."""
    with visited.read() as tx:
        assert tx.configurations.door(text_) is None
        assert tx.links.find(ENVIRONMENT.id, text_) is None
        assert tx.configurations.environments(text_) == []
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.redemptions.redeem(text_, "", NOON)
    with pytest.raises(StorageConflict), visited.write() as tx:
        tx.visits.add_event(VISIT.id, "state", "", text_, NOON)


@pytest.mark.parametrize(
    "text_", ["Ünïcode 中文 🩺", "\u202eright to left", "'; DROP TABLE visit; --"]
)
def test_any_other_text_comes_back_unchanged(visited: SqlStore, text_: str) -> None:
    with visited.write() as tx:
        tx.links.add(ENVIRONMENT.id, text_, VISIT.tenant_id, text_, NOON)
    with visited.read() as tx:
        assert tx.links.find(ENVIRONMENT.id, text_) == text_


def test_a_file_that_is_no_database_is_told_from_a_locked_one(tmp_path: Path) -> None:
    path = tmp_path / "connector.db"
    path.write_bytes(b"not a database " * 1000)
    store = SqlStore(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable) as refused, store.read() as tx:
        tx.visits.get(VISIT.id)
    store.close()
    assert refused.value.code == "disk"


def test_no_error_tells_what_was_stored(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict) as refused, environment.write() as tx:
        tx.visits.claim(replace(VISIT, environment_id="canary-person"))
    assert str(refused.value) == ""
    assert "SQL parameters hidden" in str(refused.value.__cause__)


def test_a_writer_that_never_gets_its_turn_is_told_to_try_later(
    environment: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stuck transaction (here: of another thread) does not hang the process for good."""
    environment.close()
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(engines_module, "_POSTGRESQL_LIMITS", "SET lock_timeout = '50ms'")
    entered, leave = threading.Event(), threading.Event()

    def stuck() -> None:
        with environment.write() as tx:
            tx.visits.claim(VISIT)
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=stuck)
    thread.start()
    entered.wait(10)
    with pytest.raises(StorageUnavailable) as refused, environment.write() as tx:
        tx.visits.claim(VISIT)
    leave.set()
    thread.join()
    assert refused.value.code == "locked"


def test_a_writer_that_waits_for_another_process_in_vain_is_told_to_try_later(
    environment: SqlStore, other_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.close()
    monkeypatch.setattr(engines_module, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(engines_module, "_POSTGRESQL_LIMITS", "SET lock_timeout = '50ms'")
    with other_store.write() as theirs:
        theirs.visits.claim(VISIT)
        with pytest.raises(StorageUnavailable) as refused, environment.write() as tx:
            tx.visits.claim(VISIT)
    assert refused.value.code == "locked"


def test_no_connection_is_made_before_the_first_transaction() -> None:
    SqlStore("postgresql://nobody@127.0.0.1:1/nothing").close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite"):
        SqlStore(url)


def test_an_unreachable_server_is_told_from_a_refusal() -> None:
    store = SqlStore("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StorageUnavailable) as refused, store.read():
        pass
    store.close()
    assert refused.value.code == "unreachable"


def test_a_closed_store_opens_again(environment: SqlStore) -> None:
    environment.close()
    with environment.read() as tx:
        assert tx.configurations.environment(ENVIRONMENT.id) == ENVIRONMENT


def test_a_pool_that_is_used_up_is_told_to_try_later(database_url: str, dialect: str) -> None:
    """Case 71: pool exhaustion."""
    small = SqlStore(database_url, pool_size=1)
    small._engines.reading.wait_seconds = 0.05
    with small.read(), pytest.raises(StorageUnavailable) as refused, small.read():
        pass
    small.close()
    assert refused.value.code == "pool_exhausted"


def test_a_session_the_server_ends_costs_one_transaction(store: SqlStore, dialect: str) -> None:
    """Case 70: the database restarts during a callback."""
    if dialect == "postgresql":
        _lose_sessions(store)
    seed_environment(store)
    with store.read() as tx:
        assert tx.configurations.environment(ENVIRONMENT.id) == ENVIRONMENT


def _lose_sessions(store: SqlStore) -> None:
    with pytest.raises(StorageUnavailable) as lost, store.write() as tx:
        tx._connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert lost.value.code == "unreachable"
