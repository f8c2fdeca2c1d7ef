"""The audit trail: what is written is found to be whole, and any tampering is named (case 77)."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.builders.store import NOON, TENANT, VISIT
from tests.contracts.sql.conftest import as_owner

from connector.adapters.sql.store import SqlStore
from connector.ports.storage import AuditEntry, StorageConflict
from connector.usecases.verify_audit import VerifyAudit

ENTRY = AuditEntry(
    at=NOON,
    event="person.launch.complete",
    outcome="success",
    reference="ref-1",
    tenant_id=TENANT,
    environment_id="environment-test",
    actor="object-1",
    facts={"visit": "visit-1", "kind": "provider"},
)


def tamper(store: SqlStore, statement: str) -> None:
    with as_owner(store) as connection:
        assert connection.execute(text(statement)).rowcount == 1


@pytest.fixture
def trail(store: SqlStore) -> SqlStore:
    """Lines 1 to 5, the middle three of one transaction."""
    with store.write() as tx:
        tx.audit(ENTRY)
    store.audit_all(replace(ENTRY, reference=f"ref-{number}") for number in (2, 3, 4))
    with store.write() as tx:
        tx.audit(AuditEntry(NOON + timedelta(microseconds=1), "a.b.c", "refused", "ref-5"))
    return store


def findings(store: SqlStore) -> list[tuple[int, str]]:
    verdict = VerifyAudit(store.audit_log, None)()
    return [(each.line_id, each.damage.value) for each in verdict.findings]


def test_an_empty_trail_is_whole(store: SqlStore) -> None:
    assert findings(store) == []
    assert store.audit_log.head() is None


def test_an_untouched_trail_is_whole(trail: SqlStore) -> None:
    assert findings(trail) == []
    head = trail.audit_log.head()
    assert head is not None
    assert (head.id, head.hash) == (5, head.computed)


@pytest.mark.parametrize(
    ("statement", "broken", "damage"),
    [
        ("UPDATE audit_event SET actor = 'somebody else' WHERE id = 2", 2, "altered"),
        ("UPDATE audit_event SET outcome = 'refused' WHERE id = 1", 1, "altered"),
        ("UPDATE audit_event SET facts = '{}' WHERE id = 3", 3, "altered"),
        ("UPDATE audit_event SET tenant_id = NULL WHERE id = 3", 3, "altered"),
        ("UPDATE audit_event SET at = '2026-11-20 12:00:01.000000' WHERE id = 4", 4, "altered"),
        ("UPDATE audit_event SET hash = previous_hash WHERE id = 5", 5, "altered"),
        ("DELETE FROM audit_event WHERE id = 3", 4, "missing_before"),
        ("DELETE FROM audit_event WHERE id = 1", 2, "missing_before"),
        ("UPDATE audit_event SET id = 99 WHERE id = 2", 3, "reordered"),
        ("UPDATE audit_event SET id = -1 WHERE id = 3", -1, "reordered"),
    ],
)
def test_a_line_that_was_touched_is_named(
    trail: SqlStore, statement: str, broken: int, damage: str
) -> None:
    """Case 77: altered, deleted, reordered, on both databases."""
    tamper(trail, statement)
    assert findings(trail) == [(broken, damage)]


@pytest.mark.parametrize("never", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
def test_a_time_no_calendar_of_ours_has_is_altered_like_any_other(
    trail: SqlStore, never: str
) -> None:
    """SQLite keeps the word, PostgreSQL a time that Python cannot hold."""
    tamper(trail, f"UPDATE audit_event SET at = '{never}' WHERE id = 5")  # noqa: S608 - our words
    assert findings(trail) == [(5, "altered")]
    head = trail.audit_log.head()
    assert head is not None
    assert head.computed is None


def test_a_refused_transaction_leaves_no_line(store: SqlStore) -> None:
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(StorageConflict))
        tx = stack.enter_context(store.write())
        tx.audit(ENTRY)
        tx.visits.save(VISIT)
    with store.read() as tx:
        assert tx._connection.execute(text("SELECT count(*) FROM audit_event")).scalar() == 0


def test_a_line_without_a_time_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        store.audit_all([replace(ENTRY, at=NOON.replace(tzinfo=None))])
