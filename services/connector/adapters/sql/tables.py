"""Every stored column, what it holds and how long: `scripts/data_inventory.py` prints this page.

No column may hold the name, date of birth or record number of a person known to the EHR. A comment
reads `what; how long`; where a column has no `how long` of its own, its table's is appended.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)

from connector.adapters.sql.column_types import ByValue, UtcDateTime
from connector.domain.configuration import RevisionState
from connector.domain.geography import Geography
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.domain.outbox import MessageState
from connector.domain.participant import Presence, Role
from connector.domain.visit import VisitState

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows itself only when the column is exactly INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

_T = TypeVar("_T", bound=Table[Any])
_E = TypeVar("_E", bound=StrEnum)


def _text(about: str, *keys: ForeignKey, primary_key: bool = False) -> Column[str]:
    return Column(Text, *keys, primary_key=primary_key, nullable=False, comment=about)


def _text_or_none(about: str) -> Column[str | None]:
    return Column(Text, nullable=True, comment=about)


def _word(enumeration: type[_E], about: str, *, primary_key: bool = False) -> Column[_E]:
    return Column(ByValue(enumeration), primary_key=primary_key, nullable=False, comment=about)


def _time(about: str) -> Column[datetime]:
    return Column(UtcDateTime, nullable=False, comment=about)


def _time_or_none(about: str) -> Column[datetime | None]:
    return Column(UtcDateTime, nullable=True, comment=about)


def _count(about: str) -> Column[int]:
    return Column(Integer, nullable=False, comment=about)


def _flag(about: str) -> Column[bool]:
    return Column(Boolean, nullable=False, comment=about)


def _bytes(about: str) -> Column[bytes]:
    return Column(LargeBinary, nullable=False, comment=about)


def _number(about: str) -> Column[int]:
    return Column(_Number, Identity(), primary_key=True, comment=about)


def _tenant() -> Column[str]:
    return _text("Entra tenant id", ForeignKey("tenant.id"))


def _environment() -> Column[str]:
    return _text("EHR environment", ForeignKey("ehr_environment.id"))


def _visit(*, primary_key: bool = False) -> Column[str]:
    owner = ForeignKey("visit.id", ondelete="CASCADE")
    return _text("visit it belongs to", owner, primary_key=primary_key)


def _one_of(column: str, words: Iterable[StrEnum]) -> CheckConstraint:
    known = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({known})", name=f"{column}_known")


def _kept(until: str, table: _T) -> _T:
    for column in table.columns:
        if ";" not in (column.comment or ""):
            column.comment = f"{column.comment}; {until}"
    return table


_SETUP = "kept until the tenant is removed"
_VISIT = "purged with its visit"
_SEALED = "emptied with the visit's secrets"


class TenantColumns(TypedColumns):
    id = _text("Entra tenant id", primary_key=True)
    geography = _text("data geography the tenant belongs to")
    registered_at = _time("when its first configuration was entered")


tenant = _kept(_SETUP, Table("tenant", METADATA, TenantColumns, _one_of("geography", Geography)))


class OrganizationColumns(TypedColumns):
    id = _text("our id of the organization", primary_key=True)
    tenant_id = _tenant()
    name = _text("name of the organization as its admin typed it")
    created_at = _time("when it was entered")


organization = _kept(
    _SETUP,
    Table("organization", METADATA, OrganizationColumns, UniqueConstraint("tenant_id", "name")),
)


class EhrEnvironmentColumns(TypedColumns):
    id = _text("our id of the EHR environment", primary_key=True)
    tenant_id = _tenant()
    organization_id = _text("its organization", ForeignKey("organization.id"))
    kind = _word(EnvironmentKind, "test or production")
    time_zone = _text("IANA zone its pages show times in")
    created_at = _time("when it was entered")


ehr_environment = _kept(
    _SETUP,
    Table(
        "ehr_environment",
        METADATA,
        EhrEnvironmentColumns,
        _one_of("kind", EnvironmentKind),
        UniqueConstraint("organization_id", "kind"),
        Index(None, "tenant_id"),
    ),
)


class ConfigurationRevisionColumns(TypedColumns):
    id = _text("our id of the revision", primary_key=True)
    environment_id = _environment()
    tenant_id = _tenant()
    number = _count("1, 2, 3 … within the environment")
    state = _word(RevisionState, "where the revision stands")
    fhir_base_url = _text("FHIR base URL, the issuer of launches")
    provider_client_id = _text("OAuth client id of provider launches")
    patient_client_id = _text("OAuth client id of patient launches")
    backend_client_id = _text("OAuth client id of write-backs")
    issuer = _text("issuer of the EHR's ID tokens")
    authorization_endpoint = _text("pinned address of the EHR's sign-in")
    token_endpoint = _text("pinned address codes are redeemed at")
    jwks_uri = _text("pinned address of the EHR's keys")
    callback_names_issuer = _flag("the EHR sends RFC 9207 iss")
    authorize_by_post = _flag("the EHR takes authorization by POST")
    assertion_algorithm = _text("how our client assertions are signed")
    approver_object_id = _text("Entra object id of the approver")
    approver_sign_in_name = _text("sign-in name of the approver")
    created_at = _time("when the revision was entered")
    created_by = _text("sign-in name of the admin who entered it")
    microsoft_signed_in_at = _time_or_none("approver's first stamp")
    ehr_signed_in_at = _time_or_none("approver's second stamp")
    approved_at = _time_or_none("when it was approved")
    change_request = _text("what the approver asked to change")


configuration_revision = _kept(
    _SETUP,
    Table(
        "configuration_revision",
        METADATA,
        ConfigurationRevisionColumns,
        _one_of("state", RevisionState),
        UniqueConstraint("environment_id", "number"),
        Index(None, "tenant_id", "approver_object_id", "state"),
    ),
)


class IssuerClaimColumns(TypedColumns):
    fhir_base_url = _text("FHIR base URL launches come from", primary_key=True)
    environment_id = _environment()
    revision_id = _text("approved revision in use", ForeignKey("configuration_revision.id"))


issuer_claim = _kept(
    "kept while it is in use",
    Table("issuer_claim", METADATA, IssuerClaimColumns, UniqueConstraint("environment_id")),
)


class IntegrationRecordColumns(TypedColumns):
    id = _text("random name of the record, no secret", primary_key=True)
    environment_id = _environment()
    kind = _word(LaunchKind, "provider or patient")


integration_record = _kept(
    _SETUP,
    Table(
        "integration_record",
        METADATA,
        IntegrationRecordColumns,
        _one_of("kind", LaunchKind),
        UniqueConstraint("environment_id", "kind"),
    ),
)


class EhrUserLinkColumns(TypedColumns):
    environment_id = _text("EHR environment", ForeignKey("ehr_environment.id"), primary_key=True)
    ehr_user_id = _text("the EHR user's unique id, the only EHR data kept", primary_key=True)
    tenant_id = _tenant()
    object_id = _text("Entra object id it belongs to")
    linked_at = _time("when the user signed in with Microsoft")


ehr_user_link = _kept(
    "kept until erased",
    Table("ehr_user_link", METADATA, EhrUserLinkColumns, Index(None, "tenant_id", "object_id")),
)


class VisitColumns(TypedColumns):
    id = _text("our id of the visit", primary_key=True)
    environment_id = _environment()
    tenant_id = _tenant()
    visit_key = _text("keyed hash of the EHR's appointment")
    state = _word(VisitState, "where the visit stands")
    created_at = _time("first launch")
    organizer_id = _text_or_none("Entra object id the meeting belongs to")
    meeting_id = _text_or_none("Graph's id of the meeting")
    join_url = _text_or_none("staff's address of the meeting")
    patient_join_url = _text_or_none("patients' address of the meeting")
    met = _flag("provider and patient were connected together")
    ended_at = _time_or_none("when the visit ended")
    call_ended_at = _time_or_none("newest end of a call in its meeting")


visit = _kept(
    "purged some days after its end (setting)",
    Table(
        "visit",
        METADATA,
        VisitColumns,
        _one_of("state", VisitState),
        CheckConstraint(
            "(meeting_id IS NULL) = (join_url IS NULL)"
            " AND (meeting_id IS NULL) = (patient_join_url IS NULL)",
            name="meeting_whole",
        ),
        UniqueConstraint("environment_id", "visit_key"),
        Index(None, "ended_at"),
        Index(None, "state", "created_at"),
    ),
)


class VisitSecretColumns(TypedColumns):
    visit_id = _visit(primary_key=True)
    wrapped_key = _bytes("the visit's data key, wrapped by the master key")
    conference_id_sealed = _bytes("EHR's contact number, sealed by the data key")
    kept_at = _time("when the key was made")


visit_secret = _kept(
    "destroyed after the visit, 24 hours at most",
    Table("visit_secret", METADATA, VisitSecretColumns),
)


class VisitPersonColumns(TypedColumns):
    visit_id = _visit(primary_key=True)
    role = _word(Role, "provider or patient", primary_key=True)
    ehr_id_hash = _text("keyed hash of the EHR's id of the person", primary_key=True)
    object_id = _text_or_none("Entra object id of staff")
    ehr_id_sealed = _bytes(f"EHR's id of the person, sealed; {_SEALED}")


visit_person = _kept(
    _VISIT,
    Table(
        "visit_person",
        METADATA,
        VisitPersonColumns,
        _one_of("role", (Role.PROVIDER, Role.PATIENT)),
    ),
)


class ParticipantColumns(TypedColumns):
    visit_id = _visit(primary_key=True)
    key = _text("keyed hash of Graph's participant id", primary_key=True)
    role = _word(Role, "provider, patient or somebody else")
    presence = _word(Presence, "lobby, connected or disconnected")
    status_at = _time("newest event time applied")
    ehr_id_sealed: Column[bytes | None] = Column(
        LargeBinary, nullable=True, comment=f"EHR's id of the person, sealed; {_SEALED}"
    )
    story = _text("JSON of event times and presences, nothing else")


participant = _kept(
    _VISIT,
    Table(
        "participant",
        METADATA,
        ParticipantColumns,
        _one_of("role", Role),
        _one_of("presence", Presence),
    ),
)


class AppliedNotificationColumns(TypedColumns):
    visit_id = _visit(primary_key=True)
    key = _text("key of a notification that was applied", primary_key=True)


applied_notification = _kept(
    _VISIT, Table("applied_notification", METADATA, AppliedNotificationColumns)
)


class VisitEventColumns(TypedColumns):
    number = _number("order of the live page's lines")
    visit_id = _visit()
    kind = _text("what kind of line")
    role = _text("provider, patient, other or empty")
    label = _text("state or status word, never a name")
    at = _time("event time")


visit_event = _kept(
    _VISIT,
    Table(
        "visit_event",
        METADATA,
        VisitEventColumns,
        Index(None, "visit_id", "number"),
        # Purged numbers must not come back: a live page would take new lines for old ones.
        sqlite_autoincrement=True,
    ),
)


class OutboxMessageColumns(TypedColumns):
    id = _number("order within the visit's lane")
    visit_id = _visit()
    environment_id = _environment()
    tenant_id = _tenant()
    key = _text("idempotency key the EHR gets")
    sealed = _bytes(f"EHR ids of the status report, sealed; {_SEALED}")
    state = _word(MessageState, "where the delivery stands")
    attempts = _count("how often a worker took it")
    due_at = _time_or_none("next try, empty when delivered or parked")
    code = _text("why the last attempt failed")
    created_at = _time("when it came to be owed")
    delivered_at = _time_or_none("when the EHR took it")


outbox_message = _kept(
    _VISIT,
    Table(
        "outbox_message",
        METADATA,
        OutboxMessageColumns,
        _one_of("state", MessageState),
        UniqueConstraint("key"),
        Index(None, "visit_id", "id"),
        Index(None, "due_at"),
        Index(None, "state"),
        sqlite_autoincrement=True,
    ),
)


class GraphNotificationColumns(TypedColumns):
    id = _number("order of arrival")
    body = _bytes("Graph's post as it came, content encrypted")
    received_at = _time("when it came")
    attempts = _count("how often a worker took it")
    due_at = _time_or_none("next try, empty for a dead letter")
    code = _text("why it became a dead letter")


graph_notification = _kept(
    "deleted when applied; dead letters 24 hours after they came",
    Table(
        "graph_notification",
        METADATA,
        GraphNotificationColumns,
        Index(None, "due_at"),
        sqlite_autoincrement=True,
    ),
)


class MeetingWatchColumns(TypedColumns):
    visit_id = _visit(primary_key=True)
    tenant_id = _tenant()
    join_url = _text("address of the meeting that is watched")
    graph_id = _text_or_none("Graph's id of the subscription")
    expires_at = _time_or_none("when Graph lets it lapse")
    wanted = _flag("false when it is to be deleted")
    attempts = _count("how often a worker took it since Graph confirmed it")
    due_at = _time_or_none("next look, empty while Graph has confirmed it")


meeting_watch = _kept(
    "deleted when the meeting is over",
    Table(
        "meeting_watch",
        METADATA,
        MeetingWatchColumns,
        UniqueConstraint("graph_id"),
        Index(None, "due_at"),
        Index(None, "expires_at"),
    ),
)


class RedeemedLaunchColumns(TypedColumns):
    state_hash = _text("hash of a launch state that was spent", primary_key=True)
    visit_id = _text("visit it was spent for, or empty")
    redeemed_at = _time("when it was spent")


redeemed_launch = _kept(
    "deleted an hour later",
    Table("redeemed_launch", METADATA, RedeemedLaunchColumns, Index(None, "redeemed_at")),
)


class AuditEventColumns(TypedColumns):
    id = _number("order of the trail")
    at = _time("when it happened")
    event = _text("subject.object.action")
    outcome = _text("success, refused or failure")
    reference = _text("number the person was shown")
    tenant_id = _text_or_none("Entra tenant id")
    environment_id = _text_or_none("EHR environment")
    actor = _text("Entra object id of staff, or a role")
    facts = _text("JSON of ids we made, codes and host names")
    previous_hash = _text("hash of the line before")
    hash = _text("SHA-256 over the line and the hash before")


audit_event = _kept(
    "never deleted by the connector",
    Table("audit_event", METADATA, AuditEventColumns, sqlite_autoincrement=True),
)


class HeartbeatColumns(TypedColumns):
    name = _text("which background job", primary_key=True)
    at = _time("when it last finished a round")


heartbeat = _kept("overwritten each time", Table("heartbeat", METADATA, HeartbeatColumns))
