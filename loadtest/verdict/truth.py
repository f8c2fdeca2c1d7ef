"""Was anything lost, was anything done twice: what people did, against what Graph and the EHR wrote down meanwhile.

Judged over the whole run, warm-up included: a write-back lost while nobody measured is lost all the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest.records import Action, Deed, Iteration, Ledger, Outcome, Persona

# The words of mock_fhir.connections.ConnectionStatus; in the lobby and device tests are nobody's deed here.
STATUS_OF: Final = {Action.JOINED: "connected", Action.LEFT: "disconnected"}


class Harm(StrEnum):
    LOST = "lost"
    DUPLICATE = "duplicate"


class Thing(StrEnum):
    MEETING = "meeting"
    WRITE_BACK = "write-back"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`times` of the thing; `words` are a sentence with the synthetic visit's number."""

    harm: Harm
    thing: Thing
    visit: str
    words: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """`excused`: more in a ledger than in the deeds, of people who were cut off before they could note it."""

    visits_launched: int
    meetings_made: int
    write_backs_due: int
    write_backs_accepted: int
    excused: int
    discrepancies: tuple[Discrepancy, ...]
    drained_seconds: float
    notes: tuple[str, ...]

    def count(self, harm: Harm) -> int:
        return sum(one.times for one in self.discrepancies if one.harm is harm)


Person = tuple[str, Persona]


def check(deeds: Sequence[Deed], iterations: Iterable[Iteration], ledger: Ledger) -> Truth:
    cut_off = {
        (one.visit, one.persona)
        for one in iterations
        if one.visit and one.outcome is not Outcome.DONE
    }
    meetings = _Meetings.of(deeds, ledger, cut_off)
    reports = _Reports.of(deeds, ledger, cut_off)
    return Truth(
        visits_launched=len(meetings.launched),
        meetings_made=len(ledger.meetings),
        write_backs_due=reports.due.total(),
        write_backs_accepted=sum(reports.accepted.values()),
        excused=meetings.excused + reports.excused,
        discrepancies=(*meetings.discrepancies(), *reports.discrepancies()),
        drained_seconds=ledger.drained_seconds,
        notes=ledger.notes,
    )


@dataclass(frozen=True, slots=True)
class _Meetings:
    """`stood`: visit → the meetings its people stood in or before."""

    launched: frozenset[str]
    stood: Mapping[str, frozenset[str]]
    made: Counter[str]
    names: Mapping[str, str]
    excusable: int

    @classmethod
    def of(cls, deeds: Sequence[Deed], ledger: Ledger, cut_off: set[Person]) -> "_Meetings":
        stood: dict[str, set[str]] = {}
        for deed in deeds:
            stood.setdefault(deed.visit, set()).update([deed.meeting] if deed.meeting else [])
        unnoted = {visit for visit, who in cut_off if who is Persona.PROVIDER} - stood.keys()
        return cls(
            frozenset(_providers_launched(deeds)),
            {visit: frozenset(found) for visit, found in stood.items()},
            Counter(one.meeting for one in ledger.meetings),
            {one.meeting: one.external_id for one in ledger.meetings},
            len(unnoted),
        )

    @property
    def unvisited(self) -> list[str]:
        """Made, and nobody stood in them."""
        visited = {meeting for found in self.stood.values() for meeting in found}
        return sorted(self.made.keys() - visited)

    @property
    def excused(self) -> int:
        return min(len(self.unvisited), self.excusable)

    def discrepancies(self) -> Iterator[Discrepancy]:
        for visit in sorted(self.stood):
            yield from self._of_visit(visit, self.stood[visit])
        yield from self._shared()
        for meeting, times in sorted(self.made.items()):
            if times > 1:
                words = f"meeting {meeting} was made {times} times"
                yield Discrepancy(Harm.DUPLICATE, Thing.MEETING, "", words, times - 1)
        for meeting in self.unvisited[self.excused :]:
            words = (
                f"nobody stood in meeting {meeting}, made as {self.names[meeting] or 'nameless'}"
            )
            yield Discrepancy(Harm.DUPLICATE, Thing.MEETING, "", words)

    def _of_visit(self, visit: str, meetings: frozenset[str]) -> Iterator[Discrepancy]:
        if len(meetings) > 1:
            words = f"the people of visit {visit} stood in {len(meetings)} meetings"
            yield Discrepancy(Harm.DUPLICATE, Thing.MEETING, visit, words, len(meetings) - 1)
        if visit in self.launched and not meetings:
            words = f"the provider of visit {visit} launched into no meeting"
            yield Discrepancy(Harm.LOST, Thing.MEETING, visit, words)
        for meeting in sorted(meetings - self.made.keys()):
            words = f"visit {visit} stood in meeting {meeting}, which Graph never made"
            yield Discrepancy(Harm.LOST, Thing.MEETING, visit, words)

    def _shared(self) -> Iterator[Discrepancy]:
        """Two visits in one meeting: one of them has none of its own, and strangers meet."""
        first: dict[str, str] = {}
        for visit in sorted(self.stood):
            for meeting in sorted(self.stood[visit]):
                other = first.setdefault(meeting, visit)
                if other != visit:
                    words = f"visit {visit} shares the meeting of visit {other}"
                    yield Discrepancy(Harm.LOST, Thing.MEETING, visit, words)


@dataclass(frozen=True, slots=True)
class _Reports:
    """By visit, persona and status."""

    due: Counter[tuple[str, Persona, str]]
    accepted: Counter[tuple[str, Persona, str]]
    cut_off: set[Person]

    @classmethod
    def of(cls, deeds: Sequence[Deed], ledger: Ledger, cut_off: set[Person]) -> "_Reports":
        due = Counter(
            (deed.visit, deed.persona, STATUS_OF[deed.action])
            for deed in deeds
            if deed.action in STATUS_OF
        )
        accepted: Counter[tuple[str, Persona, str]] = Counter()
        for one in ledger.write_backs:
            if one.status in STATUS_OF.values():
                accepted[one.visit, one.persona, one.status] += one.accepted
        return cls(due, accepted, cut_off)

    @property
    def excused(self) -> int:
        surplus = self.accepted - self.due
        return sum(
            times for (visit, who, _), times in surplus.items() if (visit, who) in self.cut_off
        )

    def discrepancies(self) -> Iterator[Discrepancy]:
        for (visit, who, status), times in sorted((self.due - self.accepted).items()):
            words = f"“{status}” of the {who} of visit {visit} never reached the EHR"
            yield Discrepancy(Harm.LOST, Thing.WRITE_BACK, visit, words, times)
        for (visit, who, status), times in sorted((self.accepted - self.due).items()):
            if (visit, who) not in self.cut_off:
                words = f"the EHR took “{status}” of the {who} of visit {visit} once too often"
                yield Discrepancy(Harm.DUPLICATE, Thing.WRITE_BACK, visit, words, times)


def _providers_launched(deeds: Iterable[Deed]) -> Iterator[str]:
    return (
        one.visit
        for one in deeds
        if one.persona is Persona.PROVIDER and one.action is Action.LAUNCHED
    )
