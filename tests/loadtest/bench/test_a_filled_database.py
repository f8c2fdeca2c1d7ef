"""The recorded organization and visit become many, whose rows the connector would take for its own."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from loadtest.bench.parts.database import Database, now_text
from loadtest.bench.parts.feed import happen
from loadtest.bench.parts.filling import fill, owe, rest
from loadtest.bench.parts.outbox import wait_until_delivered
from loadtest.bench.wrk import NotMeasured
from tests.loadtest.bench.recorded_database import recorded_database

OF_AN_ORGANIZATION = (
    "organization",
    "ehr_environment",
    "configuration_revision",
    "issuer_claim",
    "integration_record",
)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return recorded_database(tmp_path)


@pytest.fixture
def owing(database: Database) -> Database:
    with database.writing() as connection:
        fill(connection, organizations=2, audit_lines=1)
        owe(connection, 0, 4, 2)
    return database


def change(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.execute(statement)


def test_every_organization_has_its_environment_its_approval_and_its_records(
    database: Database,
) -> None:
    with database.writing() as connection:
        fill(connection, organizations=3, audit_lines=1)
    assert {database.count(table) for table in OF_AN_ORGANIZATION} == {3}
    doors = database.ask(
        "SELECT r.fhir_base_url FROM issuer_claim c JOIN configuration_revision r ON r.id = c.revision_id "
        "AND r.environment_id = c.environment_id AND r.fhir_base_url = c.fhir_base_url ORDER BY 1"
    )
    assert doors == [f"https://ehr.example/epic{s}/api/FHIR/R4" for s in ("-02", "-03", "")]


def test_no_copied_row_points_at_nothing(owing: Database) -> None:
    with closing(sqlite3.connect(owing.file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_audit_trail_fills_a_page(database: Database) -> None:
    with database.writing() as connection:
        fill(connection, organizations=1, audit_lines=50)
    assert 50 <= database.count("audit_event") < 100


def test_without_an_audit_trail_there_is_none_to_fill(database: Database) -> None:
    change(database, "DELETE FROM audit_event")
    with database.writing() as connection, pytest.raises(NotMeasured, match="no audit trail"):
        fill(connection, organizations=1, audit_lines=50)


def test_a_set_up_that_configured_nothing_is_refused(database: Database) -> None:
    change(database, "DELETE FROM ehr_environment")
    with database.writing() as connection, pytest.raises(NotMeasured, match="0 EHR environments"):
        fill(connection, organizations=2, audit_lines=1)


def test_nothing_of_the_set_up_is_due_any_more(database: Database) -> None:
    with database.writing() as connection:
        rest(connection)
    now = now_text(time.time())
    assert database.ask(
        "SELECT count(*) FROM meeting_watch WHERE due_at IS NULL AND expires_at > ?", [now]
    ) == [1]
    assert database.ask("SELECT count(*) FROM attendance_check WHERE due_at > ?", [now]) == [1]
    assert database.count("graph_notification") == 0


def test_reports_are_owed_by_visits_of_their_own_in_all_organizations(owing: Database) -> None:
    now = now_text(time.time())
    owed = "FROM outbox_message WHERE state = 'pending' AND due_at < ? AND delivered_at IS NULL"
    assert len({*owing.ask(f"SELECT visit_id {owed}", [now])}) == 4
    assert len({*owing.ask(f"SELECT key {owed}", [now])}) == 4
    assert Counter(owing.ask(f"SELECT environment_id {owed}", [now])) == {"env-1": 2, "env-1-02": 2}


def test_what_was_owed_once_is_not_owed_again_under_the_same_number(owing: Database) -> None:
    with (
        pytest.raises(sqlite3.IntegrityError),
        owing.writing() as connection,
    ):
        owe(connection, 3, 1, 2)
    assert owing.count("outbox_message WHERE state = 'pending'") == 4


def test_a_call_that_told_the_ehr_nothing_is_no_ground_for_reports(database: Database) -> None:
    change(database, "UPDATE outbox_message SET state = 'retry_at'")
    with database.writing() as connection, pytest.raises(NotMeasured, match="no report"):
        owe(connection, 0, 1, 1)


def test_it_waits_until_everything_is_delivered(owing: Database) -> None:
    looks: list[int] = []

    def works() -> bool:
        looks.append(1)
        change(owing, "UPDATE outbox_message SET state = 'delivered'")
        return True

    wait_until_delivered(owing, works)
    assert looks == [1]


def test_a_report_the_ehr_refused_ends_it(owing: Database) -> None:
    change(owing, "UPDATE outbox_message SET code = 'http_500', state = 'retry_at' WHERE id = 3")
    with pytest.raises(NotMeasured, match="http_500"):
        wait_until_delivered(owing, lambda: True)


def test_a_worker_that_ended_ends_it(owing: Database) -> None:
    with pytest.raises(NotMeasured, match="ended and owes 4"):
        wait_until_delivered(owing, lambda: False)


def test_patience_ends_it(owing: Database) -> None:
    with pytest.raises(NotMeasured, match="4 reports are still owed"):
        wait_until_delivered(owing, lambda: True, patience_seconds=0)


def test_events_are_numbered_in_order_and_in_the_database(database: Database) -> None:
    first, at = happen(database, ["visit-1", "visit-1"])
    second, later = happen(database, ["visit-1"])
    assert first + second == sorted({*first, *second})
    assert database.ask("SELECT number FROM visit_event ORDER BY number") == first + second
    assert at < later


def test_a_copy_has_what_was_written_last_and_leaves_the_original_alone(
    database: Database, tmp_path: Path
) -> None:
    change(database, "PRAGMA user_version = 7")
    happen(database, ["visit-1"])
    copy = database.copied(tmp_path / "copy.db")
    happen(copy, ["visit-1"])
    assert (database.count("visit_event"), copy.count("visit_event")) == (1, 2)
    again = database.copied(copy.file)
    assert again.count("visit_event") == 1
