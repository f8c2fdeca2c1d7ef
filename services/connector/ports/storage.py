"""What the connector keeps, and the promises its storage makes.

`Store.write()` is one serialisable-enough transaction (SQLite: BEGIN IMMEDIATE): all or nothing.
A visit, revision or grant that is read by its id stays as read until its end: others who write wait.
So does whoever reads another revision of its environment: which one is live is decided one at a time.
What is told of a row that does not exist (any more) changes nothing, unless its method says otherwise.
`Store.read()` sees a consistent snapshot and may not write.

`attempts` of claimed rows counts how often they were claimed before, so a crash counts as well.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.configuration import Revision
from connector.domain.integration_record import IntegrationRecord
from connector.domain.organization import Environment, EnvironmentKind, Tenant
from connector.domain.outbox import MessageState, OutboxMessage
from connector.domain.participant import Participant, Role
from connector.domain.visit import Meeting, Visit
from connector.ports.attendance import AttendanceChecks
from connector.ports.idempotency import IdempotencyKeys
from connector.ports.people import People
from connector.ports.records import Records
from connector.ports.sharing import Grants


class StorageConflict(Exception):
    """A change that contradicts what is stored: a row it needs is missing, or one excludes it."""


class StorageUnavailable(Exception):
    """The database cannot be used now; nothing of the transaction was kept, trying again may help.

    Args:
        code: low-cardinality word for logs and metrics (`unreachable`, `locked`, `read_only`, …).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail. `event` is `subject.object.action`; `facts` hold no person."""

    at: datetime
    event: str
    outcome: str
    reference: str
    tenant_id: str | None = None
    environment_id: str | None = None
    actor: str = ""
    facts: Mapping[str, str] | None = None

    @classmethod
    def of_connector(
        cls,
        at: datetime,
        event: str,
        outcome: str,
        about: Visit | OutboxMessage,
        facts: Mapping[str, str],
    ) -> "AuditEntry":
        """What nobody asked for: no request refers to it."""
        return cls(
            at, event, outcome, "", about.tenant_id, about.environment_id, "connector", facts
        )


@dataclass(frozen=True, slots=True)
class Door:
    """Everything a launch needs to know of its environment, found by issuer in one read."""

    environment: Environment
    revision: Revision


@dataclass(frozen=True, slots=True)
class VisitSecrets:
    """What a write-back needs, sealed under the visit's own data key; gone once destroyed."""

    wrapped_key: bytes
    conference_id_sealed: bytes


@dataclass(frozen=True, slots=True)
class VisitPerson:
    """Somebody who launched the visit: staff by object id, patients without one."""

    role: Role
    object_id: str | None
    ehr_id_hash: str
    ehr_id_sealed: bytes


@dataclass(frozen=True, slots=True)
class VisitEvent:
    """One line for the live page: `number` orders it, `label` is a role and count, never a name."""

    number: int
    visit_id: str
    kind: str
    role: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WatchedMeeting:
    """A meeting's subscription as we want it and as Graph last confirmed it."""

    visit_id: str
    tenant_id: str
    join_url: str
    graph_id: str | None
    expires_at: datetime | None
    wanted: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A write-back the EHR has not taken, as operators see it.

    `code` says why the last attempt failed; `replayable` is True for a parked message whose payload
    still lives.
    """

    id: int
    visit_id: str
    tenant_id: str
    environment_id: str
    state: MessageState
    attempts: int
    due_at: datetime | None
    code: str
    created_at: datetime
    replayable: bool


@dataclass(frozen=True, slots=True)
class StoredNotification:
    id: int
    body: bytes
    attempts: int


class Configurations(Protocol):
    def register_tenant(self, tenant: Tenant) -> None:
        """Repeatable: a tenant that is registered stays as it is.

        Raises:
            StorageConflict: it belongs to another geography.
        """
        ...

    def tenant(self, tenant_id: str) -> Tenant | None: ...

    def confirm_licence(self, tenant_id: str, who: str, at: datetime) -> None:
        """`who` is an Entra object id. Raises: StorageConflict: the tenant is not registered."""
        ...

    def add_environment(self, environment: Environment, at: datetime) -> None:
        """Add it, and its organization if the tenant has none of that name.

        Raises:
            StorageConflict: the organization has an environment of this kind.
        """
        ...

    def environments(self, tenant_id: str) -> Sequence[Environment]: ...

    def environment(self, environment_id: str) -> Environment | None: ...

    def environment_ids(self) -> Sequence[str]:
        """Of every tenant, oldest first: for operators."""
        ...

    def find_environment(
        self, tenant_id: str, organization_name: str, kind: EnvironmentKind
    ) -> Environment | None: ...

    def add_revision(self, revision: Revision) -> None: ...

    def save_revision(self, revision: Revision, expected_state: str) -> bool:
        """Store it if its state is still `expected_state`; False if somebody else was faster."""
        ...

    def revision(self, revision_id: str) -> Revision | None: ...

    def revisions(self, environment_id: str) -> Sequence[Revision]:
        """Newest first."""
        ...

    def revisions_to_approve(self, tenant_id: str, object_id: str) -> Sequence[Revision]: ...

    def activate(self, revision: Revision) -> bool:
        """Make it the one launches use; the one before is superseded.

        False if another environment holds its FHIR base URL and does not share it with this tenant.
        """
        ...

    def retire(self, revision: Revision) -> None:
        """Launches use it no more, and its FHIR base URL is free; guests of the address as well."""
        ...

    def owner_of(self, fhir_base_url: str) -> str | None:
        """Environment id that holds this base URL, whichever tenant's."""
        ...

    def door(self, fhir_base_url: str) -> Door | None:
        """By issuer, of the owner of the address; what each launch begins with."""
        ...

    def door_of_environment(self, environment_id: str) -> Door | None: ...

    def door_of_launch(
        self, environment_id: str, state_hash: str
    ) -> tuple[Door, str | None] | None:
        """`door_of_environment`, and what `Redemptions.find` says of the state, in one look."""
        ...

    def door_of_record(
        self, fhir_base_url: str, record_id: str
    ) -> tuple[Door, IntegrationRecord] | None:
        """The record with its environment's door, if it may launch from this address now."""
        ...


