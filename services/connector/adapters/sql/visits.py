"""Visits, who belongs to them and who is in the meeting."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, select, update

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, insert_if_new, on_both
from connector.adapters.sql.tables import (
    applied_notification,
    outbox_message,
    participant,
    redeemed_launch,
    visit,
    visit_event,
    visit_person,
    visit_secret,
)
from connector.adapters.sql.visit_events import VisitEvents
from connector.adapters.sql.visit_secrets import DESTROYED, SealedRows
from connector.domain.outbox import MessageState
from connector.domain.participant import Moment, Participant, Presence
from connector.domain.visit import FINAL, Meeting, Visit, VisitState
from connector.ports.storage import StorageConflict, VisitEvent, VisitPerson, VisitSecrets

_columns = visit.c
_ADD = insert_if_new(visit, "environment_id", "visit_key")
_FIND = select(visit).where(
    _columns.environment_id == bindparam("environment_id"),
    _columns.visit_key == bindparam("visit_key"),
)
_FIND_LOCKED = Prepared(_FIND.with_for_update(key_share=True))
_ONE = select(visit).where(_columns.id == bindparam("visit_id"))
_GET = Prepared(_ONE)
_GET_LOCKED = Prepared(_ONE.with_for_update(key_share=True))

_THIS = _columns.id == bindparam("of_visit")
_NAME_ORGANIZER = Prepared(
    update(visit)
    .where(_THIS)
    .values(organizer_id=func.coalesce(_columns.organizer_id, bindparam("named")))
    .returning(_columns.organizer_id)
)
_RELEASE_ORGANIZER = (
    update(visit)
    .where(_THIS, _columns.organizer_id == bindparam("named"), _columns.meeting_id.is_(None))
    .values(organizer_id=None)
)
_RECORD_MEETING = Prepared(
    update(visit)
    .where(_THIS)
    .values(
        meeting_id=func.coalesce(_columns.meeting_id, bindparam("made_id")),
        join_url=func.coalesce(_columns.join_url, bindparam("made_url")),
        patient_join_url=func.coalesce(_columns.patient_join_url, bindparam("made_patient_url")),
    )
    .returning(*_columns)
)
_KEEP_PATIENT_JOIN_URL = (
    update(visit)
    .where(_THIS, _columns.join_url.is_not(None))
    .values(patient_join_url=bindparam("found"))
)
_SAVE = Prepared(
    update(visit)
    .where(_THIS)
    .values(
        state=bindparam("new_state"),
        met=bindparam("have_met"),
        ended_at=bindparam("new_ended_at"),
        call_ended_at=bindparam("new_call_ended_at"),
    )
)
_OPEN_STATES = [state for state in VisitState if state not in FINAL]
_quiet_since = bindparam("quiet_since", type_=_columns.created_at.type)
_FORGOTTEN = (
    select(_columns.id)
    .where(
        _columns.state.in_(_OPEN_STATES),
        _columns.created_at < _quiet_since,
        ~exists().where(visit_event.c.visit_id == _columns.id, visit_event.c.at >= _quiet_since),
        ~exists().where(
            redeemed_launch.c.visit_id == _columns.id,
            redeemed_launch.c.redeemed_at >= _quiet_since,
        ),
        ~exists().where(
            visit_secret.c.visit_id == _columns.id, visit_secret.c.kept_at >= _quiet_since
        ),
    )
    .order_by(_columns.created_at)
    .limit(bindparam("at_most"))
)
_REPORTS = outbox_message.c.visit_id == _columns.id
_COMPLETED = select(func.count()).where(
    _columns.environment_id == bindparam("environment_id"),
    _columns.created_at >= bindparam("since", type_=_columns.created_at.type),
    _columns.met,
    exists().where(_REPORTS),
    ~exists().where(_REPORTS, outbox_message.c.state != MessageState.DELIVERED),
)
_PURGE = delete(visit).where(_columns.ended_at < bindparam("ended_before"))

# Somebody comes back after the seals were destroyed: their id is sealed anew under the new key.
_ADD_PERSON = on_both(
    visit_person,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["visit_id", "role", "ehr_id_hash"],
        set_={"ehr_id_sealed": insert.excluded.ehr_id_sealed},
        where=visit_person.c.ehr_id_sealed == DESTROYED,
    ),
)
_PEOPLE = Prepared(
    select(visit_person)
    .where(visit_person.c.visit_id == bindparam("visit_id"))
    .order_by(visit_person.c.role, visit_person.c.ehr_id_hash)
)
_ROSTER = Prepared(
    select(participant)
    .where(participant.c.visit_id == bindparam("visit_id"))
    .order_by(participant.c.key)
)
_SAVE_PARTICIPANT = on_both(
    participant,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["visit_id", "key"],
        set_={
            name: insert.excluded[name]
            for name in ("role", "presence", "status_at", "ehr_id_sealed", "story")
        },
    ),
)
_FIRST_NEWS = insert_if_new(applied_notification, "visit_id", "key")


class SqlVisits(Area):
    def __init__(self, connection: Connection, *, writing: bool) -> None:
        super().__init__(connection, writing=writing)
        self.events = VisitEvents(connection, writing=writing)
        self._sealed = SealedRows(connection, writing=writing)

    def claim(self, visit: Visit) -> Visit:
        if self._change(_ADD, _to_row(visit)).rowcount == 1:
            return visit
        claimed = self.find(visit.environment_id, visit.visit_key)
        if claimed is None:
            raise StorageConflict
        return claimed

    def find(self, environment_id: str, visit_key: str) -> Visit | None:
        statement = _FIND_LOCKED if self._writing else _FIND
        row = self._row(statement, environment_id=environment_id, visit_key=visit_key)
        return row and _to_visit(row)

    def get(self, visit_id: str) -> Visit | None:
        row = self._row(_GET_LOCKED if self._writing else _GET, visit_id=visit_id)
        return row and _to_visit(row)

    def name_organizer(self, visit_id: str, object_id: str) -> str:
        values = {"of_visit": visit_id, "named": object_id}
        row = self._change(_NAME_ORGANIZER, values).first()
        if row is None:
            raise StorageConflict
        return str(row.organizer_id)

    def release_organizer(self, visit_id: str, object_id: str) -> None:
        self._change(_RELEASE_ORGANIZER, {"of_visit": visit_id, "named": object_id})

    def record_meeting(self, visit_id: str, meeting: Meeting) -> Visit:
        values = {
            "of_visit": visit_id,
            "made_id": meeting.id,
            "made_url": meeting.join_url,
            "made_patient_url": _patients(meeting),
        }
        row = self._change(_RECORD_MEETING, values).first()
        if row is None:
            raise StorageConflict
        return _to_visit(row)

    def keep_patient_join_url(self, visit_id: str, url: str) -> None:
        self._change(_KEEP_PATIENT_JOIN_URL, {"of_visit": visit_id, "found": url})

    def save(self, visit: Visit) -> None:
        self._change_known(
            _SAVE,
            {
                "of_visit": visit.id,
                "new_state": visit.state,
                "have_met": visit.met,
                "new_ended_at": visit.ended_at,
                "new_call_ended_at": visit.call_ended_at,
            },
        )

    def secrets(self, visit_id: str) -> VisitSecrets | None:
        return self._sealed.get(visit_id)

    def keep_secrets(self, visit_id: str, secrets: VisitSecrets, at: datetime) -> bool:
        return self._sealed.keep(visit_id, secrets, at)

    def destroy_secrets(self, ended_before: datetime, kept_before: datetime) -> int:
        return self._sealed.destroy(ended_before, kept_before)

    def add_person(self, visit_id: str, person: VisitPerson) -> None:
        values = {
            "visit_id": visit_id,
            "role": person.role,
            "ehr_id_hash": person.ehr_id_hash,
            "object_id": person.object_id,
            "ehr_id_sealed": person.ehr_id_sealed,
        }
        self._change(_ADD_PERSON, values)

    def people(self, visit_id: str) -> Sequence[VisitPerson]:
        return [
            VisitPerson(row.role, row.object_id, row.ehr_id_hash, row.ehr_id_sealed)
            for row in self._rows(_PEOPLE, visit_id=visit_id)
        ]

    def roster(self, visit_id: str) -> Sequence[Participant]:
        return [
            Participant(
                key=row.key,
                role=row.role,
                story=_to_story(row.story),
                ehr_id_sealed=row.ehr_id_sealed,
            )
            for row in self._rows(_ROSTER, visit_id=visit_id)
        ]

    def save_participant(self, visit_id: str, participant: Participant) -> None:
        values = {
            "visit_id": visit_id,
            "key": participant.key,
            "role": participant.role,
            "presence": participant.presence,
            "status_at": participant.status_at,
            "ehr_id_sealed": participant.ehr_id_sealed,
            "story": _to_text(participant.story),
        }
        self._change(_SAVE_PARTICIPANT, values)

    def first_news(self, visit_id: str, key: str) -> bool:
        return self._change(_FIRST_NEWS, {"visit_id": visit_id, "key": key}).rowcount == 1

    def add_event(self, visit_id: str, kind: str, role: str, label: str, at: datetime) -> None:
        self.events.add(visit_id, kind, role, label, at)

    def events_after(self, number: int, limit: int) -> Sequence[VisitEvent]:
        return self.events.after(number, limit)

    def events_of(self, visit_id: str, after: int = 0) -> Sequence[VisitEvent]:
        return self.events.of(visit_id, after)

    def last_event_number(self) -> int:
        return self.events.last_number()

    def forgotten(self, quiet_since: datetime, limit: int) -> Sequence[str]:
        rows = self._rows(_FORGOTTEN, quiet_since=quiet_since, at_most=limit)
        return [row.id for row in rows]

    def completed_with_write_back(self, environment_id: str, since: datetime) -> int:
        row = self._row(_COMPLETED, environment_id=environment_id, since=since)
        return int(row[0]) if row else 0

    def purge(self, ended_before: datetime) -> int:
        return self._change(_PURGE, {"ended_before": ended_before}).rowcount


def _to_visit(row: Row[Any]) -> Visit:
    in_browser = row.patient_join_url if row.patient_join_url != row.join_url else None
    meeting = row.meeting_id and Meeting(row.meeting_id, row.join_url, in_browser)
    return Visit(
        id=row.id,
        environment_id=row.environment_id,
        tenant_id=row.tenant_id,
        visit_key=row.visit_key,
        state=row.state,
        created_at=row.created_at,
        organizer_id=row.organizer_id,
        meeting=meeting,
        met=row.met,
        ended_at=row.ended_at,
        call_ended_at=row.call_ended_at,
    )


def _to_row(visit: Visit) -> dict[str, Any]:
    meeting = visit.meeting
    return {
        "id": visit.id,
        "environment_id": visit.environment_id,
        "tenant_id": visit.tenant_id,
        "visit_key": visit.visit_key,
        "state": visit.state,
        "created_at": visit.created_at,
        "organizer_id": visit.organizer_id,
        "meeting_id": meeting and meeting.id,
        "join_url": meeting and meeting.join_url,
        "patient_join_url": meeting and _patients(meeting),
        "met": visit.met,
        "ended_at": visit.ended_at,
        "call_ended_at": visit.call_ended_at,
    }


def _patients(meeting: Meeting) -> str:
    """Never empty beside a meeting: until Graph said their own address, everybody's stands there."""
    return meeting.patient_join_url or meeting.join_url


def _to_story(text: str) -> tuple[Moment, ...]:
    return tuple(
        Moment(datetime.fromisoformat(at), Presence(presence)) for at, presence in json.loads(text)
    )


def _to_text(story: tuple[Moment, ...]) -> str:
    """Raises: ValueError: a time without its zone."""
    if any(moment.at.tzinfo is None for moment in story):
        raise ValueError("a datetime without a time zone is never stored")
    return json.dumps([[m.at.astimezone(UTC).isoformat(), m.presence.value] for m in story])
