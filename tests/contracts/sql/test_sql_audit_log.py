"""Reading the audit trail on both databases: filters, order, pages, what cannot be read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.builders.store import NOON, TENANT
from tests.contracts.sql.conftest import as_owner

from connector.adapters.sql.store import SqlStore
from connector.ports.audit_log import AuditFilter
from connector.ports.storage import AuditEntry

ENTRY = AuditEntry(NOON, "person.launch.complete", "success", "REF0", TENANT, "env-1", "oid-1")
LINES = [
    ENTRY,
    replace(ENTRY, event="person.launch.refuse", outcome="refused", at=NOON + timedelta(days=1)),
    replace(ENTRY, tenant_id="other", at=NOON + timedelta(days=2)),
    replace(ENTRY, environment_id="env-2", at=NOON + timedelta(days=3)),
    replace(ENTRY, reference="REF9", actor="oid-2", facts={"kind": "provider"}),
]
OURS = AuditFilter(TENANT)


@pytest.fixture
def trail(store: SqlStore) -> SqlStore:
    store.audit_all(LINES)
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(None), [5, 4, 3, 2, 1]),
        (OURS, [5, 4, 2, 1]),
        (replace(OURS, event="person.launch.refuse"), [2]),
        (replace(OURS, outcome="success"), [5, 4, 1]),
        (replace(OURS, environment_id="env-2"), [4]),
        (replace(OURS, reference="REF9"), [5]),
        (replace(OURS, actor="oid-2"), [5]),
        (replace(OURS, since=NOON + timedelta(days=1)), [4, 2]),
        (replace(OURS, until=NOON + timedelta(days=1)), [5, 1]),
        (replace(OURS, since=NOON, until=NOON), []),
        (replace(OURS, actor="oid-2", event="person.launch.refuse"), []),
        (AuditFilter("nobody"), []),
        (AuditFilter(""), []),
        (replace(OURS, reference="%"), []),
        (replace(OURS, reference="' OR 1=1 --"), []),
        (replace(OURS, reference="\0"), []),
        (replace(OURS, actor="\ud800"), []),
    ],
)
def test_a_filter_finds_what_it_says(
    trail: SqlStore, wanted: AuditFilter, found: list[int]
) -> None:
    log = trail.audit_log
    assert [line.id for line in log.page(wanted, None, 9)] == found
    assert [line.id for line in log.following(wanted, 0, 9)] == sorted(found)


def test_pages_go_back_and_pieces_go_forward(trail: SqlStore) -> None:
    log = trail.audit_log
    assert [line.id for line in log.page(OURS, 4, 2)] == [2, 1]
    assert [line.id for line in log.following(OURS, 2, 1)] == [4]
    assert log.page(OURS, 1, 9) == []
    assert log.following(OURS, 5, 9) == []


def test_a_line_is_read_as_it_was_written(trail: SqlStore) -> None:
    (line,) = trail.audit_log.page(replace(OURS, reference="REF9"), None, 9)
    assert (line.at, line.event, line.outcome, line.actor) == (
        NOON,
        "person.launch.complete",
        "success",
        "oid-2",
    )
    assert (line.tenant_id, line.environment_id, line.facts) == (
        TENANT,
        "env-1",
        {"kind": "provider"},
    )


@pytest.mark.parametrize(
    ("stored", "told"),
    [("no JSON", {"unreadable": "no JSON"}), ("[1]", {}), ('{"a": 1}', {"a": "1"})],
)
def test_facts_that_somebody_wrote_over_do_not_hide_the_line(
    trail: SqlStore, stored: str, told: dict[str, str]
) -> None:
    with as_owner(trail) as connection:
        connection.execute(text("UPDATE audit_event SET facts = :facts"), {"facts": stored})
    assert [line.facts for line in trail.audit_log.page(OURS, None, 9)] == [told] * 4


def test_the_chain_is_every_line_of_every_tenant(trail: SqlStore) -> None:
    lines = list(trail.audit_log.chain())
    assert [line.id for line in lines] == [1, 2, 3, 4, 5]
    assert [line.previous_hash for line in lines] == ["", *(line.hash for line in lines[:-1])]
    assert [line.computed for line in lines] == [line.hash for line in lines]
    assert trail.audit_log.head() == lines[-1]


def test_a_hash_is_known_or_not(trail: SqlStore) -> None:
    head = trail.audit_log.head()
    assert head is not None
    assert trail.audit_log.is_hash(head.hash)
    assert not trail.audit_log.is_hash("")
