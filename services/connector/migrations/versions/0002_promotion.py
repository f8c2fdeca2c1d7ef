"""Visit settings, promotion, shared addresses, verified records, API idempotency.

The words of 2026-11 are frozen here, as in every revision. Tables that others refer to only get new
columns: SQLite changes nothing else of them in place.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_promotion"
down_revision = "0001_initial"
branch_labels = None
depends_on = None

_SETUP = "kept until the tenant is removed"
_CLAIM = "kept while it is in use"
_KEY = "deleted a day later"


def upgrade() -> None:
    _tenant_is_confirmed()
    _revision_has_settings()
    _address_is_shared()
    _record_is_verified()
    op.create_index("ix_audit_event_tenant_id_id", "audit_event", ["tenant_id", "id"])
    _keys_are_kept()


def _text(name: str, about: str, kept: str = _SETUP, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, comment=f"{about}; {kept}", **options)


def _or_none(name: str, kind: Any, about: str, kept: str = _SETUP) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True, comment=f"{about}; {kept}")


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _tenant_is_confirmed() -> None:
    for column in (
        _text("country", "its country as Entra named it, or empty", server_default=""),
        _text("geography_confirmed_by", "Entra object id of that admin", server_default=""),
        _or_none("licence_confirmed_at", _time(), "when an admin said the licences are there"),
        _text("licence_confirmed_by", "Entra object id of that admin", server_default=""),
    ):
        op.add_column("tenant", column)
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.alter_column(
            "tenant",
            "registered_at",
            comment=f"when an admin confirmed its geography; {_SETUP}",
            existing_comment=f"when its first configuration was entered; {_SETUP}",
        )


def _revision_has_settings() -> None:
    for column in (
        _text("vendor", "vendor of the EHR", server_default="epic"),
        _text("settings", "JSON of the visit settings", server_default="{}"),
        _text(
            "promotion_plan",
            "digest of the promotion plan that made it, or empty",
            server_default="",
        ),
    ):
        op.add_column("configuration_revision", column)


def _address_is_shared() -> None:
    op.create_table(
        "share_grant",
        _text("id", "our id of the grant"),
        _text("fhir_base_url", "FHIR base URL that is shared"),
        _text("owner_environment_id", "EHR environment it belongs to"),
        _text("owner_tenant_id", "Entra tenant id of the owner"),
        _text("guest_tenant_id", "Entra tenant id it is shared with"),
        _text("state", "where the grant stands"),
        sa.Column(
            "offered_at", _time(), nullable=False, comment=f"when the owner offered it; {_SETUP}"
        ),
        _text("offered_by", "Entra object id of the owner's admin"),
        _or_none("answered_at", _time(), "when it was accepted, declined or withdrawn"),
        _text("answered_by", "Entra object id of who did"),
        sa.PrimaryKeyConstraint("id", name="pk_share_grant"),
        sa.ForeignKeyConstraint(
            ["owner_environment_id"],
            ["ehr_environment.id"],
            name="fk_share_grant_owner_environment_id",
        ),
        sa.ForeignKeyConstraint(
            ["owner_tenant_id"], ["tenant.id"], name="fk_share_grant_owner_tenant_id"
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn')",
            name="ck_share_grant_state_known",
        ),
    )
    op.create_index("ix_share_grant_owner_tenant_id", "share_grant", ["owner_tenant_id"])
    op.create_index("ix_share_grant_guest_tenant_id", "share_grant", ["guest_tenant_id"])
    _claims_of_guests()


def _claims_of_guests() -> None:
    """The table is made anew under its name: its key changes, and nothing refers to it."""
    old = op.get_bind().execute(sa.text("SELECT * FROM issuer_claim")).mappings().all()
    op.drop_table("issuer_claim")
    claims = op.create_table(
        "issuer_claim",
        _text("environment_id", "EHR environment", _CLAIM),
        _text("fhir_base_url", "FHIR base URL launches come from", _CLAIM),
        _text("revision_id", "approved revision in use", _CLAIM),
        _or_none("grant_id", sa.Text, "grant it is shared by, empty for its owner", _CLAIM),
        sa.PrimaryKeyConstraint("environment_id", name="pk_issuer_claim"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["ehr_environment.id"], name="fk_issuer_claim_environment_id"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["configuration_revision.id"], name="fk_issuer_claim_revision_id"
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["share_grant.id"], name="fk_issuer_claim_grant_id"),
    )
    owned = sa.text("grant_id IS NULL")
    op.create_index(
        "uq_issuer_claim_owner",
        "issuer_claim",
        ["fhir_base_url"],
        unique=True,
        sqlite_where=owned,
        postgresql_where=owned,
    )
    op.bulk_insert(claims, [dict(row) | {"grant_id": None} for row in old])


def _record_is_verified() -> None:
    with op.batch_alter_table("integration_record") as table:
        table.add_column(
            sa.Column(
                "group",
                sa.Boolean,
                nullable=False,
                server_default=sa.false(),
                comment=f"it opens group visits; {_SETUP}",
            )
        )
        table.add_column(_or_none("verified_at", _time(), "when it was pasted back unchanged"))
        table.add_column(
            _text("verified_by", "Entra object id of who pasted it", server_default="")
        )
        table.drop_constraint("uq_integration_record_environment_id_kind", type_="unique")
        table.create_unique_constraint(
            "uq_integration_record_environment_id_kind_group", ["environment_id", "kind", "group"]
        )


def _keys_are_kept() -> None:
    op.create_table(
        "idempotency_key",
        _text("tenant_id", "Entra tenant id", _KEY),
        _text("actor", "Entra object id of the caller", _KEY),
        _text("key", "Idempotency-Key the caller chose", _KEY),
        _text("request_hash", "hash of the request it came with", _KEY),
        sa.Column(
            "status", sa.Integer, nullable=False, comment=f"HTTP status of the answer; {_KEY}"
        ),
        _text("answer", "JSON of the answer, ids and settings only", _KEY),
        sa.Column("created_at", _time(), nullable=False, comment=f"when it was answered; {_KEY}"),
        sa.PrimaryKeyConstraint("tenant_id", "actor", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
