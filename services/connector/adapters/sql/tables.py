"""Every stored column, what it holds and how long: `scripts/data_inventory.py` prints this page.

No column may hold the name, date of birth or record number of a person known to the EHR.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    TypedColumns,
    UniqueConstraint,
)
from sqlalchemy import text as sql

from connector.adapters.sql import meeting_tables  # noqa: F401 - without it METADATA is not whole
from connector.adapters.sql.columns import (
    METADATA,
    blob,
    count,
    flag,
    kept,
    numbered,
    of_environment,
    of_tenant,
    of_visit,
    one_of,
    text,
    text_or_none,
    time,
    time_or_none,
    word,
)
from connector.domain.configuration import EhrVendor, RevisionState
from connector.domain.geography import Geography
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.domain.outbox import MessageState
from connector.domain.participant import Presence, Role
from connector.domain.sharing import GrantState
from connector.domain.visit import VisitState

_SETUP = "kept until the tenant is removed"
_VISIT = "purged with its visit"
_SEALED = "emptied with the visit's secrets"


class TenantColumns(TypedColumns):
    id = text("Entra tenant id", primary_key=True)
    geography = text("data geography the tenant belongs to")
    registered_at = time("when an admin confirmed its geography")
    country = text("its country as Entra named it, or empty", default="")
    geography_confirmed_by = text("Entra object id of that admin", default="")
    licence_confirmed_at = time_or_none("when an admin said the licences are there")
    licence_confirmed_by = text("Entra object id of that admin", default="")


tenant = kept(_SETUP, Table("tenant", METADATA, TenantColumns, one_of("geography", Geography)))


class OrganizationColumns(TypedColumns):
    id = text("our id of the organization", primary_key=True)
    tenant_id = of_tenant()
    name = text("name of the organization as its admin typed it")
    created_at = time("when it was entered")


organization = kept(
    _SETUP,
    Table("organization", METADATA, OrganizationColumns, UniqueConstraint("tenant_id", "name")),
)


class EhrEnvironmentColumns(TypedColumns):
    id = text("our id of the EHR environment", primary_key=True)
    tenant_id = of_tenant()
    organization_id = text("its organization", ForeignKey("organization.id"))
    kind = word(EnvironmentKind, "test or production")
    time_zone = text("IANA zone its pages show times in")
    created_at = time("when it was entered")


ehr_environment = kept(
    _SETUP,
    Table(
        "ehr_environment",
        METADATA,
        EhrEnvironmentColumns,
        one_of("kind", EnvironmentKind),
        UniqueConstraint("organization_id", "kind"),
        Index(None, "tenant_id"),
    ),
)


_STATES = tuple(RevisionState)


class ConfigurationRevisionColumns(TypedColumns):
    id = text("our id of the revision", primary_key=True)
    environment_id = of_environment()
    tenant_id = of_tenant()
    number = count("1, 2, 3 … within the environment")
    state = word(RevisionState, "where the revision stands")
    fhir_base_url = text("FHIR base URL, the issuer of launches")
    provider_client_id = text("OAuth client id of provider launches")
    patient_client_id = text("OAuth client id of patient launches")
    backend_client_id = text("OAuth client id of write-backs")
    issuer = text("issuer of the EHR's ID tokens")
    authorization_endpoint = text("pinned address of the EHR's sign-in")
    token_endpoint = text("pinned address codes are redeemed at")
    jwks_uri = text("pinned address of the EHR's keys")
    callback_names_issuer = flag("the EHR sends RFC 9207 iss")
    authorize_by_post = flag("the EHR takes authorization by POST")
    assertion_algorithm = text("how our client assertions are signed")
    approver_object_id = text("Entra object id of the approver")
    approver_sign_in_name = text("sign-in name of the approver")
    created_at = time("when the revision was entered")
    created_by = text("sign-in name of the admin who entered it")
    microsoft_signed_in_at = time_or_none("approver's first stamp")
    ehr_signed_in_at = time_or_none("approver's second stamp")
    approved_at = time_or_none("when it was approved")
    change_request = text("what the approver asked to change")
    vendor = word(EhrVendor, "vendor of the EHR", default=EhrVendor.EPIC)
    settings = text("JSON of the visit settings", default="{}")
    promotion_plan = text("digest of the promotion plan that made it, or empty", default="")


configuration_revision = kept(
    _SETUP,
    Table(
        "configuration_revision",
        METADATA,
        ConfigurationRevisionColumns,
        # The first release allowed a word more, and SQLite changes no CHECK of a table others refer to.
        one_of("state", (*_STATES[:3], "approved", *_STATES[3:])),
        UniqueConstraint("environment_id", "number"),
        Index(None, "tenant_id", "approver_object_id", "state"),
    ),
)


class ShareGrantColumns(TypedColumns):
    id = text("our id of the grant", primary_key=True)
    fhir_base_url = text("FHIR base URL that is shared")
    owner_environment_id = text("EHR environment it belongs to", ForeignKey("ehr_environment.id"))
    owner_tenant_id = text("Entra tenant id of the owner", ForeignKey("tenant.id"))
    guest_tenant_id = text("Entra tenant id it is shared with")
    state = word(GrantState, "where the grant stands")
    offered_at = time("when the owner offered it")
    offered_by = text("Entra object id of the owner's admin")
    answered_at = time_or_none("when it was accepted, declined or withdrawn")
    answered_by = text("Entra object id of who did")


share_grant = kept(
    _SETUP,
    Table(
        "share_grant",
        METADATA,
        ShareGrantColumns,
        one_of("state", GrantState),
        Index(None, "owner_tenant_id"),
        Index(None, "guest_tenant_id"),
    ),
)


class IssuerClaimColumns(TypedColumns):
    environment_id = text("EHR environment", ForeignKey("ehr_environment.id"), primary_key=True)
    fhir_base_url = text("FHIR base URL launches come from")
    revision_id = text("approved revision in use", ForeignKey("configuration_revision.id"))
    grant_id = text_or_none(
        "grant it is shared by, empty for its owner", ForeignKey("share_grant.id")
    )


# One owner per address; those it is shared with stand beside it.
issuer_claim = kept(
    "kept while it is in use",
    Table(
        "issuer_claim",
        METADATA,
        IssuerClaimColumns,
        Index(
            "uq_issuer_claim_owner",
            "fhir_base_url",
            unique=True,
            sqlite_where=sql("grant_id IS NULL"),
            postgresql_where=sql("grant_id IS NULL"),
        ),
    ),
)


class IntegrationRecordColumns(TypedColumns):
    id = text("random name of the record, no secret", primary_key=True)
    environment_id = of_environment()
    kind = word(LaunchKind, "provider or patient")
    group = flag("it opens group visits", default=False)
    verified_at = time_or_none("when it was pasted back unchanged")
    verified_by = text("Entra object id of who pasted it", default="")


integration_record = kept(
    _SETUP,
    Table(
        "integration_record",
        METADATA,
        IntegrationRecordColumns,
        one_of("kind", LaunchKind),
        UniqueConstraint("environment_id", "kind", "group"),
    ),
)


class EhrUserLinkColumns(TypedColumns):
    environment_id = text("EHR environment", ForeignKey("ehr_environment.id"), primary_key=True)
    ehr_user_id = text("the EHR user's unique id, the only EHR data kept", primary_key=True)
    tenant_id = of_tenant()
    object_id = text("Entra object id it belongs to")
    linked_at = time("when the user signed in with Microsoft")


ehr_user_link = kept(
    "kept until erased",
    Table("ehr_user_link", METADATA, EhrUserLinkColumns, Index(None, "tenant_id", "object_id")),
)


class VisitColumns(TypedColumns):
    id = text("our id of the visit", primary_key=True)
    environment_id = of_environment()
    tenant_id = of_tenant()
    visit_key = text("keyed hash of the EHR's appointment")
    state = word(VisitState, "where the visit stands")
    created_at = time("first launch")
    organizer_id = text_or_none("Entra object id the meeting belongs to")
    meeting_id = text_or_none("Graph's id of the meeting")
    join_url = text_or_none("staff's address of the meeting")
    patient_join_url = text_or_none("patients' address of the meeting")
    met = flag("provider and patient were connected together")
    ended_at = time_or_none("when the visit ended")
    call_ended_at = time_or_none("newest end of a call in its meeting")


visit = kept(
    "purged some days after its end (setting)",
    Table(
        "visit",
        METADATA,
        VisitColumns,
        one_of("state", VisitState),
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
    visit_id = of_visit(primary_key=True)
    wrapped_key = blob("the visit's data key, wrapped by the master key")
    conference_id_sealed = blob("EHR's contact number, sealed by the data key")
    kept_at = time("when the key was made")


visit_secret = kept(
    "destroyed after the visit, 24 hours at most",
    Table("visit_secret", METADATA, VisitSecretColumns),
)


class VisitPersonColumns(TypedColumns):
    visit_id = of_visit(primary_key=True)
    role = word(Role, "provider or patient", primary_key=True)
    ehr_id_hash = text("keyed hash of the EHR's id of the person", primary_key=True)
    object_id = text_or_none("Entra object id of staff")
    ehr_id_sealed = blob(f"EHR's id of the person, sealed; {_SEALED}")


visit_person = kept(
    _VISIT,
    Table(
        "visit_person",
        METADATA,
        VisitPersonColumns,
        one_of("role", (Role.PROVIDER, Role.PATIENT)),
    ),
)


class ParticipantColumns(TypedColumns):
    visit_id = of_visit(primary_key=True)
    key = text("keyed hash of Graph's participant id", primary_key=True)
    role = word(Role, "provider, patient or somebody else")
    presence = word(Presence, "lobby, connected or disconnected")
    status_at = time("newest event time applied")
    ehr_id_sealed: Column[bytes | None] = Column(
        LargeBinary, nullable=True, comment=f"EHR's id of the person, sealed; {_SEALED}"
    )
    story = text("JSON of event times and presences, nothing else")


participant = kept(
    _VISIT,
    Table(
        "participant",
        METADATA,
        ParticipantColumns,
        one_of("role", Role),
        one_of("presence", Presence),
    ),
)


class AppliedNotificationColumns(TypedColumns):
    visit_id = of_visit(primary_key=True)
    key = text("key of a notification that was applied", primary_key=True)


applied_notification = kept(
    _VISIT, Table("applied_notification", METADATA, AppliedNotificationColumns)
)


class VisitEventColumns(TypedColumns):
    number = numbered("order of the live page's lines")
    visit_id = of_visit()
    kind = text("what kind of line")
    role = text("provider, patient, other or empty")
    label = text("state or status word, never a name")
    at = time("event time")


visit_event = kept(
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
    id = numbered("order within the visit's lane")
    visit_id = of_visit()
    environment_id = of_environment()
    tenant_id = of_tenant()
    key = text("idempotency key the EHR gets")
    sealed = blob(f"EHR ids of the status report, sealed; {_SEALED}")
    state = word(MessageState, "where the delivery stands")
    attempts = count("how often a worker took it")
    due_at = time_or_none("next try, empty when delivered or parked")
    code = text("why the last attempt failed")
    created_at = time("when it came to be owed")
    delivered_at = time_or_none("when the EHR took it")


outbox_message = kept(
    _VISIT,
    Table(
        "outbox_message",
        METADATA,
        OutboxMessageColumns,
        one_of("state", MessageState),
        UniqueConstraint("key"),
        Index(None, "visit_id", "id"),
        Index(None, "due_at"),
        Index(None, "state"),
        sqlite_autoincrement=True,
    ),
)


class GraphNotificationColumns(TypedColumns):
    id = numbered("order of arrival")
    body = blob("Graph's post as it came, content encrypted")
    received_at = time("when it came")
    attempts = count("how often a worker took it")
    due_at = time_or_none("next try, empty for a dead letter")
    code = text("why it became a dead letter")


graph_notification = kept(
    "deleted when applied; dead letters 24 hours after they came",
    Table(
        "graph_notification",
        METADATA,
        GraphNotificationColumns,
        Index(None, "due_at"),
        sqlite_autoincrement=True,
    ),
)


class RedeemedLaunchColumns(TypedColumns):
    state_hash = text("hash of a launch state that was spent", primary_key=True)
    visit_id = text("visit it was spent for, or empty")
    redeemed_at = time("when it was spent")


redeemed_launch = kept(
    "deleted an hour later",
    Table("redeemed_launch", METADATA, RedeemedLaunchColumns, Index(None, "redeemed_at")),
)


class AuditEventColumns(TypedColumns):
    id = numbered("order of the trail")
    at = time("when it happened")
    event = text("subject.object.action")
    outcome = text("success, refused or failure")
    reference = text("number the person was shown")
    tenant_id = text_or_none("Entra tenant id")
    environment_id = text_or_none("EHR environment")
    actor = text("Entra object id of staff, or a role")
    facts = text("JSON of ids we made, codes and host names")
    previous_hash = text("hash of the line before")
    hash = text("SHA-256 over the line and the hash before")


audit_event = kept(
    "never deleted by the connector",
    Table(
        "audit_event",
        METADATA,
        AuditEventColumns,
        Index(None, "tenant_id", "id"),
        sqlite_autoincrement=True,
    ),
)


class HeartbeatColumns(TypedColumns):
    name = text("which background job", primary_key=True)
    at = time("when it last finished a round")


heartbeat = kept("overwritten each time", Table("heartbeat", METADATA, HeartbeatColumns))


class IdempotencyKeyColumns(TypedColumns):
    tenant_id = text("Entra tenant id", primary_key=True)
    actor = text("Entra object id of the caller", primary_key=True)
    key = text("Idempotency-Key the caller chose", primary_key=True)
    request_hash = text("hash of the request it came with")
    status = count("HTTP status of the answer")
    answer = text("JSON of the answer, ids and settings only")
    created_at = time("when it was answered")


idempotency_key = kept(
    "deleted a day later",
    Table("idempotency_key", METADATA, IdempotencyKeyColumns, Index(None, "created_at")),
)
