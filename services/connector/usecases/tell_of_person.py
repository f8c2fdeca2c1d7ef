"""What the connector stores of one person, and the erasure of it (GDPR 15 and 17)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from connector.domain.audit import Event, Outcome
from connector.ports.audit_log import AuditFilter, AuditLine, AuditLog
from connector.ports.people import EhrAccount, Link, Mentions, MicrosoftAccount, Person
from connector.ports.storage import AuditEntry, Store
from connector.ports.system import Clock
from connector.usecases.read_audit import all_lines


@dataclass(frozen=True, slots=True)
class PersonFile:
    """Everything that names them; nothing else of a person is stored in the clear."""

    links: Sequence[Link]
    mentions: Mapping[MicrosoftAccount, Mentions]
    audit_lines: Sequence[AuditLine]

    @property
    def empty(self) -> bool:
        mentioned = any(any(asdict(each).values()) for each in self.mentions.values())
        return not (self.links or mentioned or self.audit_lines)


@dataclass(frozen=True, slots=True)
class TellOfPerson:
    store: Store
    log: AuditLog
    clock: Clock

    def file(self, person: Person) -> PersonFile:
        """Links, mentions and audit lines of the person and of the accounts they are linked to.

        That somebody asked is audited, without saying of whom.
        """
        with self.store.read() as tx:
            links = tx.people.links(person)
            accounts = _accounts(person, links)
            mentions = {account: tx.people.mentions(account) for account in accounts}
        lines = [line for account in accounts for line in self._lines_of(account)]
        found = PersonFile(links, mentions, lines)
        counts = {"links": str(len(links)), "audit_lines": str(len(lines))}
        self.store.audit_all([self._entry(Event.PERSON_EXPORTED, person, links, counts)])
        return found

    def links(self, person: Person) -> Sequence[Link]:
        """What `erase` would erase."""
        with self.store.read() as tx:
            return tx.people.links(person)

    def erase(self, person: Person) -> int:
        """Delete the links; the next launch of that EHR user asks for the one sign-in again.

        The audit line counts and names nobody.
        """
        with self.store.write() as tx:
            links = tx.people.links(person)
            erased = tx.people.erase_links(person)
            if erased:
                counts = {"links": str(erased)}
                tx.audit(self._entry(Event.LINK_ERASED, person, links, counts))
        return erased

    def _lines_of(self, account: MicrosoftAccount) -> list[AuditLine]:
        wanted = AuditFilter(account.tenant_id, actor=account.object_id)
        return list(all_lines(self.log, wanted))

    def _entry(
        self, event: Event, person: Person, links: Sequence[Link], facts: Mapping[str, str]
    ) -> AuditEntry:
        """In the trail of the tenant whose person it is, so that its administrators see it."""
        known_by_ehr = isinstance(person, EhrAccount)
        tenants = [account.tenant_id for account in _accounts(person, links)]
        return AuditEntry(
            at=self.clock.now(),
            event=event,
            outcome=Outcome.SUCCESS,
            reference="",
            tenant_id=next(iter(tenants), None),
            environment_id=person.environment_id if isinstance(person, EhrAccount) else None,
            actor="operator",
            facts={"asked_by": "ehr_user" if known_by_ehr else "account", **facts},
        )


def _accounts(person: Person, links: Sequence[Link]) -> list[MicrosoftAccount]:
    if isinstance(person, MicrosoftAccount):
        return [person]
    return sorted({link.microsoft for link in links}, key=lambda each: each.object_id)
