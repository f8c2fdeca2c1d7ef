"""One person's presence in the meeting, as the call events tell it, in whatever order they come.

What is known of somebody is kept as their story: every change by event time. Where they are is its
last line, and what the EHR is owed is what a line adds to it, so late news tell what was missed and
then once more where the person is now ([ADR 6](../../../docs/adr/0006-late-news-are-told-too.md)).
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Who somebody is to the visit; the connector keeps no name. The EHR never hears of OTHER."""

    PROVIDER = "provider"
    PATIENT = "patient"
    OTHER = "other"


class Presence(StrEnum):
    """Where somebody is now."""

    LOBBY = "lobby"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class ConnectionStatus(StrEnum):
    """What the EHR is told. Values are the connector's; adapters know each EHR's wire codes."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOBBY = "lobby"


@dataclass(frozen=True, slots=True)
class RosterChange:
    """One participant's line of one call event.

    `key` is a keyed hash of Graph's participant id; `at` is Graph's event time in aware UTC.
    """

    key: str
    presence: Presence
    at: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """From `at` on somebody was there."""

    at: datetime
    presence: Presence


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in the roster.

    `story` is sorted by time. A lobby line that came late is not in it: nobody is told where somebody
    had waited.
    """

    key: str
    role: Role
    story: tuple[Moment, ...] = ()
    ehr_id_sealed: bytes | None = None

    @property
    def presence(self) -> Presence:
        """Where the newest event says they are."""
        return self.story[-1].presence if self.story else Presence.DISCONNECTED

    @property
    def status_at(self) -> datetime:
        """The newest event time applied; only asked of somebody of whom anything was heard."""
        return self.story[-1].at

    @property
    def stays(self) -> list[tuple[datetime, datetime | None]]:
        """When they were connected, [from, until); the last may still go on (None)."""
        stays: list[tuple[datetime, datetime | None]] = []
        for moment in self.story:
            open_stay = bool(stays) and stays[-1][1] is None
            if moment.presence is Presence.CONNECTED and not open_stay:
                stays.append((moment.at, None))
            elif moment.presence is not Presence.CONNECTED and open_stay:
                stays[-1] = (stays[-1][0], moment.at)
        return stays


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A change of somebody's connection that the EHR must hear of, once.

    `cause_at` is the time of the event that made it owed: late news repeat where somebody is now,
    and the repetition is a report of its own.
    """

    participant_key: str
    role: Role
    status: ConnectionStatus
    at: datetime
    cause_at: datetime


_STATUS_OF = {
    Presence.CONNECTED: ConnectionStatus.CONNECTED,
    Presence.DISCONNECTED: ConnectionStatus.DISCONNECTED,
    Presence.LOBBY: ConnectionStatus.LOBBY,
}


def moved(participant: Participant, change: RosterChange) -> tuple[Participant, list[StatusReport]]:
    """Apply one change by event time: older and repeated news never move anybody backwards.

    Returns:
        The participant after it, and the reports the EHR is owed. The last of them, if any, says
        where the participant is now. A leave nobody has joined for is kept and not reported.
    """
    moment = Moment(change.at, change.presence)
    place = bisect_right(participant.story, change.at, key=lambda m: m.at)
    before = participant.story[place - 1] if place else None
    after = participant.story[place] if place < len(participant.story) else None
    late = after is not None
    if moment in participant.story or (late and change.presence is Presence.LOBBY):
        return participant, []
    story = (*participant.story[:place], moment, *participant.story[place:])
    now = replace(participant, story=_without_needless(story))
    owed = _missed(now, before, moment, after) if after else _news(before, moment)
    return now, [_report(now, each, change.at) for each in owed]


def call_ended(participant: Participant, at: datetime) -> tuple[Participant, list[StatusReport]]:
    """The call was over at `at`: whoever was in it or waited for it then had left by then."""
    earlier = [moment for moment in participant.story if moment.at <= at]
    if not earlier or earlier[-1].presence is Presence.DISCONNECTED:
        return participant, []
    return moved(participant, RosterChange(participant.key, Presence.DISCONNECTED, at))


def met(people: Iterable[Participant]) -> bool:
    """A provider and a patient were connected at the same time, now or earlier."""
    people = list(people)
    providers = [stay for p in people if p.role is Role.PROVIDER for stay in p.stays]
    patients = [stay for p in people if p.role is Role.PATIENT for stay in p.stays]
    return any(_overlap(one, other) for one in providers for other in patients)


def _overlap(
    one: tuple[datetime, datetime | None], other: tuple[datetime, datetime | None]
) -> bool:
    ends = [end for end in (one[1], other[1]) if end is not None]
    return not ends or max(one[0], other[0]) < min(ends)


def _news(before: Moment | None, moment: Moment) -> list[Moment]:
    """What the newest word of somebody adds."""
    if before is None:
        return [] if moment.presence is Presence.DISCONNECTED else [moment]
    return [] if moment.presence is before.presence else [moment]


def _missed(now: Participant, before: Moment | None, moment: Moment, after: Moment) -> list[Moment]:
    """What a late word adds: a stay nobody was told of, or the break between two told as one."""
    was_connected = before is not None and before.presence is Presence.CONNECTED
    is_connected = after.presence is Presence.CONNECTED
    joined = moment.presence is Presence.CONNECTED
    if joined is was_connected or joined is is_connected:
        return []
    connect, disconnect = (moment, after) if joined else (after, moment)
    disconnect = replace(disconnect, presence=Presence.DISCONNECTED)
    if now.presence is Presence.CONNECTED:
        return [disconnect, connect]
    repeated = [now.story[-1]] if now.presence is Presence.LOBBY else []
    return [connect, disconnect, *repeated]


def _without_needless(story: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """Somebody who stays is heard of again and again: the first and the last time are enough.

    Leaves are few and all kept, since a join between two of them may be still on its way.
    """
    return tuple(
        moment
        for number, moment in enumerate(story)
        if number in (0, len(story) - 1)
        or moment.presence is Presence.DISCONNECTED
        or not story[number - 1].presence is moment.presence is story[number + 1].presence
    )


def _report(participant: Participant, moment: Moment, cause_at: datetime) -> StatusReport:
    status = _STATUS_OF[moment.presence]
    return StatusReport(participant.key, participant.role, status, moment.at, cause_at)
