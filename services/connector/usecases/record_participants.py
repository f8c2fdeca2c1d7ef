"""The worker reads a stored post of Graph: proves it, decrypts it, applies it once, in event order.

What changed for somebody becomes, in the same transaction, the roster, the visit's state, a line
for the live page and a write-back in the visit's lane (flow 3; cases 51, 52, 54-56).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import idempotency_key
from connector.domain.participant import (
    Participant,
    Presence,
    Role,
    RosterChange,
    StatusReport,
    arrived,
    moved,
)
from connector.domain.visit import Visit
from connector.ports.errors import BadAnswer, OutsideError, TryLater, Untrusted
from connector.ports.microsoft import (
    CallEvent,
    CallEventType,
    NotificationReader,
    RosterLine,
    UnverifiedItem,
)
from connector.ports.storage import (
    AuditEntry,
    Store,
    StoredNotification,
    Transaction,
    VisitPerson,
)
from connector.ports.system import Clock
from connector.ports.vault import Sealer, VisitSealer
from connector.usecases.redeem_code import same

# Together almost an hour: longer than an outage of Microsoft's keys, shorter than the data keys last.
_TRIES = 60
_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=1)


def client_state_of(sealer: Sealer, visit_id: str) -> str:
    """The secret Graph must send back with every notification of this visit's meeting."""
    return sealer.keyed_hash("graph-client-state", visit_id)