class Links(Protocol):
    """EHR user ID to Microsoft account, for good, until erased."""

    def find(self, environment_id: str, ehr_user_id: str) -> str | None:
        """Entra object id."""
        ...

    def add(
        self, environment_id: str, ehr_user_id: str, tenant_id: str, object_id: str, at: datetime
    ) -> None:
        """Link them; an EHR user who is linked already stays so."""
        ...


class Visits(Protocol):
    def claim(self, visit: Visit) -> Visit:
        """Insert it, or return the one that already has its (environment, key)."""
        ...

    def find(self, environment_id: str, visit_key: str) -> Visit | None: ...

    def get(self, visit_id: str) -> Visit | None: ...

    def name_organizer(self, visit_id: str, object_id: str) -> str:
        """Set the organizer if none is named yet; returns who it is now."""
        ...

    def release_organizer(self, visit_id: str, object_id: str) -> None:
        """Unname this organizer while no meeting is recorded: Graph refuses meetings for them."""
        ...

    def record_meeting(self, visit_id: str, meeting: Meeting) -> Visit:
        """Keep the first meeting recorded, later calls change nothing; the visit as it is now."""
        ...

    def keep_patient_join_url(self, visit_id: str, url: str) -> None:
        """The browser address of the meeting that is recorded."""
        ...

    def save(self, visit: Visit) -> None:
        """Store state, met and end times."""
        ...

    def secrets(self, visit_id: str) -> VisitSecrets | None: ...

    def keep_secrets(self, visit_id: str, secrets: VisitSecrets, at: datetime) -> bool:
        """Keep the first ones until they are destroyed; False where others are kept already."""
        ...

    def add_person(self, visit_id: str, person: VisitPerson) -> None:
        """Idempotent by (visit, role, EHR id hash)."""
        ...

    def people(self, visit_id: str) -> Sequence[VisitPerson]: ...

    def roster(self, visit_id: str) -> Sequence[Participant]: ...

    def save_participant(self, visit_id: str, participant: Participant) -> None: ...

    def first_news(self, visit_id: str, key: str) -> bool:
        """Remember a notification key; False when it was applied before."""
        ...

    def add_event(self, visit_id: str, kind: str, role: str, label: str, at: datetime) -> None: ...

    def events_after(self, number: int, limit: int) -> Sequence[VisitEvent]: ...

    def events_of(self, visit_id: str, after: int = 0) -> Sequence[VisitEvent]: ...

    def last_event_number(self) -> int: ...

    def destroy_secrets(self, ended_before: datetime, kept_before: datetime) -> int:
        """Erase data keys and everything sealed of visits that ended (outbox empty, attendance not
        to be looked at any more) or whose keys grew old; a write-back that is still owed then is
        parked. Returns how many visits.
        """
        ...

    def forgotten(self, quiet_since: datetime, limit: int) -> Sequence[str]:
        """Ids of visits not ended, made before then, without an event or a launch since.

        Of launches, those whose states are still remembered count, and those whose secrets live.
        """
        ...

    def purge(self, ended_before: datetime) -> int: ...

    def completed_with_write_back(self, environment_id: str, since: datetime) -> int:
        """Visits begun since then in which both met and the EHR took every report (flow 5)."""
        ...


