"""A database as the recording leaves it: one organization, one visit whose report was delivered."""

from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from loadtest.bench.parts.database import Database
from sqlalchemy import Boolean, Column, Engine, Integer, LargeBinary, Table, create_engine, insert
from sqlalchemy.types import DateTime

from connector.adapters.sql import tables  # noqa: F401 - without it METADATA is not whole
from connector.adapters.sql.column_types import ByValue
from connector.adapters.sql.columns import METADATA

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
BASE = "https://ehr.example/epic/api/FHIR/R4"
OWN: dict[str, dict[str, Any]] = {
    "tenant": {"id": "tenant-1", "geography": "americas"},
    "organization": {"id": "org-1"},
    "ehr_environment": {"id": "env-1", "organization_id": "org-1"},
    "configuration_revision": {
        "id": "rev-1",
        "environment_id": "env-1",
        "state": "active",
        "fhir_base_url": BASE,
    },
    "issuer_claim": {"environment_id": "env-1", "revision_id": "rev-1", "fhir_base_url": BASE},
    "integration_record": {"id": "record-1", "environment_id": "env-1"},
    "visit": {"id": "visit-1", "environment_id": "env-1"},
    "visit_secret": {"visit_id": "visit-1"},
    "meeting_watch": {"visit_id": "visit-1", "due_at": AT},
    "attendance_check": {"visit_id": "visit-1", "due_at": AT},
    "outbox_message": {
        "visit_id": "visit-1",
        "environment_id": "env-1",
        "state": "delivered",
        "code": "",
    },
    "graph_notification": {"due_at": AT},
    "audit_event": {},
}


def recorded_database(folder: Path) -> Database:
    file = folder / "connector.db"
    engine = create_engine(f"sqlite:///{file}")
    METADATA.create_all(engine)
    for name, own in OWN.items():
        _add(engine, METADATA.tables[name], own)
    engine.dispose()
    return Database(file)


def _add(engine: Engine, table: Table[Any], own: dict[str, Any]) -> None:
    needed = {
        column.name: _some(column)
        for column in table.columns
        if not column.nullable and not column.server_default and not column.identity
    }
    tenant = {"tenant_id": "tenant-1"} if "tenant_id" in table.columns else {}
    values = {**needed, **tenant, **own}
    typed = {
        name: table.columns[name].type.enumeration(value)
        if isinstance(table.columns[name].type, ByValue)
        else value
        for name, value in values.items()
    }
    with engine.begin() as connection:
        connection.execute(insert(table).values(typed))


def _some(column: Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, ByValue):
        first: Enum = next(iter(kind.enumeration))
        return first.value
    values = {Boolean: False, Integer: 0, LargeBinary: b"", DateTime: AT}
    found = [value for base, value in values.items() if isinstance(kind, base)]
    return AT if type(kind).__name__ == "UtcDateTime" else next(iter(found), column.name)
