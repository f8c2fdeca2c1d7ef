"""Data keys of visits and everything sealed under them: kept, and destroyed for good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BindParameter,
    and_,
    bindparam,
    case,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)

from connector.adapters.sql.meeting_tables import attendance_check
from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, insert_if_new
from connector.adapters.sql.tables import (
    outbox_message,
    participant,
    visit,
    visit_person,
    visit_secret,
)
from connector.domain.outbox import MessageState
from connector.ports.storage import VisitSecrets

DESTROYED = b""
_AT_ONCE = 1000

_GET = Prepared(select(visit_secret).where(visit_secret.c.visit_id == bindparam("visit_id")))
_KEEP = insert_if_new(visit_secret, "visit_id")

_nothing_owed = ~exists().where(
    outbox_message.c.visit_id == visit.c.id,
    outbox_message.c.state != MessageState.DELIVERED,
)
_nothing_to_look_for = ~exists().where(
    attendance_check.c.visit_id == visit.c.id, attendance_check.c.due_at.is_not(None)
)
# A visit somebody is writing to now is left for the next round.
_DOOMED = (
    select(visit.c.id)
    .join_from(visit, visit_secret)
    .where(
        or_(
            and_(visit.c.ended_at < bindparam("ended_before"), _nothing_owed, _nothing_to_look_for),
            visit_secret.c.kept_at < bindparam("kept_before"),
        )
    )
    .limit(_AT_ONCE)
    .with_for_update(skip_locked=True, of=visit, key_share=True)
)
_doomed_ids: BindParameter[Sequence[str]] = bindparam("doomed", expanding=True)
_owed = outbox_message.c.state != MessageState.DELIVERED
_PARKED = literal(MessageState.PARKED, outbox_message.c.state.type)
_ERASE = (
    delete(visit_secret).where(visit_secret.c.visit_id.in_(_doomed_ids)),
    delete(attendance_check).where(attendance_check.c.visit_id.in_(_doomed_ids)),
    update(visit_person)
    .where(visit_person.c.visit_id.in_(_doomed_ids))
    .values(ehr_id_sealed=DESTROYED),
    update(participant).where(participant.c.visit_id.in_(_doomed_ids)).values(ehr_id_sealed=None),
    update(outbox_message)
    .where(outbox_message.c.visit_id.in_(_doomed_ids))
    .values(
        sealed=DESTROYED,
        state=case((_owed, _PARKED), else_=outbox_message.c.state),
        code=case((_owed, "secrets_destroyed"), else_=outbox_message.c.code),
        due_at=None,
    ),
)


class SealedRows(Area):
    def get(self, visit_id: str) -> VisitSecrets | None:
        row = self._row(_GET, visit_id=visit_id)
        return row and VisitSecrets(row.wrapped_key, row.conference_id_sealed)

    def keep(self, visit_id: str, secrets: VisitSecrets, at: datetime) -> bool:
        values = {
            "visit_id": visit_id,
            "wrapped_key": secrets.wrapped_key,
            "conference_id_sealed": secrets.conference_id_sealed,
            "kept_at": at,
        }
        return self._change(_KEEP, values).rowcount == 1

    def destroy(self, ended_before: datetime, kept_before: datetime) -> int:
        destroyed = 0
        while doomed := self._rows(_DOOMED, ended_before=ended_before, kept_before=kept_before):
            ids = [row.id for row in doomed]
            for statement in _ERASE:
                self._change(statement, {"doomed": ids})
            destroyed += len(ids)
        return destroyed
