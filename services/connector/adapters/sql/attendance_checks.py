"""Looks at Graph's attendance reports: when the next one is due, and which claim holds it.

`due_at` says when somebody should look, after a lease or a pause while somebody does, never when
there is nothing to look for. A row lives as long as its visit's data key.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, exists, false, func, literal, or_, select, update

from connector.adapters.sql.meeting_tables import attendance_check
from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, on_both
from connector.adapters.sql.tables import visit, visit_secret
from connector.domain.visit import FINAL, VisitState
from connector.ports.attendance import AttendanceCheck

# Up to a dozen reports and their pages, 8 s each, and the token first.
_LEASE = timedelta(seconds=240)

_columns = attendance_check.c
_NAMES = ["visit_id", "due_at", "awaited", "failures", "claims", "code"]
_OPEN_STATES = [state for state in VisitState if state not in FINAL]
_due_at = bindparam("at", type_=_columns.due_at.type)
# Given up stays given up: a site without the permission would be asked for ever.
_IS_IDLE = and_(_columns.due_at.is_(None), _columns.code == "")
_UNEXPECTED = (
    select(visit.c.id, _due_at, false(), literal(0), literal(0), literal(""))
    .join_from(visit, visit_secret)
    .where(
        visit.c.state.in_(_OPEN_STATES),
        visit.c.meeting_id.is_not(None),
        ~exists().where(_columns.visit_id == visit.c.id, ~_IS_IDLE),
    )
)
_EXPECT = on_both(
    attendance_check,
    lambda insert: insert.from_select(_NAMES, _UNEXPECTED).on_conflict_do_update(
        index_elements=["visit_id"],
        set_={"due_at": insert.excluded.due_at, "failures": 0},
        where=_IS_IDLE,
    ),
)
_THIS = select(
    visit_secret.c.visit_id,
    _due_at,
    bindparam("is_awaited", type_=_columns.awaited.type),
    literal(0),
    literal(0),
    literal(""),
).where(visit_secret.c.visit_id == bindparam("of_visit"))
_AWAIT = on_both(
    attendance_check,
    lambda insert: insert.from_select(_NAMES, _THIS).on_conflict_do_update(
        index_elements=["visit_id"],
        set_={
            "due_at": insert.excluded.due_at,
            "awaited": True,
            "failures": 0,
            # Whoever is looking now may have looked too early: their claim counts no more.
            "claims": _columns.claims + 1,
            "code": "",
        },
    ),
)
_LOOK_BY = on_both(
    attendance_check,
    lambda insert: insert.from_select(_NAMES, _THIS).on_conflict_do_update(
        index_elements=["visit_id"],
        set_={"due_at": insert.excluded.due_at},
        where=or_(_IS_IDLE, _columns.due_at > insert.excluded.due_at),
    ),
)
_DUE = (
    select(_columns.visit_id)
    .where(_columns.due_at <= bindparam("now"))
    .order_by(_columns.due_at, _columns.visit_id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = Prepared(
    update(attendance_check)
    .where(_columns.visit_id.in_(select(_DUE.c.visit_id)))
    .values(due_at=bindparam("leased_until"), claims=_columns.claims + 1)
    .returning(*_columns)
)
_HELD = update(attendance_check).where(
    _columns.visit_id == bindparam("of_visit"), _columns.claims == bindparam("claim")
)
_LOOK_AGAIN = _HELD.values(due_at=bindparam("later"), awaited=False, failures=0)
_RETRY = _HELD.values(due_at=bindparam("later"), failures=_columns.failures + 1)
_SETTLE = Prepared(_HELD.values(due_at=None, awaited=False, code=bindparam("why")))
_KEY_MADE_AT = Prepared(
    select(visit_secret.c.kept_at).where(visit_secret.c.visit_id == bindparam("visit_id"))
)
_AWAITED = select(func.count()).where(_columns.awaited.is_(True))


class SqlAttendanceChecks(Area):
    def expect(self, due_at: datetime) -> None:
        self._change(_EXPECT, {"at": due_at})

    def await_report(self, visit_id: str, due_at: datetime) -> None:
        self._change(_AWAIT, {"of_visit": visit_id, "at": due_at, "is_awaited": True})

    def look_by(self, visit_id: str, due_at: datetime) -> None:
        self._change(_LOOK_BY, {"of_visit": visit_id, "at": due_at, "is_awaited": False})

    def claim_due(self, now: datetime, limit: int) -> Sequence[AttendanceCheck]:
        values = {"now": now, "at_most": limit, "leased_until": now + _LEASE}
        return [
            AttendanceCheck(row.visit_id, row.awaited, row.failures, row.claims)
            for row in self._change(_CLAIM, values).all()
        ]

    def look_again(self, check: AttendanceCheck, due_at: datetime) -> None:
        self._change(_LOOK_AGAIN, {"later": due_at} | _claim_of(check))

    def retry(self, check: AttendanceCheck, due_at: datetime) -> None:
        self._change(_RETRY, {"later": due_at} | _claim_of(check))

    def settle(self, check: AttendanceCheck) -> None:
        self.give_up(check, "")

    def give_up(self, check: AttendanceCheck, code: str) -> None:
        self._change(_SETTLE, {"why": code} | _claim_of(check))

    def key_made_at(self, visit_id: str) -> datetime | None:
        row = self._row(_KEY_MADE_AT, visit_id=visit_id)
        return row and row.kept_at

    def awaited(self) -> int:
        row = self._row(_AWAITED)
        return int(row[0]) if row else 0


def _claim_of(check: AttendanceCheck) -> dict[str, Any]:
    return {"of_visit": check.visit_id, "claim": check.claims}
