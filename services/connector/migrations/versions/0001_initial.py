"""All tables of the first release.

The words of 2026-11 are frozen here: a later change of `adapters/sql/tables.py` is a new revision.
Names of constraints are spelled out, so that PostgreSQL and SQLite agree on them.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001_initial"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tenant()
    _create_organization()
    _create_ehr_environment()
    _create_configuration_revision()
    _create_issuer_claim()
    _create_integration_record()
    _create_ehr_user_link()
    _create_visit()
    _create_visit_secret()
    _create_visit_person()
    _create_participant()
    _create_applied_notification()
    _create_visit_event()
    _create_meeting_watch()
    _create_outbox_message()
    _create_graph_notification()
    _create_redeemed_launch()
    _create_audit_event()
    _create_heartbeat()


def _table(name: str, kept: str, *parts: Any, **options: Any) -> None:
    for part in parts:
        if isinstance(part, sa.Column) and ";" not in (part.comment or ""):
            part.comment = f"{part.comment}; {kept}"
    op.create_table(name, *parts, **options)


_OWNERS = {
    "tenant_id": "tenant.id",
    "organization_id": "organization.id",
    "environment_id": "ehr_environment.id",
    "revision_id": "configuration_revision.id",
    "visit_id": "visit.id",
}


def _foreign(table: str, *columns: str) -> Iterator[sa.ForeignKeyConstraint]:
    """What belongs to a visit goes with it; everything else must be removed by name."""
    for column in columns:
        yield sa.ForeignKeyConstraint(
            [column],
            [_OWNERS[column]],
            name=f"fk_{table}_{column}",
            ondelete="CASCADE" if column == "visit_id" else None,
        )


def _text(name: str, about: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, comment=about)


def _time(name: str, about: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=about)


def _bytes(name: str, about: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable, comment=about)


def _count(name: str, about: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, comment=about)


def _flag(name: str, about: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, comment=about)


def _number(name: str, about: str) -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, number, sa.Identity(), nullable=False, comment=about)


def _create_tenant() -> None:
    _table(
        "tenant",
        "kept until the tenant is removed",
        _text("id", "Entra tenant id"),
        _text("geography", "data geography the tenant belongs to"),
        _time("registered_at", "when its first configuration was entered"),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.CheckConstraint(
            "geography IN ('americas', 'emea', 'apac')", name="ck_tenant_geography_known"
        ),
    )


def _create_organization() -> None:
    _table(
        "organization",
        "kept until the tenant is removed",
        _text("id", "our id of the organization"),
        _text("tenant_id", "Entra tenant id"),
        _text("name", "name of the organization as its admin typed it"),
        _time("created_at", "when it was entered"),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
        *_foreign("organization", "tenant_id"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_organization_tenant_id_name"),
    )


def _create_ehr_environment() -> None:
    _table(
        "ehr_environment",
        "kept until the tenant is removed",
        _text("id", "our id of the EHR environment"),
        _text("tenant_id", "Entra tenant id"),
        _text("organization_id", "its organization"),
        _text("kind", "test or production"),
        _text("time_zone", "IANA zone its pages show times in"),
        _time("created_at", "when it was entered"),
        sa.PrimaryKeyConstraint("id", name="pk_ehr_environment"),
        *_foreign("ehr_environment", "tenant_id", "organization_id"),
        sa.UniqueConstraint(
            "organization_id", "kind", name="uq_ehr_environment_organization_id_kind"
        ),
        sa.CheckConstraint("kind IN ('test', 'production')", name="ck_ehr_environment_kind_known"),
    )
    op.create_index("ix_ehr_environment_tenant_id", "ehr_environment", ["tenant_id"])


def _create_configuration_revision() -> None:
    _table(
        "configuration_revision",
        "kept until the tenant is removed",
        _text("id", "our id of the revision"),
        _text("environment_id", "EHR environment"),
        _text("tenant_id", "Entra tenant id"),
        _count("number", "1, 2, 3 … within the environment"),
        _text("state", "where the revision stands"),
        _text("fhir_base_url", "FHIR base URL, the issuer of launches"),
        _text("provider_client_id", "OAuth client id of provider launches"),
        _text("patient_client_id", "OAuth client id of patient launches"),
        _text("backend_client_id", "OAuth client id of write-backs"),
        _text("issuer", "issuer of the EHR's ID tokens"),
        _text("authorization_endpoint", "pinned address of the EHR's sign-in"),
        _text("token_endpoint", "pinned address codes are redeemed at"),
        _text("jwks_uri", "pinned address of the EHR's keys"),
        _flag("callback_names_issuer", "the EHR sends RFC 9207 iss"),
        _flag("authorize_by_post", "the EHR takes authorization by POST"),
        _text("assertion_algorithm", "how our client assertions are signed"),
        _text("approver_object_id", "Entra object id of the approver"),
        _text("approver_sign_in_name", "sign-in name of the approver"),
        _time("created_at", "when the revision was entered"),
        _text("created_by", "sign-in name of the admin who entered it"),
        _time("microsoft_signed_in_at", "approver's first stamp", nullable=True),
        _time("ehr_signed_in_at", "approver's second stamp", nullable=True),
        _time("approved_at", "when it was approved", nullable=True),
        _text("change_request", "what the approver asked to change"),
        sa.PrimaryKeyConstraint("id", name="pk_configuration_revision"),
        *_foreign("configuration_revision", "environment_id", "tenant_id"),
        sa.UniqueConstraint(
            "environment_id", "number", name="uq_configuration_revision_environment_id_number"
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'awaiting_approval', 'changes_requested', 'approved', 'active', 'superseded', 'retired')",
            name="ck_configuration_revision_state_known",
        ),
    )
    op.create_index(
        "ix_configuration_revision_tenant_id_approver_object_id_state",
        "configuration_revision",
        ["tenant_id", "approver_object_id", "state"],
    )


def _create_issuer_claim() -> None:
    _table(
        "issuer_claim",
        "kept while it is in use",
        _text("fhir_base_url", "FHIR base URL launches come from"),
        _text("environment_id", "EHR environment"),
        _text("revision_id", "approved revision in use"),
        sa.PrimaryKeyConstraint("fhir_base_url", name="pk_issuer_claim"),
        *_foreign("issuer_claim", "environment_id", "revision_id"),
        sa.UniqueConstraint("environment_id", name="uq_issuer_claim_environment_id"),
    )


def _create_integration_record() -> None:
    _table(
        "integration_record",
        "kept until the tenant is removed",
        _text("id", "random name of the record, no secret"),
        _text("environment_id", "EHR environment"),
        _text("kind", "provider or patient"),
        sa.PrimaryKeyConstraint("id", name="pk_integration_record"),
        *_foreign("integration_record", "environment_id"),
        sa.UniqueConstraint(
            "environment_id", "kind", name="uq_integration_record_environment_id_kind"
        ),
        sa.CheckConstraint(
            "kind IN ('provider', 'patient')", name="ck_integration_record_kind_known"
        ),
    )


def _create_ehr_user_link() -> None:
    _table(
        "ehr_user_link",
        "kept until erased",
        _text("environment_id", "EHR environment"),
        _text("ehr_user_id", "the EHR user's unique id, the only EHR data kept"),
        _text("tenant_id", "Entra tenant id"),
        _text("object_id", "Entra object id it belongs to"),
        _time("linked_at", "when the user signed in with Microsoft"),
        sa.PrimaryKeyConstraint("environment_id", "ehr_user_id", name="pk_ehr_user_link"),
        *_foreign("ehr_user_link", "environment_id", "tenant_id"),
    )
    op.create_index(
        "ix_ehr_user_link_tenant_id_object_id", "ehr_user_link", ["tenant_id", "object_id"]
    )


def _create_visit() -> None:
    _table(
        "visit",
        "purged some days after its end (setting)",
        _text("id", "our id of the visit"),
        _text("environment_id", "EHR environment"),
        _text("tenant_id", "Entra tenant id"),
        _text("visit_key", "keyed hash of the EHR's appointment"),
        _text("state", "where the visit stands"),
        _time("created_at", "first launch"),
        _text("organizer_id", "Entra object id the meeting belongs to", nullable=True),
        _text("meeting_id", "Graph's id of the meeting", nullable=True),
        _text("join_url", "staff's address of the meeting", nullable=True),
        _text("patient_join_url", "patients' address of the meeting", nullable=True),
        _flag("met", "provider and patient were connected together"),
        _time("ended_at", "when the visit ended", nullable=True),
        _time("call_ended_at", "newest end of a call in its meeting", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
        *_foreign("visit", "environment_id", "tenant_id"),
        sa.UniqueConstraint(
            "environment_id", "visit_key", name="uq_visit_environment_id_visit_key"
        ),
        sa.CheckConstraint(
            "(meeting_id IS NULL) = (join_url IS NULL) AND (meeting_id IS NULL) = (patient_join_url IS NULL)",
            name="ck_visit_meeting_whole",
        ),
        sa.CheckConstraint(
            "state IN ('waiting_for_provider', 'waiting_for_patient', 'lobby', 'in_visit', 'interrupted', 'ended', 'patient_no_show', 'provider_no_show', 'abandoned')",
            name="ck_visit_state_known",
        ),
    )
    op.create_index("ix_visit_ended_at", "visit", ["ended_at"])
    op.create_index("ix_visit_state_created_at", "visit", ["state", "created_at"])


def _create_visit_secret() -> None:
    _table(
        "visit_secret",
        "destroyed after the visit, 24 hours at most",
        _text("visit_id", "visit it belongs to"),
        _bytes("wrapped_key", "the visit's data key, wrapped by the master key"),
        _bytes("conference_id_sealed", "EHR's contact number, sealed by the data key"),
        _time("kept_at", "when the key was made"),
        sa.PrimaryKeyConstraint("visit_id", name="pk_visit_secret"),
        *_foreign("visit_secret", "visit_id"),
    )


def _create_visit_person() -> None:
    _table(
        "visit_person",
        "purged with its visit",
        _text("visit_id", "visit it belongs to"),
        _text("role", "provider or patient"),
        _text("ehr_id_hash", "keyed hash of the EHR's id of the person"),
        _text("object_id", "Entra object id of staff", nullable=True),
        _bytes("ehr_id_sealed", "EHR's id of the person, sealed; emptied with the visit's secrets"),
        sa.PrimaryKeyConstraint("visit_id", "role", "ehr_id_hash", name="pk_visit_person"),
        *_foreign("visit_person", "visit_id"),
        sa.CheckConstraint("role IN ('provider', 'patient')", name="ck_visit_person_role_known"),
    )


def _create_participant() -> None:
    _table(
        "participant",
        "purged with its visit",
        _text("visit_id", "visit it belongs to"),
        _text("key", "keyed hash of Graph's participant id"),
        _text("role", "provider, patient or somebody else"),
        _text("presence", "lobby, connected or disconnected"),
        _time("status_at", "newest event time applied"),
        _bytes(
            "ehr_id_sealed",
            "EHR's id of the person, sealed; emptied with the visit's secrets",
            nullable=True,
        ),
        _text("story", "JSON of event times and presences, nothing else"),
        sa.PrimaryKeyConstraint("visit_id", "key", name="pk_participant"),
        *_foreign("participant", "visit_id"),
        sa.CheckConstraint(
            "presence IN ('lobby', 'connected', 'disconnected')",
            name="ck_participant_presence_known",
        ),
        sa.CheckConstraint(
            "role IN ('provider', 'patient', 'other')", name="ck_participant_role_known"
        ),
    )


def _create_applied_notification() -> None:
    _table(
        "applied_notification",
        "purged with its visit",
        _text("visit_id", "visit it belongs to"),
        _text("key", "key of a notification that was applied"),
        sa.PrimaryKeyConstraint("visit_id", "key", name="pk_applied_notification"),
        *_foreign("applied_notification", "visit_id"),
    )


def _create_visit_event() -> None:
    _table(
        "visit_event",
        "purged with its visit",
        _number("number", "order of the live page's lines"),
        _text("visit_id", "visit it belongs to"),
        _text("kind", "what kind of line"),
        _text("role", "provider, patient, other or empty"),
        _text("label", "state or status word, never a name"),
        _time("at", "event time"),
        sa.PrimaryKeyConstraint("number", name="pk_visit_event"),
        *_foreign("visit_event", "visit_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_visit_event_visit_id_number", "visit_event", ["visit_id", "number"])


def _create_meeting_watch() -> None:
    _table(
        "meeting_watch",
        "deleted when the meeting is over",
        _text("visit_id", "visit it belongs to"),
        _text("tenant_id", "Entra tenant id"),
        _text("join_url", "address of the meeting that is watched"),
        _text("graph_id", "Graph's id of the subscription", nullable=True),
        _time("expires_at", "when Graph lets it lapse", nullable=True),
        _flag("wanted", "false when it is to be deleted"),
        _count("attempts", "how often a worker took it since Graph confirmed it"),
        _time("due_at", "next look, empty while Graph has confirmed it", nullable=True),
        sa.PrimaryKeyConstraint("visit_id", name="pk_meeting_watch"),
        *_foreign("meeting_watch", "visit_id", "tenant_id"),
        sa.UniqueConstraint("graph_id", name="uq_meeting_watch_graph_id"),
    )
    op.create_index("ix_meeting_watch_due_at", "meeting_watch", ["due_at"])
    op.create_index("ix_meeting_watch_expires_at", "meeting_watch", ["expires_at"])


def _create_outbox_message() -> None:
    _table(
        "outbox_message",
        "purged with its visit",
        _number("id", "order within the visit's lane"),
        _text("visit_id", "visit it belongs to"),
        _text("environment_id", "EHR environment"),
        _text("tenant_id", "Entra tenant id"),
        _text("key", "idempotency key the EHR gets"),
        _bytes("sealed", "EHR ids of the status report, sealed; emptied with the visit's secrets"),
        _text("state", "where the delivery stands"),
        _count("attempts", "how often a worker took it"),
        _time("due_at", "next try, empty when delivered or parked", nullable=True),
        _text("code", "why the last attempt failed"),
        _time("created_at", "when it came to be owed"),
        _time("delivered_at", "when the EHR took it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
        *_foreign("outbox_message", "visit_id", "environment_id", "tenant_id"),
        sa.UniqueConstraint("key", name="uq_outbox_message_key"),
        sa.CheckConstraint(
            "state IN ('pending', 'retry_at', 'delivered', 'parked')",
            name="ck_outbox_message_state_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_message_due_at", "outbox_message", ["due_at"])
    op.create_index("ix_outbox_message_state", "outbox_message", ["state"])
    op.create_index("ix_outbox_message_visit_id_id", "outbox_message", ["visit_id", "id"])


def _create_graph_notification() -> None:
    _table(
        "graph_notification",
        "deleted when applied; dead letters 24 hours after they came",
        _number("id", "order of arrival"),
        _bytes("body", "Graph's post as it came, content encrypted"),
        _time("received_at", "when it came"),
        _count("attempts", "how often a worker took it"),
        _time("due_at", "next try, empty for a dead letter", nullable=True),
        _text("code", "why it became a dead letter"),
        sa.PrimaryKeyConstraint("id", name="pk_graph_notification"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_graph_notification_due_at", "graph_notification", ["due_at"])


def _create_redeemed_launch() -> None:
    _table(
        "redeemed_launch",
        "deleted an hour later",
        _text("state_hash", "hash of a launch state that was spent"),
        _text("visit_id", "visit it was spent for, or empty"),
        _time("redeemed_at", "when it was spent"),
        sa.PrimaryKeyConstraint("state_hash", name="pk_redeemed_launch"),
    )
    op.create_index("ix_redeemed_launch_redeemed_at", "redeemed_launch", ["redeemed_at"])


def _create_audit_event() -> None:
    _table(
        "audit_event",
        "never deleted by the connector",
        _number("id", "order of the trail"),
        _time("at", "when it happened"),
        _text("event", "subject.object.action"),
        _text("outcome", "success, refused or failure"),
        _text("reference", "number the person was shown"),
        _text("tenant_id", "Entra tenant id", nullable=True),
        _text("environment_id", "EHR environment", nullable=True),
        _text("actor", "Entra object id of staff, or a role"),
        _text("facts", "JSON of ids we made, codes and host names"),
        _text("previous_hash", "hash of the line before"),
        _text("hash", "SHA-256 over the line and the hash before"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        sqlite_autoincrement=True,
    )


def _create_heartbeat() -> None:
    _table(
        "heartbeat",
        "overwritten each time",
        _text("name", "which background job"),
        _time("at", "when it last finished a round"),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeat"),
    )
