"""Tenants, organizations, environments and the revisions of their configuration."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update

from connector.adapters.sql.statements import Area, insert_if_new, on_both
from connector.adapters.sql.tables import (
    configuration_revision,
    ehr_environment,
    integration_record,
    issuer_claim,
    organization,
    tenant,
)
from connector.domain.configuration import (
    Approver,
    EhrClients,
    IntegrationRecord,
    Revision,
    RevisionState,
    SmartEndpoints,
)
from connector.domain.launch import LaunchKind
from connector.domain.organization import Environment, EnvironmentKind
from connector.ports.storage import Door, StorageConflict

_revision = configuration_revision.c
_environment = ehr_environment.c

# The environment's columns carry a prefix so that a door is one row of one statement.
_ENVIRONMENT_COLUMNS = (
    _environment.id.label("of_id"),
    _environment.tenant_id.label("of_tenant_id"),
    _environment.organization_id.label("of_organization_id"),
    organization.c.name.label("of_organization_name"),
    _environment.kind.label("of_kind"),
    _environment.time_zone.label("of_time_zone"),
)
_ENVIRONMENTS = select(*_ENVIRONMENT_COLUMNS).join_from(ehr_environment, organization)
_ENVIRONMENT = _ENVIRONMENTS.where(_environment.id == bindparam("environment_id"))
_ENVIRONMENTS_OF_TENANT = _ENVIRONMENTS.where(
    _environment.tenant_id == bindparam("tenant_id")
).order_by(organization.c.name, _environment.kind)
_ENVIRONMENT_BY_NAME = _ENVIRONMENTS.where(
    organization.c.tenant_id == bindparam("tenant_id"),
    organization.c.name == bindparam("name"),
    _environment.kind == bindparam("kind"),
)

_DOORS = (
    select(configuration_revision, *_ENVIRONMENT_COLUMNS)
    .select_from(issuer_claim)
    .join(configuration_revision, _revision.id == issuer_claim.c.revision_id)
    .join(ehr_environment, _environment.id == issuer_claim.c.environment_id)
    .join(organization, organization.c.id == _environment.organization_id)
)
_DOOR = _DOORS.where(issuer_claim.c.fhir_base_url == bindparam("fhir_base_url"))
_DOOR_OF_ENVIRONMENT = _DOORS.where(issuer_claim.c.environment_id == bindparam("environment_id"))

_REVISION = select(configuration_revision).where(_revision.id == bindparam("revision_id"))
_REVISION_LOCKED = _REVISION.with_for_update(key_share=True)
_REVISIONS = (
    select(configuration_revision)
    .where(_revision.environment_id == bindparam("environment_id"))
    .order_by(_revision.number.desc())
)
_TO_APPROVE = (
    select(configuration_revision)
    .where(
        _revision.tenant_id == bindparam("tenant_id"),
        _revision.approver_object_id == bindparam("object_id"),
        _revision.state == RevisionState.AWAITING_APPROVAL,
    )
    .order_by(_revision.created_at, _revision.id)
)
_SAVE_REVISION = update(configuration_revision).where(
    _revision.id == bindparam("revision_id"), _revision.state == bindparam("expected_state")
)
_SUPERSEDE_OTHERS = (
    update(configuration_revision)
    .where(
        _revision.environment_id == bindparam("of_environment"),
        _revision.state == RevisionState.ACTIVE,
        _revision.id != bindparam("active_id"),
    )
    .values(state=RevisionState.SUPERSEDED)
)
_ACTIVATE = (
    update(configuration_revision)
    .where(_revision.id == bindparam("active_id"))
    .values(state=RevisionState.ACTIVE)
)

_REGISTER_TENANT = insert_if_new(tenant, "id")
_GEOGRAPHY = select(tenant.c.geography).where(tenant.c.id == bindparam("tenant_id"))
_ADD_ORGANIZATION = insert_if_new(organization, "tenant_id", "name")
_ADD_ENVIRONMENT = ehr_environment.insert().from_select(
    ["id", "tenant_id", "organization_id", "kind", "time_zone", "created_at"],
    select(
        bindparam("new_id", type_=_environment.id.type),
        organization.c.tenant_id,
        organization.c.id,
        bindparam("new_kind", type_=_environment.kind.type),
        bindparam("new_zone", type_=_environment.time_zone.type),
        bindparam("at", type_=_environment.created_at.type),
    ).where(
        organization.c.tenant_id == bindparam("of_tenant"),
        organization.c.name == bindparam("of_name"),
    ),
)

_OWNER = select(issuer_claim.c.environment_id).where(
    issuer_claim.c.fhir_base_url == bindparam("fhir_base_url")
)
_DROP_OTHER_CLAIMS = delete(issuer_claim).where(
    issuer_claim.c.environment_id == bindparam("of_environment"),
    issuer_claim.c.fhir_base_url != bindparam("kept_url"),
)
_CLAIM = on_both(
    issuer_claim,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["fhir_base_url"],
        set_={"revision_id": insert.excluded.revision_id},
        where=issuer_claim.c.environment_id == insert.excluded.environment_id,
    ),
)

_RECORD = select(integration_record).where(
    integration_record.c.environment_id == bindparam("environment_id"),
    integration_record.c.kind == bindparam("kind"),
)


class SqlConfigurations(Area):
    def register_tenant(self, tenant_id: str, geography: str, at: datetime) -> None:
        self._change(
            _REGISTER_TENANT, {"id": tenant_id, "geography": geography, "registered_at": at}
        )
        registered = self._row(_GEOGRAPHY, tenant_id=tenant_id)
        if registered is None or registered.geography != geography:
            raise StorageConflict

    def add_environment(self, environment: Environment, at: datetime) -> None:
        organization_of_it = {
            "id": environment.organization_id,
            "tenant_id": environment.tenant_id,
            "name": environment.organization_name,
            "created_at": at,
        }
        self._change(_ADD_ORGANIZATION, organization_of_it)
        values = {
            "new_id": environment.id,
            "new_kind": environment.kind,
            "new_zone": environment.time_zone,
            "at": at,
            "of_tenant": environment.tenant_id,
            "of_name": environment.organization_name,
        }
        self._change(_ADD_ENVIRONMENT, values)

    def environments(self, tenant_id: str) -> Sequence[Environment]:
        rows = self._rows(_ENVIRONMENTS_OF_TENANT, tenant_id=tenant_id)
        return [_to_environment(row) for row in rows]

    def environment(self, environment_id: str) -> Environment | None:
        row = self._row(_ENVIRONMENT, environment_id=environment_id)
        return row and _to_environment(row)

    def find_environment(
        self, tenant_id: str, organization_name: str, kind: EnvironmentKind
    ) -> Environment | None:
        row = self._row(
            _ENVIRONMENT_BY_NAME, tenant_id=tenant_id, name=organization_name, kind=kind
        )
        return row and _to_environment(row)

    def add_revision(self, revision: Revision) -> None:
        self._change(configuration_revision.insert(), _to_row(revision))

    def save_revision(self, revision: Revision, expected_state: str) -> bool:
        values = _to_row(revision)
        del values["id"]
        statement = _SAVE_REVISION.values(values)
        key = {"revision_id": revision.id, "expected_state": RevisionState(expected_state)}
        return self._change(statement, key).rowcount == 1

    def revision(self, revision_id: str) -> Revision | None:
        statement = _REVISION_LOCKED if self._writing else _REVISION
        row = self._row(statement, revision_id=revision_id)
        return row and _to_revision(row)

    def revisions(self, environment_id: str) -> Sequence[Revision]:
        return [_to_revision(row) for row in self._rows(_REVISIONS, environment_id=environment_id)]

    def revisions_to_approve(self, tenant_id: str, object_id: str) -> Sequence[Revision]:
        rows = self._rows(_TO_APPROVE, tenant_id=tenant_id, object_id=object_id)
        return [_to_revision(row) for row in rows]

    def activate(self, revision: Revision) -> bool:
        mine = {"of_environment": revision.environment_id}
        claim = {
            "fhir_base_url": revision.fhir_base_url,
            "environment_id": revision.environment_id,
            "revision_id": revision.id,
        }
        with self._connection.begin_nested() as claiming:
            self._change(_DROP_OTHER_CLAIMS, mine | {"kept_url": revision.fhir_base_url})
            if self._change(_CLAIM, claim).rowcount == 0:
                claiming.rollback()
                return False
        self._change(_SUPERSEDE_OTHERS, mine | {"active_id": revision.id})
        self._change(_ACTIVATE, {"active_id": revision.id})
        return True

    def owner_of(self, fhir_base_url: str) -> str | None:
        row = self._row(_OWNER, fhir_base_url=fhir_base_url)
        return row and str(row.environment_id)

    def door(self, fhir_base_url: str) -> Door | None:
        row = self._row(_DOOR, fhir_base_url=fhir_base_url)
        return row and Door(_to_environment(row), _to_revision(row))

    def door_of_environment(self, environment_id: str) -> Door | None:
        row = self._row(_DOOR_OF_ENVIRONMENT, environment_id=environment_id)
        return row and Door(_to_environment(row), _to_revision(row))

    def add_record(self, record: IntegrationRecord) -> None:
        values = {"id": record.id, "environment_id": record.environment_id, "kind": record.kind}
        self._change(integration_record.insert(), values)

    def record(self, environment_id: str, kind: LaunchKind) -> IntegrationRecord | None:
        row = self._row(_RECORD, environment_id=environment_id, kind=kind)
        return row and IntegrationRecord(row.id, row.environment_id, row.kind)


def _to_environment(row: Row[Any]) -> Environment:
    return Environment(
        id=row.of_id,
        tenant_id=row.of_tenant_id,
        organization_id=row.of_organization_id,
        organization_name=row.of_organization_name,
        kind=row.of_kind,
        time_zone=row.of_time_zone,
    )


_NESTED = {"clients", "endpoints", "approver"}
_SAME_NAME = [field.name for field in fields(Revision) if field.name not in _NESTED]
_ENDPOINTS = [field.name for field in fields(SmartEndpoints)]


def _to_revision(row: Row[Any]) -> Revision:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by column name
    return Revision(
        **{name: values[name] for name in _SAME_NAME},
        clients=EhrClients(
            provider=row.provider_client_id,
            patient=row.patient_client_id,
            backend=row.backend_client_id,
        ),
        endpoints=SmartEndpoints(**{name: values[name] for name in _ENDPOINTS}),
        approver=Approver(row.approver_object_id, row.approver_sign_in_name),
    )


def _to_row(revision: Revision) -> dict[str, Any]:
    return {
        **{name: getattr(revision, name) for name in _SAME_NAME},
        **{name: getattr(revision.endpoints, name) for name in _ENDPOINTS},
        "provider_client_id": revision.clients.provider,
        "patient_client_id": revision.clients.patient,
        "backend_client_id": revision.clients.backend,
        "approver_object_id": revision.approver.object_id,
        "approver_sign_in_name": revision.approver.sign_in_name,
    }
