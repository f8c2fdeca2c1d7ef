"""All meetings, with the look-ups of Graph and of the Teams pages; every change is one step under one lock."""

import base64
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mock_microsoft.directory import Person
from mock_microsoft.identifiers import new_guid
from mock_microsoft.teams.meeting import Meeting
from mock_microsoft.teams.participants import CallEvent, Departure, Participant, Visitor

FIRST_JOIN_MEETING_ID = 230_000_000_001
_ESCAPE = re.compile("%[0-9A-F]{2}")

Publish = Callable[[Meeting, Iterable[CallEvent]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingDraft:
    """What a create call gives, defaults applied."""

    organizer: Person
    starts: datetime
    ends: datetime
    properties: dict[str, Any]
    external_id: str | None = None


class Meetings:
    """Thread-safe. Events are published under the lock: their order is the order of what happened.

    Args:
        public_url: host of the join links.
        now: simulator time.
        publish: takes a meeting and its new events; must not block.
    """

    def __init__(self, public_url: str, now: Callable[[], datetime], publish: Publish) -> None:
        self._public_url = public_url
        self._now = now
        self._publish = publish
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._made: list[Meeting] = []
            self._by_id: dict[str, Meeting] = {}
            self._by_thread: dict[str, Meeting] = {}
            self._by_join_web_url: dict[str, Meeting] = {}
            self._by_external_id: dict[tuple[str, str, str], Meeting] = {}
            self._by_join_meeting_id: dict[str, Meeting] = {}
            self._by_seat: dict[str, Meeting] = {}
            self._next_number = FIRST_JOIN_MEETING_ID

    def all(self) -> list[Meeting]:
        with self._lock:
            return list(self._by_id.values())

    def find(self, meeting_id: str) -> Meeting | None:
        return self._by_id.get(meeting_id)

    def by_thread(self, thread_id: str) -> Meeting | None:
        return self._by_thread.get(thread_id)

    def by_join_web_url(self, join_web_url: str) -> Meeting | None:
        """Compared as an opaque string."""
        return self._by_join_web_url.get(join_web_url)

    def by_join_meeting_id(self, join_meeting_id: str) -> Meeting | None:
        return self._by_join_meeting_id.get(join_meeting_id)

    def made(self, offset: int, limit: int) -> list[Meeting]:
        """Every meeting since the start in the order of creation, deleted ones included."""
        with self._lock:
            return self._made[offset : offset + limit]

    def create(self, draft: MeetingDraft) -> Meeting:
        with self._lock:
            meeting = self._new_meeting(draft)
            self._made.append(meeting)
            self._by_join_meeting_id[meeting.join_meeting_id] = meeting
            self._by_id[meeting.id] = meeting
            self._by_thread[meeting.thread_id] = meeting
            self._by_join_web_url[meeting.join_web_url] = meeting
            return meeting

    def create_or_get(self, draft: MeetingDraft) -> tuple[Meeting, bool]:
        """The meeting of (tenant, user, external id), and whether it was created now. Atomic."""
        key = (draft.organizer.tenant.id, draft.organizer.id, draft.external_id or "")
        with self._lock:
            existing = self._by_external_id.get(key)
            if existing:
                return existing, False
            meeting = self._by_external_id[key] = self.create(draft)
            return meeting, True

    def update(self, meeting: Meeting, change: Callable[[Meeting], None]) -> None:
        with self._lock:
            change(meeting)

    def delete(self, meeting: Meeting) -> None:
        """People in the call are sent out, as when it is ended."""
        with self._lock:
            self.end(meeting)
            self._by_id.pop(meeting.id, None)
            self._by_thread.pop(meeting.thread_id, None)
            self._by_join_meeting_id.pop(meeting.join_meeting_id, None)
            self._by_join_web_url.pop(meeting.join_web_url, None)
            kept = {k: m for k, m in self._by_external_id.items() if m is not meeting}
            self._by_external_id = kept

    def seat(self, secret: str) -> tuple[Meeting, Participant] | None:
        """Seats outlive their meeting's deletion, so that the page can say what happened."""
        with self._lock:
            meeting = self._by_seat.get(secret)
            participant = meeting.seat(secret) if meeting else None
            return (meeting, participant) if meeting and participant else None

    def join(
        self, meeting: Meeting, visitor: Visitor, person_key: str | None = None
    ) -> Participant:
        with self._lock:
            participant, events = meeting.join(visitor, self._now(), person_key)
            self._by_seat[participant.seat] = meeting
            self._publish(meeting, events)
            return participant

    def admit(
        self, meeting: Meeting, participant: Participant, by: Participant | None = None
    ) -> None:
        with self._lock:
            self._publish(meeting, meeting.admit(participant, self._now(), by))

    def deny(
        self, meeting: Meeting, participant: Participant, by: Participant | None = None
    ) -> None:
        with self._lock:
            self._publish(meeting, meeting.deny(participant, self._now(), by))

    def leave(
        self, meeting: Meeting, participant: Participant, reason: Departure = Departure.LEFT
    ) -> None:
        with self._lock:
            self._publish(meeting, meeting.leave(participant, self._now(), reason))

    def end(self, meeting: Meeting, by: Participant | None = None) -> None:
        with self._lock:
            self._publish(meeting, meeting.end(self._now(), by))

    def _new_meeting(self, draft: MeetingDraft) -> Meeting:
        organizer = draft.organizer
        thread_id = f"19:meeting_{base64.b64encode(new_guid().encode()).decode()}@thread.v2"
        number, self._next_number = self._next_number, self._next_number + 1
        return Meeting(
            id=base64.b64encode(f"1*{organizer.id}*0**{thread_id}".encode()).decode(),
            thread_id=thread_id,
            organizer=organizer,
            join_web_url=self._join_web_url(organizer, thread_id),
            join_meeting_id=str(number),
            external_id=draft.external_id,
            created=self._now(),
            starts=draft.starts,
            ends=draft.ends,
            properties=draft.properties,
        )

    def _join_web_url(self, organizer: Person, thread_id: str) -> str:
        context = f'{{"Tid":"{organizer.tenant.id}","Oid":"{organizer.id}"}}'
        path = f"/l/meetup-join/{_lower_escapes(thread_id)}/0?context={_lower_escapes(context)}"
        return self._public_url + path


def _lower_escapes(text: str) -> str:
    """Percent escapes with lower-case digits, as Teams writes them; the text itself keeps its case."""
    return _ESCAPE.sub(lambda escape: escape[0].lower(), quote(text, safe=""))
