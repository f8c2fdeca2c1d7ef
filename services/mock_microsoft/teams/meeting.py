"""One online meeting: what Graph stores of it, and the call that takes place in it.

The call begins when the first person arrives, be it only in the lobby, and ends when an organizer or presenter ends it
or when nobody is left in call and lobby. Every change is returned as the events Graph would publish
(https://learn.microsoft.com/graph/changenotifications-for-onlinemeeting).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from mock_microsoft.directory import AccountKind, Person
from mock_microsoft.identifiers import new_guid
from mock_microsoft.teams.lobby import (
    LobbyAdmitters,
    LobbyScope,
    Presenters,
    Standing,
    is_presenter,
    may_admit,
    waits_in_lobby,
)
from mock_microsoft.teams.participants import (
    AttendanceReport,
    CallEvent,
    Departure,
    EventType,
    Interval,
    Participant,
    Presence,
    RosterChange,
    Visitor,
    attendance_records,
)

ONE_TICK = timedelta(microseconds=1)

Events = list[CallEvent]


class NotAllowed(Exception):
    """The participant may not do this, or the other one is not waiting; the message is for the page."""


@dataclass(slots=True)
class Meeting:
    """`properties` are the fields of the onlineMeeting resource that a client may set, in Graph's form."""

    id: str
    thread_id: str
    organizer: Person
    join_web_url: str
    join_meeting_id: str
    external_id: str | None
    created: datetime
    starts: datetime
    ends: datetime
    properties: dict[str, Any]
    participants: list[Participant] = field(default_factory=list)
    call_started: datetime | None = None
    reports: list[AttendanceReport] = field(default_factory=list)
    _last_event: datetime | None = None

    def present(self) -> list[Participant]:
        return [p for p in self.participants if p.is_present()]

    def seat(self, secret: str) -> Participant | None:
        return next((p for p in self.participants if p.seat == secret), None)

    def participant(self, participant_id: str) -> Participant | None:
        return next((p for p in self.participants if p.id == participant_id), None)

    def standing_of(self, person: Person | None) -> Standing:
        if person is None:
            return Standing.ANONYMOUS
        if person.id == self.organizer.id:
            return Standing.ORGANIZER
        if person.tenant != self.organizer.tenant:
            return Standing.FEDERATED
        is_guest = person.account_kind is AccountKind.GUEST
        return Standing.GUEST_ACCOUNT if is_guest else Standing.MEMBER

    def may_admit(self, participant: Participant) -> bool:
        admitters = LobbyAdmitters(self.properties["allowedLobbyAdmitters"])
        return participant.presence is Presence.IN_CALL and may_admit(
            admitters, participant.standing, presents=participant.presents
        )

    def may_end(self, participant: Participant) -> bool:
        return participant.presence is Presence.IN_CALL and participant.presents

    def join(
        self, visitor: Visitor, now: datetime, person_key: str | None = None
    ) -> tuple[Participant, Events]:
        """A person who is already there keeps the seat. Lobby settings of this moment decide where one lands."""
        key = visitor.person.id if visitor.person else person_key or f"anonymous:{new_guid()}"
        there = next((p for p in self.present() if p.person_key == key), None)
        if there:
            return there, []
        events = self._start_call(now)
        participant = self._seat_for(visitor, key)
        self.participants.append(participant)
        if participant.presence is Presence.IN_CALL:
            participant.intervals.append(Interval(now))
        return participant, [*events, self._roster_event(now, [participant])]

    def admit(self, participant: Participant, now: datetime, by: Participant | None) -> Events:
        """`by` None is the control plane, which may do anything. Raises NotAllowed."""
        self._check_lobby_decision(participant, by)
        participant.presence = Presence.IN_CALL
        participant.intervals.append(Interval(now))
        return [self._roster_event(now, [participant])]

    def deny(self, participant: Participant, now: datetime, by: Participant | None) -> Events:
        self._check_lobby_decision(participant, by)
        return self._remove(participant, now, Presence.DENIED, Departure.LEFT)

    def leave(
        self, participant: Participant, now: datetime, reason: Departure = Departure.LEFT
    ) -> Events:
        """Leaving twice changes nothing."""
        if not participant.is_present():
            return []
        return self._remove(participant, now, Presence.LEFT, reason)

    def end(self, now: datetime, by: Participant | None) -> Events:
        if by is not None and not self.may_end(by):
            raise NotAllowed("Only the organizer and presenters in the call can end the meeting.")
        return self._end_call(now)

    def _seat_for(self, visitor: Visitor, person_key: str) -> Participant:
        standing = self.standing_of(visitor.person)
        invited_role = self._invited_role(visitor.person)
        scope = LobbyScope(self.properties["lobbyBypassSettings"]["scope"])
        waits = waits_in_lobby(scope, standing, is_invited=invited_role is not None)
        return Participant(
            id=new_guid(),
            seat=token_urlsafe(18),
            person_key=person_key,
            visitor=visitor,
            standing=standing,
            presents=is_presenter(
                Presenters(self.properties["allowedPresenters"]),
                standing,
                has_presenter_role=invited_role == "presenter",
            ),
            presence=Presence.LOBBY if waits else Presence.IN_CALL,
        )

    def _invited_role(self, person: Person | None) -> str | None:
        if person is None:
            return None
        for attendee in self.properties["attendees"]:
            identity = (attendee.get("identity") or {}).get("user") or {}
            if person.id == identity.get("id") or person.user_principal_name == attendee.get("upn"):
                return str(attendee.get("role") or "attendee")
        return None

    def _check_lobby_decision(self, participant: Participant, by: Participant | None) -> None:
        if by is not None and not self.may_admit(by):
            raise NotAllowed(
                "Only the organizer and presenters in the call decide about the lobby."
            )
        if participant.presence is not Presence.LOBBY:
            raise NotAllowed("This person is no longer waiting in the lobby.")

    def _remove(
        self, participant: Participant, now: datetime, presence: Presence, reason: Departure
    ) -> Events:
        was_in_lobby = self._depart(participant, now, presence)
        change = RosterChange(participant.id, participant.visitor, was_in_lobby, reason)
        event = CallEvent(EventType.ROSTER_UPDATED, self._tick(now), (change,))
        return [event] if self.present() else [event, *self._end_call(now)]

    def _depart(self, participant: Participant, now: datetime, presence: Presence) -> bool:
        was_in_lobby = participant.presence is Presence.LOBBY
        participant.presence = presence
        if not was_in_lobby:
            participant.intervals[-1].left = now
        return was_in_lobby

    def _start_call(self, now: datetime) -> Events:
        if self.call_started is not None:
            return []
        self.call_started = now
        return [CallEvent(EventType.CALL_STARTED, self._tick(now))]

    def _end_call(self, now: datetime) -> Events:
        if self.call_started is None:
            return []
        changes = tuple(
            RosterChange(p.id, p.visitor, self._depart(p, now, Presence.ENDED), Departure.LEFT)
            for p in self.present()
        )
        events = [CallEvent(EventType.ROSTER_UPDATED, self._tick(now), changes)] if changes else []
        records = attendance_records(self._stays_of_call(), now)
        if records:
            self.reports.append(AttendanceReport(new_guid(), self.call_started, now, records))
        self.call_started = None
        return [*events, CallEvent(EventType.CALL_ENDED, self._tick(now))]

    def _stays_of_call(self) -> list[Participant]:
        began = self.call_started
        return [
            p for p in self.participants if p.intervals and began and p.intervals[0].joined >= began
        ]

    def _roster_event(self, now: datetime, changed: list[Participant]) -> CallEvent:
        changes = tuple(
            RosterChange(p.id, p.visitor, p.presence is Presence.LOBBY) for p in changed
        )
        return CallEvent(EventType.ROSTER_UPDATED, self._tick(now), changes)

    def _tick(self, now: datetime) -> datetime:
        """Event times of one meeting strictly increase, so that a receiver can order them."""
        floor = self._last_event + ONE_TICK if self._last_event else now
        self._last_event = max(now, floor)
        return self._last_event
