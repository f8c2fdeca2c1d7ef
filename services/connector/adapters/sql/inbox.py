"""Graph's posts, stored raw; a claim moves `due_at` on, so a killed worker's rows come back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, select, update

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area
from connector.adapters.sql.tables import graph_notification
from connector.ports.storage import StoredNotification

_LEASE = timedelta(minutes=1)

_columns = graph_notification.c
_ADD = Prepared(insert(graph_notification).inline())
_DUE = (
    select(_columns.id)
    .where(_columns.due_at <= bindparam("now"))
    .order_by(_columns.due_at, _columns.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = Prepared(
    update(graph_notification)
    .where(_columns.id.in_(select(_DUE.c.id)))
    .values(due_at=bindparam("leased_until"), attempts=_columns.attempts + 1)
    .returning(_columns.id, _columns.body, _columns.attempts)
)
_THIS = _columns.id == bindparam("notification_id")
_DONE = Prepared(delete(graph_notification).where(_THIS))
_RETRY = update(graph_notification).where(_THIS).values(due_at=bindparam("later"))
_WAITING = (
    select(func.count().label("posts"))
    .select_from(graph_notification)
    .where(_columns.due_at.is_not(None))
)
_PURGE = delete(graph_notification).where(
    _columns.due_at.is_(None), _columns.received_at < bindparam("before")
)
_BURY = update(graph_notification).where(_THIS).values(due_at=None, code=bindparam("why"))


class SqlInbox(Area):
    def add(self, body: bytes, at: datetime) -> None:
        values = {"body": body, "received_at": at, "due_at": at, "attempts": 0, "code": ""}
        self._change(_ADD, values)

    def claim(self, now: datetime, limit: int) -> Sequence[StoredNotification]:
        claimed = self._change(
            _CLAIM, {"now": now, "at_most": limit, "leased_until": now + _LEASE}
        ).all()
        return [
            StoredNotification(row.id, row.body, attempts=row.attempts - 1)
            for row in sorted(claimed, key=lambda row: row.id)
        ]

    def done(self, notification_id: int) -> None:
        self._change(_DONE, {"notification_id": notification_id})

    def retry(self, notification_id: int, due_at: datetime) -> None:
        self._change(_RETRY, {"notification_id": notification_id, "later": due_at})

    def bury(self, notification_id: int, code: str) -> None:
        self._change(_BURY, {"notification_id": notification_id, "why": code})

    def waiting(self) -> int:
        return sum(row.posts for row in self._rows(_WAITING))

    def purge(self, received_before: datetime) -> int:
        return self._change(_PURGE, {"before": received_before}).rowcount