class Redemptions(Protocol):
    def find(self, state_hash: str) -> str | None:
        """Visit id (or "") a launch state was redeemed for; None if it was not."""
        ...

    def redeem(self, state_hash: str, visit_id: str, at: datetime) -> bool:
        """False when somebody redeemed it first."""
        ...

    def purge(self, before: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages by state, of the states that are tried again; `oldest_at`: when the first of them came to be owed."""

    messages: Mapping[str, int]
    oldest_at: datetime | None

    def oldest_seconds(self, now: datetime) -> float:
        """0 when nothing waits."""
        return max((now - self.oldest_at).total_seconds(), 0.0) if self.oldest_at else 0.0


class Outbox(Protocol):
    def add(self, visit: Visit, key: str, sealed: bytes, at: datetime) -> None:
        """Append to the visit's lane; a key that is already there is not added twice."""
        ...

    def claim_due(
        self, now: datetime, limit: int, but_not_of: Collection[str] = ()
    ) -> Sequence[OutboxMessage]:
        """The due head of each lane, leased to this caller for `domain.outbox.CLAIM`; lanes of the
        environments named are passed over.
        """
        ...

    def delivered(self, message_id: int, at: datetime) -> None:
        """True whoever holds the message: the EHR has it."""
        ...

    def retry(self, message: OutboxMessage, due_at: datetime, code: str) -> None:
        """Changes nothing when somebody else has claimed it since."""
        ...

    def park(self, message: OutboxMessage, code: str) -> None:
        """As `retry`."""
        ...

    def owed(self) -> Sequence[OwedMessage]:
        """What is not delivered, oldest first."""
        ...

    def replay(self, message_id: int, at: datetime) -> None:
        """A parked message whose payload lives is due again."""
        ...

    def counts(self) -> Mapping[str, int]: ...

    def backlog(self) -> "Backlog":
        """What still waits to be delivered; as cheap as it is short, so that it may be asked each second."""
        ...


class Inbox(Protocol):
    """Graph's posts, stored raw before they are believed."""

    def add(self, body: bytes, at: datetime) -> None: ...

    def claim(self, now: datetime, limit: int) -> Sequence[StoredNotification]:
        """Oldest first, leased for a minute."""
        ...

    def done(self, notification_id: int) -> None: ...

    def retry(self, notification_id: int, due_at: datetime) -> None: ...

    def bury(self, notification_id: int, code: str) -> None:
        """Dead letter: kept for the operator, not tried again."""
        ...

    def waiting(self) -> int:
        """How many are still to be applied, those leased to a worker included."""
        ...

    def purge(self, received_before: datetime) -> int:
        """Delete dead letters."""
        ...


class Watches(Protocol):
    """Subscriptions of meetings."""

    def want(self, visit_id: str, tenant_id: str, join_url: str, at: datetime) -> None: ...

    def unwant(self, visit_id: str, at: datetime) -> None: ...

    def claim_due(
        self, now: datetime, renew_before: datetime, limit: int
    ) -> Sequence[WatchedMeeting]:
        """To create, renew or delete; leased for two minutes."""
        ...

    def confirmed(self, watch: WatchedMeeting, graph_id: str, expires_at: datetime) -> None:
        """Graph has it; changes nothing when somebody else has claimed the watch since."""
        ...

    def removed(self, visit_id: str) -> None: ...

    def retry(self, watch: WatchedMeeting, due_at: datetime) -> None:
        """As `confirmed`."""
        ...

    def lost(self, watch: WatchedMeeting) -> None:
        """Graph no longer has it: create anew. As `confirmed`."""
        ...

    def renew_now(self, visit_id: str, tenant_id: str, at: datetime) -> None:
        """Due at once, if it is this tenant's and Graph has confirmed it."""
        ...

    def unwant_ended(self, ended_before: datetime, at: datetime) -> None:
        """`unwant` the watches of all visits that ended before then."""
        ...


class Transaction(Protocol):
    @property
    def configurations(self) -> Configurations: ...
    @property
    def records(self) -> Records: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def idempotency(self) -> IdempotencyKeys: ...
    @property
    def links(self) -> Links: ...
    @property
    def people(self) -> People: ...
    @property
    def visits(self) -> Visits: ...
    @property
    def redemptions(self) -> Redemptions: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def watches(self) -> Watches: ...
    @property
    def attendance(self) -> AttendanceChecks: ...

    def audit(self, entry: AuditEntry) -> None: ...

    def heartbeat(self, name: str, at: datetime) -> None: ...

    def last_heartbeat(self, name: str) -> datetime | None: ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Transaction]:
        """A snapshot: everything read in it is of the same moment."""
        ...

    def glance(self) -> AbstractContextManager[Transaction]:
        """For one question: no transaction is begun, so a second answer may be of a later moment."""
        ...

    def write(self) -> AbstractContextManager[Transaction]: ...

    def audit_all(self, entries: Iterable[AuditEntry]) -> None: ...

    def ready(self) -> str | None:
        """None when usable and migrated, else one word for what is wrong."""
        ...
