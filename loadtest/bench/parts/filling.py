"""From one configured organization and one visit to as many as a busy connector has: copied rows, own ids."""

import sqlite3
from typing import Final

from loadtest.bench.parts.database import insert_like
from loadtest.bench.wrk import NotMeasured

_LATER: Final = "datetime('now', '+1 day') || '.000000'"
_JUST_NOW: Final = "datetime('now', '-1 second') || '.000000'"
_OF_AN_ENVIRONMENT: Final = ("configuration_revision", "issuer_claim", "integration_record")


def suffix_of(number: int) -> str:
    """What tells an organization's rows and addresses from the first one's, which have none."""
    return "" if number == 1 else f"-{number:02d}"


def fill(connection: sqlite3.Connection, *, organizations: int, audit_lines: int) -> None:
    """All configured as the only one there is; an audit trail of at least so many lines.

    Raises:
        NotMeasured: nothing is configured, or not exactly one environment.
    """
    environments = connection.execute("SELECT organization_id, id FROM ehr_environment").fetchall()
    if len(environments) != 1:
        raise NotMeasured(f"{len(environments)} EHR environments are configured, not one")
    for number in range(2, organizations + 1):
        organization, environment = environments[0]
        _add_organization(connection, organization, environment, suffix_of(number))
    while _count(connection, "audit_event") < audit_lines:
        if not insert_like(connection, "audit_event", {"id": "NULL"}, "tenant_id IS NOT NULL"):
            raise NotMeasured("the set-up left no audit trail")


def rest(connection: sqlite3.Connection) -> None:
    """Nothing of what was set up is due today: Graph has confirmed every watch, no attendance is looked for."""
    connection.execute(
        f"UPDATE meeting_watch SET graph_id = 'bench-' || visit_id, expires_at = {_LATER}, "  # noqa: S608 - our own words
        "due_at = NULL"
    )
    connection.execute(f"UPDATE attendance_check SET due_at = {_LATER}")  # noqa: S608 - our own words
    connection.execute("DELETE FROM graph_notification")


def owe(connection: sqlite3.Connection, first: int, visits: int, organizations: int) -> int:
    """The reports of the visit that was reported, once more for so many visits; how many are owed.

    Args:
        connection: in a transaction.
        first: number of the first of these visits; each may be used once.
        visits: how many.
        organizations: in turn; made by `fill`.

    Raises:
        NotMeasured: no report was ever delivered.
    """
    delivered = "SELECT visit_id FROM outbox_message WHERE state = 'delivered' ORDER BY id"
    reported = connection.execute(delivered).fetchone()
    if reported is None:
        raise NotMeasured("no report was delivered while the call was recorded")
    owed = 0
    for number in range(first, first + visits):
        owed += _owe_for(connection, reported[0], number, suffix_of(1 + number % organizations))
    return owed


def _add_organization(
    connection: sqlite3.Connection, organization: str, environment: str, suffix: str
) -> None:
    own = {
        "id": f"id || '{suffix}'",
        "organization_id": f"organization_id || '{suffix}'",
        "environment_id": f"environment_id || '{suffix}'",
        "revision_id": f"revision_id || '{suffix}'",
        "fhir_base_url": f"replace(fhir_base_url, '/api/FHIR', '{suffix}/api/FHIR')",
    }
    named = {"id": own["id"], "name": f"name || '{suffix}'"}
    insert_like(connection, "organization", named, "id = ?", (organization,))
    insert_like(connection, "ehr_environment", own, "id = ?", (environment,))
    for table in _OF_AN_ENVIRONMENT:
        insert_like(connection, table, own, "environment_id = ?", (environment,))


def _owe_for(connection: sqlite3.Connection, reported: str, number: int, suffix: str) -> int:
    environment, visit = f"environment_id || '{suffix}'", f"'bench-{number}'"
    own = {"id": visit, "environment_id": environment, "visit_key": f"visit_key || {visit}"}
    insert_like(connection, "visit", own, "id = ?", (reported,))
    insert_like(connection, "visit_secret", {"visit_id": visit}, "visit_id = ?", (reported,))
    pending = {
        "id": "NULL",
        "visit_id": visit,
        "environment_id": environment,
        "key": f"substr(key, 1, 20) || {visit}",
        "state": "'pending'",
        "attempts": "0",
        "due_at": _JUST_NOW,
        "created_at": _JUST_NOW,
        "delivered_at": "NULL",
    }
    return insert_like(connection, "outbox_message", pending, "visit_id = ?", (reported,))


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own words
