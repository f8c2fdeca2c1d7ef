"""Subscriptions of meetings, as wanted and as Graph last confirmed them.

`due_at` says when somebody should look at a row: at once when it is wanted or no longer wanted,
after a lease or a pause while somebody tries, never while it is confirmed; then `expires_at` does.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, or_, select, update

from connector.adapters.sql.meeting_tables import meeting_watch
from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, on_both
from connector.adapters.sql.tables import visit
from connector.ports.storage import WatchedMeeting

# Looking for an older subscription, deleting it and making one: up to five calls of 8 s, and pauses.
_LEASE = timedelta(seconds=120)
_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)

_columns = meeting_watch.c
_WANT = on_both(
    meeting_watch,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["visit_id"],
        set_={"wanted": True, "due_at": insert.excluded.due_at},
        where=_columns.wanted.is_(False),
    ),
)
_THIS = _columns.visit_id == bindparam("of_visit")
_UNWANT = Prepared(
    update(meeting_watch)
    .where(_THIS, _columns.wanted.is_(True))
    .values(wanted=False, due_at=bindparam("at"))
)
_DUE = (
    select(_columns.visit_id)
    .where(
        or_(
            _columns.due_at <= bindparam("now"),
            and_(_columns.due_at.is_(None), _columns.expires_at < bindparam("renew_before")),
        )
    )
    .order_by(_columns.due_at, _columns.visit_id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = Prepared(
    update(meeting_watch)
    .where(_columns.visit_id.in_(select(_DUE.c.visit_id)))
    .values(due_at=bindparam("leased_until"), attempts=_columns.attempts + 1)
    .returning(*_columns)
)
# A claim is named by its number: who lost the lease may no longer say how things stand.
_HELD = and_(_THIS, _columns.attempts == bindparam("claim"))
_CONFIRMED = Prepared(
    update(meeting_watch)
    .where(_HELD)
    .values(
        graph_id=bindparam("confirmed_id"),
        expires_at=bindparam("confirmed_until"),
        attempts=0,
        # Not wanted any more while Graph was making it: it stays due, to be deleted.
        due_at=case((_columns.wanted.is_(True), None), else_=_columns.due_at),
    )
)
_FORGET = update(meeting_watch).values(graph_id=None, expires_at=None, due_at=_AT_ONCE)
_LOST = _FORGET.where(_HELD)
_LOST_BUT_WANTED = _FORGET.where(_THIS, _columns.wanted.is_(True))
_DELETE_UNWANTED = delete(meeting_watch).where(_THIS, _columns.wanted.is_(False))
_RETRY = update(meeting_watch).where(_HELD).values(due_at=bindparam("later"))
_RENEW_NOW = (
    update(meeting_watch)
    .where(
        _THIS,
        _columns.tenant_id == bindparam("of_tenant"),
        # Before it is confirmed somebody is making it, and it needs no renewal.
        _columns.graph_id.is_not(None),
    )
    .values(due_at=bindparam("at"))
)
_UNWANT_ENDED = (
    update(meeting_watch)
    .where(
        _columns.wanted.is_(True),
        _columns.visit_id.in_(select(visit.c.id).where(visit.c.ended_at < bindparam("before"))),
    )
    .values(wanted=False, due_at=bindparam("at"))
)


class SqlWatches(Area):
    def want(self, visit_id: str, tenant_id: str, join_url: str, at: datetime) -> None:
        values = {
            "visit_id": visit_id,
            "tenant_id": tenant_id,
            "join_url": join_url,
            "wanted": True,
            "attempts": 0,
            "due_at": at,
        }
        self._change(_WANT, values)

    def unwant(self, visit_id: str, at: datetime) -> None:
        self._change(_UNWANT, {"of_visit": visit_id, "at": at})

    def claim_due(
        self, now: datetime, renew_before: datetime, limit: int
    ) -> Sequence[WatchedMeeting]:
        values = {
            "now": now,
            "renew_before": renew_before,
            "at_most": limit,
            "leased_until": now + _LEASE,
        }
        return [
            WatchedMeeting(
                visit_id=row.visit_id,
                tenant_id=row.tenant_id,
                join_url=row.join_url,
                graph_id=row.graph_id,
                expires_at=row.expires_at,
                wanted=row.wanted,
                attempts=row.attempts - 1,
            )
            for row in self._change(_CLAIM, values).all()
        ]

    def confirmed(self, watch: WatchedMeeting, graph_id: str, expires_at: datetime) -> None:
        values = {"confirmed_id": graph_id, "confirmed_until": expires_at}
        self._change(_CONFIRMED, values | _claim_of(watch))

    def removed(self, visit_id: str) -> None:
        self._change(_LOST_BUT_WANTED, {"of_visit": visit_id})
        self._change(_DELETE_UNWANTED, {"of_visit": visit_id})

    def retry(self, watch: WatchedMeeting, due_at: datetime) -> None:
        self._change(_RETRY, {"later": due_at} | _claim_of(watch))

    def lost(self, watch: WatchedMeeting) -> None:
        self._change(_LOST, _claim_of(watch))

    def renew_now(self, visit_id: str, tenant_id: str, at: datetime) -> None:
        self._change(_RENEW_NOW, {"of_visit": visit_id, "of_tenant": tenant_id, "at": at})

    def unwant_ended(self, ended_before: datetime, at: datetime) -> None:
        self._change(_UNWANT_ENDED, {"before": ended_before, "at": at})


def _claim_of(watch: WatchedMeeting) -> dict[str, Any]:
    return {"of_visit": watch.visit_id, "claim": watch.attempts + 1}
