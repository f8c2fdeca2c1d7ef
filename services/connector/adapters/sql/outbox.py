"""Write-backs: one lane per visit in the order of ids, each message leased to one worker.

A message that is delivered or parked has no `due_at`, so claiming looks at what is due only. The
lease is `due_at` moved on: a killed worker's message comes back by itself (case 73).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, func, select, update

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, on_both
from connector.adapters.sql.tables import outbox_message, visit
from connector.adapters.sql.visit_secrets import DESTROYED
from connector.domain.outbox import CLAIM, MessageState, OutboxMessage
from connector.domain.visit import Visit
from connector.ports.storage import Backlog, OwedMessage, StorageConflict

_columns = outbox_message.c
_earlier = outbox_message.alias("earlier")

# Locking the visit's row first lets ids rise in the order of commits within a lane.
_NEW = (
    select(
        visit.c.id,
        visit.c.environment_id,
        visit.c.tenant_id,
        bindparam("new_key", type_=_columns.key.type),
        bindparam("new_sealed", type_=_columns.sealed.type),
        bindparam("new_state", MessageState.PENDING, type_=_columns.state.type),
        bindparam("no_attempts", 0, type_=_columns.attempts.type),
        bindparam("at", type_=_columns.due_at.type),
        bindparam("no_code", "", type_=_columns.code.type),
        bindparam("at", type_=_columns.created_at.type),
    )
    .where(visit.c.id == bindparam("to_visit"))
    .with_for_update(key_share=True)
)
_ADD = on_both(
    outbox_message,
    lambda insert: insert.from_select(
        [
            "visit_id",
            "environment_id",
            "tenant_id",
            "key",
            "sealed",
            "state",
            "attempts",
            "due_at",
            "code",
            "created_at",
        ],
        _NEW,
    ).on_conflict_do_nothing(index_elements=["key"]),
)
_HAS_KEY = Prepared(select(_columns.id).where(_columns.key == bindparam("known_key")))

_passed_over: BindParameter[Sequence[str]] = bindparam("passed_over", expanding=True)
_DUE_HEADS = (
    select(_columns.id)
    .where(
        _columns.due_at <= bindparam("now"),
        _columns.environment_id.not_in(_passed_over),
        ~exists().where(
            _earlier.c.visit_id == _columns.visit_id,
            _earlier.c.id < _columns.id,
            _earlier.c.state != MessageState.DELIVERED,
        ),
    )
    .order_by(_columns.due_at, _columns.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, of=outbox_message)
    .cte("due")
)
_CLAIM = (
    update(outbox_message)
    .where(_columns.id.in_(select(_DUE_HEADS.c.id)))
    .values(due_at=bindparam("leased_until"), attempts=_columns.attempts + 1)
    .returning(*_columns)
)

_THIS = _columns.id == bindparam("message_id")
# What the EHR has taken stays delivered, whatever a worker that lost its lease still says.
_OPEN = update(outbox_message).where(_THIS, _columns.state != MessageState.DELIVERED)
_DELIVERED = Prepared(
    _OPEN.values(state=MessageState.DELIVERED, due_at=None, code="", delivered_at=bindparam("at"))
)
# A claim is named by its number: who lost the lease may no longer say what to do next.
_HELD = _OPEN.where(_columns.attempts == bindparam("claim"))
_RETRY = _HELD.values(state=MessageState.RETRY_AT, due_at=bindparam("later"), code=bindparam("why"))
_PARK = _HELD.values(state=MessageState.PARKED, due_at=None, code=bindparam("why"))
_OWED_STATES = [state for state in MessageState if state is not MessageState.DELIVERED]
_OWED = select(outbox_message).where(_columns.state.in_(_OWED_STATES)).order_by(_columns.id)
_REPLAY = (
    update(outbox_message)
    .where(_THIS, _columns.state == MessageState.PARKED, _columns.sealed != DESTROYED)
    .values(state=MessageState.RETRY_AT, due_at=bindparam("at"))
)
_COUNTS = select(_columns.state, func.count().label("messages")).group_by(_columns.state)
_TRIED_AGAIN = (MessageState.PENDING, MessageState.RETRY_AT)
# By the index of due_at, which what is delivered or parked lacks.
_BACKLOG = (
    select(
        _columns.state,
        func.count().label("messages"),
        func.min(_columns.created_at).label("oldest_at"),
    )
    .where(_columns.due_at.is_not(None))
    .group_by(_columns.state)
)


class SqlOutbox(Area):
    def add(self, visit: Visit, key: str, sealed: bytes, at: datetime) -> None:
        values = {"to_visit": visit.id, "new_key": key, "new_sealed": sealed, "at": at}
        added = self._change(_ADD, values).rowcount
        if not added and self._row(_HAS_KEY, known_key=key) is None:
            raise StorageConflict

    def claim_due(
        self, now: datetime, limit: int, but_not_of: Collection[str] = ()
    ) -> Sequence[OutboxMessage]:
        values = {
            "now": now,
            "at_most": limit,
            "leased_until": now + CLAIM,
            "passed_over": ["", *but_not_of],  # never empty: its SQL would be another one
        }
        claimed = self._change(_CLAIM, values).all()
        return [
            OutboxMessage(
                id=row.id,
                visit_id=row.visit_id,
                environment_id=row.environment_id,
                tenant_id=row.tenant_id,
                key=row.key,
                sealed=row.sealed,
                state=row.state,
                attempts=row.attempts - 1,
            )
            for row in sorted(claimed, key=lambda row: row.id)
        ]

    def delivered(self, message_id: int, at: datetime) -> None:
        self._change(_DELIVERED, {"message_id": message_id, "at": at})

    def retry(self, message: OutboxMessage, due_at: datetime, code: str) -> None:
        self._change(_RETRY, {"later": due_at, "why": code} | _claim_of(message))

    def park(self, message: OutboxMessage, code: str) -> None:
        self._change(_PARK, {"why": code} | _claim_of(message))

    def owed(self) -> Sequence[OwedMessage]:
        return [
            OwedMessage(
                id=row.id,
                visit_id=row.visit_id,
                tenant_id=row.tenant_id,
                environment_id=row.environment_id,
                state=row.state,
                attempts=row.attempts,
                due_at=row.due_at,
                code=row.code,
                created_at=row.created_at,
                replayable=row.state is MessageState.PARKED and row.sealed != DESTROYED,
            )
            for row in self._rows(_OWED)
        ]

    def replay(self, message_id: int, at: datetime) -> None:
        self._change(_REPLAY, {"message_id": message_id, "at": at})

    def counts(self) -> Mapping[str, int]:
        found = {row.state: row.messages for row in self._rows(_COUNTS)}
        return {state.value: found.get(state, 0) for state in MessageState}

    def backlog(self) -> Backlog:
        found = {row.state: row for row in self._rows(_BACKLOG)}
        return Backlog(
            {state.value: found[state].messages if state in found else 0 for state in _TRIED_AGAIN},
            min((row.oldest_at for row in found.values()), default=None),
        )


def _claim_of(message: OutboxMessage) -> dict[str, Any]:
    return {"message_id": message.id, "claim": message.attempts + 1}
