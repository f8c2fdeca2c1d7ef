"""The audit trail: lines are only added, and each seals the one before it (reliability.md case 77).

A line's hash covers its own words and the hash of the line before; `domain.audit_chain` says what
that proves. Nothing here deletes a line.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert

from connector.adapters.sql.gates import pass_to_audit_trail
from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area
from connector.adapters.sql.tables import audit_event
from connector.ports.storage import AuditEntry

_ADD = Prepared(insert(audit_event).inline())
_LAST_HASH = "SELECT hash FROM audit_event ORDER BY id DESC LIMIT 1"
HASHED = ("event", "outcome", "reference", "tenant_id", "environment_id", "actor", "facts")


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
        """Past the gate, nothing may follow but the commit: two lines chained to one would break the trail."""
        if not self.pending:
            return
        previous = pass_to_audit_trail(self._connection, _LAST_HASH) or ""
        for line in self.pending:
            line["previous_hash"] = previous
            line["hash"] = previous = hash_of(previous, line["at"], line)
        self._change_each(_ADD, self.pending)
        self.pending = []


def hash_of(previous: str, at: datetime, line: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before, the time in UTC (naive means UTC) and the words of `HASHED`."""
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    words = [previous, utc.isoformat(), *(line[name] for name in HASHED)]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
