"""What Graph's attendance reports add to what its call events told of one person.

Both tell the same stays, with times that differ by seconds, and either may lack some: events are
lost, a report may be overwritten when somebody comes back (microsoft.md 3.9, section 7 item 4). So
attendance only ever adds: a stay or a leave nobody was told of
([ADR 17](../../../docs/adr/0017-attendance-only-adds.md)).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connector.domain.participant import Participant, Presence

# How far apart Graph's events and its reports may place the same moment.
TOLERANCE = timedelta(seconds=5)
# Between the device somebody leaves and the one they go on with; who comes back takes longer.
FLICKER = timedelta(seconds=1)
_STILL_THERE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stay:
    """Time in the call, [joined_at, left_at), aware UTC; the lobby does not count."""

    joined_at: datetime
    left_at: datetime

    def overlaps(self, other: "Stay") -> bool:
        return max(self.joined_at, other.joined_at) < min(self.left_at, other.left_at)

    def is_near(self, other: "Stay") -> bool:
        """Perhaps the same one, too short to overlap."""
        apart = (self.joined_at - other.joined_at, self.left_at - other.left_at)
        return all(abs(each) <= TOLERANCE for each in apart)


@dataclass(frozen=True, slots=True)
class Untold:
    """What the events of one person lack: whole stays, and the ends of stays that were heard."""

    stays: Sequence[Stay] = ()
    leaves: Sequence[datetime] = ()


def heard_of(devices: Iterable[Participant]) -> list[Stay]:
    """One person's stays as the events told them, of all devices; the last may still go on."""
    return together(
        Stay(since, until or _STILL_THERE) for device in devices for since, until in device.stays
    )


def together(stays: Iterable[Stay]) -> list[Stay]:
    """One person's stays in order: connected while any device is."""
    joined: list[Stay] = []
    for stay in sorted(stays, key=lambda each: each.joined_at):
        if joined and stay.joined_at <= joined[-1].left_at:
            joined[-1] = replace(joined[-1], left_at=max(joined[-1].left_at, stay.left_at))
        else:
            joined.append(stay)
    return joined


def untold(devices: Sequence[Participant], attended: Iterable[Stay]) -> Untold:
    """What to add to a person's events so that they tell every stay of the attendance reports.

    Args:
        devices: the person's participants, as the events told them.
        attended: their stays by the reports, of all devices, in any order.

    Returns:
        Nothing of it contradicts an event: a stay no report knows stays.
    """
    heard = heard_of(devices)
    known = _without_flickers(together(attended), heard)
    missed = _unpaired(known, heard)
    ends = [
        stay.left_at
        for stay in known
        if any(_outlasts(each, stay, missed) for each in heard if each.overlaps(stay))
    ]
    return Untold(missed, ends)


def _outlasts(heard: Stay, stay: Stay, missed: Sequence[Stay]) -> bool:
    """By the events somebody was there still when by the reports they had left, and came again."""
    came_again = any(stay.left_at < other.joined_at < heard.left_at for other in missed)
    return came_again or heard.left_at == _STILL_THERE


def _without_flickers(stays: Iterable[Stay], heard: Sequence[Stay]) -> list[Stay]:
    """A device left as the next one came: seconds apart in a report, one stay for the events."""
    kept: list[Stay] = []
    for stay in stays:
        if kept and any(_bridges(each, kept[-1], stay) for each in heard):
            kept[-1] = replace(kept[-1], left_at=stay.left_at)
        else:
            kept.append(stay)
    return kept


def _bridges(heard: Stay, earlier: Stay, later: Stay) -> bool:
    is_short = later.joined_at - earlier.left_at <= FLICKER
    return is_short and heard.overlaps(earlier) and heard.left_at + TOLERANCE >= later.left_at


def _unpaired(attended: Sequence[Stay], heard: Sequence[Stay]) -> list[Stay]:
    """Stays of the reports that are none of the events'; each is one at most."""
    free, missed = list(heard), list(attended)
    for same in (Stay.overlaps, Stay.is_near):
        for stay in list(missed):
            found = next((each for each in free if same(stay, each)), None)
            if found:
                free.remove(found)
                missed.remove(stay)
    return missed


def waited_for(stay: Stay, devices: Iterable[Participant]) -> tuple[Participant, datetime] | None:
    """Which of one person's devices, by the events in the lobby all the while, was let in for this stay.

    Returns:
        The device, and when: not before it waited.
    """
    for device in devices:
        before = [m for m in device.story if m.at < min(stay.joined_at + TOLERANCE, stay.left_at)]
        after = device.story[len(before) :]
        stayed = not after or after[0].at >= stay.left_at - TOLERANCE
        if before and before[-1].presence is Presence.LOBBY and stayed:
            return device, max(stay.joined_at, before[-1].at)
    return None


def reported(attendance: Participant, device: Participant, at: datetime) -> bool:
    """Whether news of time `at` of a device are of a stay that a report has told of.

    Args:
        attendance: the person's stays that only reports told.
        device: of the same person, with the news.
        at: aware UTC.
    """
    stays = heard_of([attendance])
    waits = any(m.at == at and m.presence is Presence.LOBBY for m in device.story)
    if waits and stays and at < stays[-1].joined_at:
        return True  # nobody is told where somebody had waited (ADR 6)
    return any(stay.joined_at - TOLERANCE <= at <= stay.left_at + TOLERANCE for stay in stays)


def call_had_people(roster: Iterable[Participant], reported_until: datetime | None) -> bool:
    """Whether a call that is over should leave a report that is newer than those there are.

    Graph makes none of a call in whose lobby somebody only waited. Where nothing at all was heard
    since, nobody can say, and the report is waited for.

    Args:
        roster: everybody of the visit.
        reported_until: when the newest reported call ended; None if none did.
    """
    since = reported_until + TOLERANCE if reported_until else None
    later = [p for p in roster if p.story and (since is None or p.status_at > since)]
    return not later or any(_was_in_the_call(p, since) for p in later)


def _was_in_the_call(participant: Participant, since: datetime | None) -> bool:
    """They connected, or left without having waited: then their join was not heard.

    Whoever came to the lobby just as the reported call ended has waited ever since.
    """
    story = participant.story
    begins = next(n for n, m in enumerate(story) if since is None or m.at > since)
    waited = any(m.presence is Presence.LOBBY for m in story[max(0, begins - 1) : begins + 1])
    return not waited or any(m.presence is Presence.CONNECTED for m in story[begins:])
