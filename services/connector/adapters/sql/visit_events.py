"""Lines of the live page; their numbers are in the order of commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from connector.adapters.sql.gates import pass_to_live_pages
from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area
from connector.adapters.sql.tables import visit_event
from connector.ports.storage import VisitEvent

_columns = visit_event.c
_ADD = Prepared(insert(visit_event).inline())
_AFTER = Prepared(
    select(visit_event)
    .where(_columns.number > bindparam("after"))
    .order_by(_columns.number)
    .limit(bindparam("at_most"))
)
_OF_VISIT = Prepared(
    select(visit_event)
    .where(_columns.visit_id == bindparam("visit_id"), _columns.number > bindparam("after"))
    .order_by(_columns.number)
)
_LAST = Prepared(select(func.coalesce(func.max(_columns.number), 0).label("number")))


class VisitEvents(Area):
    def __init__(self, connection: Connection, *, writing: bool) -> None:
        super().__init__(connection, writing=writing)
        self.pending: list[dict[str, Any]] = []

    def add(self, visit_id: str, kind: str, role: str, label: str, at: datetime) -> None:
        """Note the line; it gets its number when the transaction closes."""
        self._require_writing()
        self.pending.append(
            {"visit_id": visit_id, "kind": kind, "role": role, "label": label, "at": at}
        )

    def write_pending(self) -> None:
        """Past the gate: nothing may follow but other numbered lines and the commit."""
        if self.pending:
            pass_to_live_pages(self._connection)
            self._change_each(_ADD, self.pending)
            self.pending = []

    def after(self, number: int, limit: int) -> Sequence[VisitEvent]:
        return [_to_event(row) for row in self._rows(_AFTER, after=number, at_most=limit)]

    def of(self, visit_id: str, after: int) -> Sequence[VisitEvent]:
        return [_to_event(row) for row in self._rows(_OF_VISIT, visit_id=visit_id, after=after)]

    def last_number(self) -> int:
        row = self._row(_LAST)
        return int(row.number) if row else 0


def _to_event(row: Row[Any]) -> VisitEvent:
    return VisitEvent(
        number=row.number,
        visit_id=row.visit_id,
        kind=row.kind,
        role=row.role,
        label=row.label,
        at=row.at,
    )
