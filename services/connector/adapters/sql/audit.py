"""The audit trail: lines are only added, and each seals the one before it (reliability.md case 77).

A line's hash covers its own words and the hash of the line before, so a line that is changed, taken
out or moved is found by reading the trail once. The oldest line kept is the anchor: retention may
cut the trail at its beginning, nowhere else.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from connector.adapters.sql.statements import Area
from connector.adapters.sql.tables import audit_event
from connector.ports.storage import AuditEntry

_columns = audit_event.c
_ADD = insert(audit_event).inline()
_LAST_HASH = select(_columns.hash).order_by(_columns.id.desc()).limit(1)
_TRAIL = select(audit_event).order_by(_columns.id)
_BATCH = 1000
_HASHED = ("event", "outcome", "reference", "tenant_id", "environment_id", "actor", "facts")


class AuditTrail(Area):
    def __init__(self, connection: Connection, *, writing: bool) -> None:
        super().__init__(connection, writing=writing)
        self.pending: list[dict[str, Any]] = []

    def add(self, entry: AuditEntry) -> None:
        """Note the line; it is chained when the transaction closes."""
        self._require_writing()
        if entry.at.tzinfo is None:
            raise ValueError("a datetime without a time zone is never stored")
        self.pending.append(
            {
                "at": entry.at,
                "event": str(entry.event),
                "outcome": str(entry.outcome),
                "reference": entry.reference,
                "tenant_id": entry.tenant_id,
                "environment_id": entry.environment_id,
                "actor": entry.actor,
                "facts": json.dumps(dict(entry.facts or {}), sort_keys=True),
            }
        )

    def write_pending(self) -> None:
        """Only inside the gate: two lines chained to the same one would break the trail."""
        if not self.pending:
            return
        last = self._row(_LAST_HASH)
        previous = last.hash if last else ""
        for line in self.pending:
            line["previous_hash"] = previous
            line["hash"] = previous = _hash(previous, line["at"], line)
        self._change(_ADD, self.pending)
        self.pending = []


def first_broken_line(connection: Connection) -> int | None:
    """Id of the first line that is not what was written after the one before it; None if all are."""
    previous: str | None = None
    with connection.execution_options(yield_per=_BATCH).execute(_TRAIL) as trail:
        for row in trail:
            if previous not in (None, row.previous_hash) or row.hash != _hash_of(row):
                return int(row.id)
            previous = row.hash
    return None


def _hash_of(row: Row[Any]) -> str:
    return _hash(row.previous_hash, row.at, {name: getattr(row, name) for name in _HASHED})


def _hash(previous: str, at: datetime, line: dict[str, Any]) -> str:
    words = [previous, at.astimezone(UTC).isoformat(), *(line[name] for name in _HASHED)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
