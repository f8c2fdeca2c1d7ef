"""One person's presence in the meeting, as the call events tell it, in whatever order they come.

What is known of somebody is kept as their story: every change by event time. Where they are is its
last line, and what the EHR is owed is what a line adds to it, so late news tell what was missed and
then once more where the person is now ([ADR 6](../../../docs/adr/0006-late-news-are-told-too.md)).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
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


_STRENGTH = {Presence.DISCONNECTED: 0, Presence.LOBBY: 1, Presence.CONNECTED: 2}
_GAVE_UP_WAITING = [Presence.LOBBY, Presence.DISCONNECTED]


def moved(participant: Participant, change: RosterChange) -> tuple[Participant, list[StatusReport]]:
    """Apply one change by event time: older and repeated news never move anybody backwards.

    Returns:
        The participant after it, and the reports the EHR is owed. The last of them, if any, says
        where the participant is now. A leave nobody has joined for is kept and not reported.
    """
    moment = Moment(change.at, change.presence)
    place = bisect_right(participant.story, change.at, key=lambda m: m.at)
    late = place < len(participant.story)
    if moment in participant.story or (late and change.presence is Presence.LOBBY):
        return participant, []
    story = (*participant.story[:place], moment, *participant.story[place:])
    now = replace(participant, story=_without_needless(story))
    return now, owed([participant], [now], change.at)


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


def owed(
    before: Sequence[Participant], after: Sequence[Participant], cause_at: datetime
) -> list[StatusReport]:
    """What news of one person's devices adds to what was told of that person.

    Args:
        before: the devices as they were, all of it told.
        after: the same devices, and new ones, with the news.
        cause_at: time of the event that brought the news.

    Returns:
        As many connects, disconnects and lobby arrivals as were not told yet, in event order where
        that ends with the truth: the last report always says where the person is now.
    """
    told, true = _timeline(before), _timeline(after)
    untold = Counter(m.presence for m in true) - Counter(m.presence for m in told)
    news = []
    for moment in true:
        if moment not in told and untold[moment.presence]:
            untold[moment.presence] -= 1
            news.append(moment)
    if true and [*told, *news][-1].presence is not true[-1].presence:
        news = _ending_with(true[-1], news)
    return [_report(after[-1], moment, cause_at) for moment in news]


def _ending_with(now: Moment, news: list[Moment]) -> list[Moment]:
    """The news in an order whose last word is true; a word told before is repeated if need be."""
    last = next((m for m in reversed(news) if m.presence is now.presence), now)
    return [*(m for m in news if m is not last), last]


def _timeline(devices: Sequence[Participant]) -> list[Moment]:
    """One person's presence over time: connected while any device is, from the first word on."""
    where: dict[str, Presence] = {}
    line: list[Moment] = []
    heard = [(m.at, d.key, m.presence) for d in devices for m in d.story]
    for at, key, presence in sorted(heard, key=lambda word: word[0]):
        where[key] = presence
        now = max(where.values(), key=_STRENGTH.__getitem__)
        if now is Presence.CONNECTED and [m.presence for m in line[-2:]] == _GAVE_UP_WAITING:
            line.pop()  # the join that this leave ended may be still on its way
        if now is not (line[-1].presence if line else Presence.DISCONNECTED):
            line.append(Moment(at, now))
    return line


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
