"""The schema keeps its promises: nobody's name, every column explained, every search indexed."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builders.store import (
    BASE_URL,
    ENVIRONMENT,
    NOON,
    TENANT,
    VISIT,
    executed_by,
    seed_visits,
    sqlite_store,
)

from connector.adapters.sql.store import SqlStore
from connector.adapters.sql.tables import METADATA
from connector.ports.storage import WatchedMeeting

COLUMNS = [column for table in METADATA.sorted_tables for column in table.columns]
NAMES_OF_PEOPLE = re.compile(r"patient_name|given|family|birth|dob|mrn|email|phone|address_line")


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_every_column_says_what_it_holds_and_how_long(column: object) -> None:
    holds, _, kept = (getattr(column, "comment", None) or "").partition("; ")
    assert len(holds) > 5
    assert re.match(r"(kept|purged|deleted|destroyed|emptied|never deleted|overwritten)", kept)


def test_no_column_is_named_for_what_may_not_be_stored() -> None:
    assert [str(column) for column in COLUMNS if NAMES_OF_PEOPLE.search(column.name)] == []


def test_only_these_columns_are_sealed() -> None:
    sealed = {str(column) for column in COLUMNS if "seal" in column.name}
    assert sealed == {
        "visit_secret.conference_id_sealed",
        "visit_person.ehr_id_sealed",
        "participant.ehr_id_sealed",
        "outbox_message.sealed",
    }


@pytest.fixture
def plans(tmp_path: Path) -> dict[str, str]:
    """SQLite's plan of every statement that a search, claim or purge of the port executes."""
    store = sqlite_store(tmp_path)
    seed_visits(store)
    statements = executed_by(store)
    exercise(store)
    with closing(sqlite3.connect(tmp_path / "connector.db")) as connection:
        plans = {
            statement: connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            for statement in statements
            if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE"))
        }
    store.close()
    return {statement: "\n".join(row[3] for row in rows) for statement, rows in plans.items()}


def exercise(store: SqlStore) -> None:
    with store.read() as tx:
        tx.configurations.door(BASE_URL)
        tx.configurations.door_of_environment(ENVIRONMENT.id)
        tx.configurations.environments(TENANT)
        tx.configurations.find_environment(TENANT, "Riverside Health", ENVIRONMENT.kind)
        tx.configurations.revisions(ENVIRONMENT.id)
        tx.configurations.revisions_to_approve(TENANT, "approver-1")
        tx.configurations.owner_of(BASE_URL)
        tx.records.of(ENVIRONMENT.id)
        tx.records.find("record")
        tx.configurations.door_of_record(BASE_URL, "record")
        tx.configurations.tenant(TENANT)
        tx.grants.of_tenant(TENANT)
        tx.grants.accepted(BASE_URL, TENANT)
        tx.idempotency.find(TENANT, "actor", "key")
        tx.visits.completed_with_write_back(ENVIRONMENT.id, NOON)
        tx.links.find(ENVIRONMENT.id, "ehr-user-1")
        tx.redemptions.find("hash")
        tx.visits.find(ENVIRONMENT.id, VISIT.visit_key)
        tx.visits.get(VISIT.id)
        tx.visits.people(VISIT.id)
        tx.visits.roster(VISIT.id)
        tx.visits.events_of(VISIT.id)
        tx.visits.events_after(0, 10)
        tx.outbox.owed()
        tx.visits.forgotten(NOON, 10)
        tx.attendance.awaited()
        tx.attendance.key_made_at(VISIT.id)
    exercise_writing(store)


def exercise_writing(store: SqlStore) -> None:
    with store.write() as tx:
        tx.visits.claim(replace(VISIT, id="again"))
        tx.outbox.add(VISIT, "key", b"sealed", NOON)
        tx.outbox.claim_due(NOON, 10)
        tx.outbox.delivered(1, NOON)
        tx.inbox.claim(NOON, 10)
        tx.inbox.done(1)
        tx.watches.claim_due(NOON, NOON, 10)
        watch = WatchedMeeting(VISIT.id, TENANT, "u", None, None, wanted=True, attempts=0)
        tx.watches.confirmed(watch, "sub-1", NOON)
        tx.watches.renew_now(VISIT.id, TENANT, NOON)
        tx.watches.unwant_ended(NOON, NOON)
        tx.attendance.await_report(VISIT.id, NOON)
        tx.attendance.look_by(VISIT.id, NOON)
        for check in tx.attendance.claim_due(NOON, 10):
            tx.attendance.retry(check, NOON)
        tx.attendance.expect(NOON)
        tx.inbox.purge(NOON)
        tx.redemptions.purge(NOON)
        tx.visits.purge(NOON)


def test_every_search_of_the_port_uses_an_index(plans: dict[str, str]) -> None:
    slow = {
        statement: plan
        for statement, plan in plans.items()
        if re.search(r"SCAN (?!CONSTANT|due\b|LIST)(?!.*USING)", plan)
    }
    assert slow == {}
    assert len(plans) > 25


def test_claims_look_at_what_is_due_only(plans: dict[str, str]) -> None:
    claims = [plan for statement, plan in plans.items() if "due_at <=" in statement]
    assert len(claims) == 4
    assert all(re.search(r"USING (COVERING )?INDEX ix_\w+_due_at", plan) for plan in claims)


def test_a_door_is_one_statement(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    statements = executed_by(store)
    with store.read() as tx:
        tx.configurations.door(BASE_URL)
    with store.glance() as tx:
        tx.configurations.door(BASE_URL)
    store.close()
    asked = [s.split()[0] for s in statements if not s.startswith("PRAGMA")]
    assert asked == ["BEGIN", "SELECT", "COMMIT", "SELECT"]