@dataclass(frozen=True, slots=True)
class RecordParticipants:
    store: Store
    reader: NotificationReader
    sealer: Sealer
    visit_sealer: VisitSealer
    clock: Clock

    def __call__(self, stored: StoredNotification) -> None:
        """Apply one stored post; it leaves the inbox, or waits, or is kept as a dead letter."""
        try:
            items, tokens = self.reader.split(stored.body)
            believed = [pair for item in items if (pair := self._known(item))]
            if believed:
                self.reader.verify_tokens(tokens, frozenset(i.tenant_id for i, _ in believed))
            broken = [err for pair in believed if (err := self._apply_item(*pair))]
        except TryLater:
            self._wait(stored)
        except (BadAnswer, Untrusted) as err:
            self._bury(stored, err)
        else:
            self._finish(stored, broken)

    def _finish(self, stored: StoredNotification, broken: Sequence[OutsideError]) -> None:
        """A post with an item nobody can read is kept; its other items were applied."""
        if broken:
            self._bury(stored, broken[0])
            return
        with self.store.write() as tx:
            tx.inbox.done(stored.id)

    def _known(self, item: UnverifiedItem) -> tuple[UnverifiedItem, str] | None:
        """The visit of an item whose subscription, secret and tenant are ours; else an audit line."""
        with self.store.read() as tx:
            visit_id = tx.watches.visit_of(item.subscription_id)
            visit = tx.visits.get(visit_id) if visit_id else None
        why = _why_refused(self.sealer, item, visit)
        if visit is not None and why is None:
            return item, visit.id
        self._refuse(why or "unknown_subscription")
        return None

    def _apply_item(self, item: UnverifiedItem, visit_id: str) -> OutsideError | None:
        """What is wrong with the item, if it cannot be believed or read."""
        try:
            event = self.reader.open(item)
        except (BadAnswer, Untrusted) as err:
            return err
        if event is None:
            return None
        with self.store.write() as tx:
            visit = tx.visits.get(visit_id)
            if visit is not None and tx.visits.first_news(visit_id, event.key):
                self._apply(tx, visit, event)
        return None

    def _apply(self, tx: Transaction, visit: Visit, event: CallEvent) -> None:
        roster = {p.key: p for p in tx.visits.roster(visit.id)}
        people = tx.visits.people(visit.id)
        reports: list[StatusReport] = []
        for change, role in self._changes(visit, event, roster):
            known = roster.get(change.key)
            after, owed = moved(known, change) if known else arrived(change, role)
            roster[change.key] = after = _identified(after, change, people)
            tx.visits.save_participant(visit.id, after)
            reports += owed
        visit = visit.with_roster(roster.values(), event.at)
        still_here = any(p.presence is not Presence.DISCONNECTED for p in roster.values())
        if event.type is CallEventType.ENDED and not still_here:
            visit = visit.call_ended(roster.values(), event.at)
        tx.visits.save(visit)
        for report in reports:
            self._tell(tx, visit, report, roster[report.participant_key])
        tx.visits.add_event(visit.id, "state", "", visit.state.value, event.at)

    def _changes(
        self, visit: Visit, event: CallEvent, roster: Mapping[str, Participant]
    ) -> list[tuple[RosterChange, Role]]:
        if event.type is CallEventType.ENDED:
            return [
                (RosterChange(p.key, Presence.DISCONNECTED, event.at), p.role)
                for p in roster.values()
                if p.presence is not Presence.DISCONNECTED
            ]
        return [self._change(visit, line, event) for line in event.roster]

    def _change(
        self, visit: Visit, line: RosterLine, event: CallEvent
    ) -> tuple[RosterChange, Role]:
        presence = Presence.LOBBY if line.in_lobby else Presence.CONNECTED
        change = RosterChange(
            key=self.sealer.keyed_hash(f"participant:{visit.id}", line.participant_id),
            presence=Presence.DISCONNECTED if line.removed else presence,
            at=event.at,
            object_id=line.object_id,
        )
        return change, Role.PROVIDER if line.object_id else Role.PATIENT

    def _tell(
        self, tx: Transaction, visit: Visit, report: StatusReport, participant: Participant
    ) -> None:
        tx.visits.add_event(
            visit.id, "participant", report.role.value, report.status.value, report.at
        )
        secrets = tx.visits.secrets(visit.id)
        if secrets is None or participant.ehr_id_sealed is None:
            return
        opened = self.visit_sealer.open
        payload = {
            "conference_id": opened(secrets.wrapped_key, secrets.conference_id_sealed).decode(),
            "person_id": opened(secrets.wrapped_key, participant.ehr_id_sealed).decode(),
            "role": report.role.value,
            "status": report.status.value,
        }
        sealed = self.visit_sealer.seal(secrets.wrapped_key, json.dumps(payload).encode())
        tx.outbox.add(visit, idempotency_key(visit.id, report), sealed, report.at)

    def _wait(self, stored: StoredNotification) -> None:
        with self.store.write() as tx:
            if stored.attempts >= _TRIES:
                tx.inbox.bury(stored.id, "tried_too_often")
            else:
                pause = min(_PAUSE * (stored.attempts + 1), _LONGEST_PAUSE)
                tx.inbox.retry(stored.id, self.clock.now() + pause)

    def _bury(self, stored: StoredNotification, err: OutsideError) -> None:
        with self.store.write() as tx:
            tx.inbox.bury(stored.id, err.code)
        self._refuse(err.code)

    def _refuse(self, why: str) -> None:
        with self.store.write() as tx:
            tx.audit(
                AuditEntry(
                    at=self.clock.now(),
                    event=Event.NOTIFICATION_REFUSED,
                    outcome=Outcome.REFUSED,
                    reference="",
                    actor="graph",
                    facts={"why": why},
                )
            )


def _why_refused(sealer: Sealer, item: UnverifiedItem, visit: Visit | None) -> str | None:
    if visit is None:
        return "unknown_subscription"
    if not same(item.client_state, client_state_of(sealer, visit.id)):
        return "client_state"
    return None if item.tenant_id == visit.tenant_id else "tenant"


def _identified(
    participant: Participant, change: RosterChange, people: Sequence[VisitPerson]
) -> Participant:
    """With the EHR identity behind them, when it is certain: a guess would audit a wrong person."""
    if participant.ehr_id_sealed is not None:
        return participant
    candidates = [
        p for p in people if p.role is participant.role and p.object_id == change.object_id
    ]
    if len(candidates) != 1:
        return participant
    return replace(participant, ehr_id_sealed=candidates[0].ehr_id_sealed)
