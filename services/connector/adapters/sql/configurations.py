"""Tenants, organizations, environments and the revisions of their configuration."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, delete, or_, select, update

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, insert_if_new, named, on_both
from connector.adapters.sql.tables import (
    configuration_revision,
    ehr_environment,
    integration_record,
    issuer_claim,
    organization,
    redeemed_launch,
    share_grant,
    tenant,
)
from connector.domain.configuration import (
    Approver,
    EhrClients,
    Revision,
    RevisionState,
    SmartEndpoints,
)
from connector.domain.geography import Geography
from connector.domain.integration_record import IntegrationRecord
from connector.domain.organization import Environment, EnvironmentKind, Tenant
from connector.domain.sharing import GrantState
from connector.domain.visit_settings import Department, Lobby, VisitSettings
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
_ENVIRONMENT_IDS = select(_environment.id).order_by(_environment.created_at, _environment.id)
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
_claim = issuer_claim.c
_DOOR = Prepared(
    _DOORS.where(_claim.fhir_base_url == bindparam("fhir_base_url"), _claim.grant_id.is_(None)),
    repeats=True,
)
_OF_ENVIRONMENT = _DOORS.where(_claim.environment_id == bindparam("environment_id"))
_DOOR_OF_ENVIRONMENT = Prepared(_OF_ENVIRONMENT, repeats=True)
_DOOR_OF_LAUNCH = Prepared(
    _OF_ENVIRONMENT.add_columns(
        select(redeemed_launch.c.visit_id)
        .where(redeemed_launch.c.state_hash == bindparam("state_hash"))
        .scalar_subquery()
        .label("used_for")
    ),
    repeats=True,
)

# A guest launches as long as its grant stands and the one who gave it holds the address.
_owner = issuer_claim.alias("owner")
_GRANT_IN_EFFECT = (
    select(share_grant.c.id)
    .join(_owner, _owner.c.environment_id == share_grant.c.owner_environment_id)
    .where(
        share_grant.c.state == GrantState.ACCEPTED,
        _owner.c.grant_id.is_(None),
        _owner.c.fhir_base_url == share_grant.c.fhir_base_url,
    )
)
_DOOR_OF_RECORD = Prepared(
    _DOORS.join(integration_record, integration_record.c.environment_id == _environment.id)
    .add_columns(*(column.label(f"record_{column.key}") for column in integration_record.c))
    .where(
        integration_record.c.id == bindparam("record_id"),
        _claim.fhir_base_url == bindparam("fhir_base_url"),
        or_(
            _claim.grant_id.is_(None),
            _GRANT_IN_EFFECT.where(share_grant.c.id == _claim.grant_id)
            .correlate(issuer_claim)
            .exists(),
        ),
    ),
    repeats=True,
)
# Held until the guest's claim is there: a withdrawal at the same moment waits, and drops it.
_GRANT = (
    _GRANT_IN_EFFECT.where(
        share_grant.c.fhir_base_url == bindparam("fhir_base_url"),
        share_grant.c.guest_tenant_id == bindparam("tenant_id"),
    )
    .limit(1)
    .with_for_update(read=True, of=share_grant)
)

_REVISION = select(configuration_revision).where(_revision.id == bindparam("revision_id"))
_REVISION_LOCKED = _REVISION.with_for_update(key_share=True)
# Whoever decides about a revision has its whole environment first: which one is live is one decision
# after the other, although each begins with another revision.
_ENVIRONMENT_LOCKED = (
    select(_environment.id)
    .join(configuration_revision, _revision.environment_id == _environment.id)
    .where(_revision.id == bindparam("revision_id"))
    .with_for_update(key_share=True, of=ehr_environment)
)
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
_TENANT = select(tenant).where(tenant.c.id == bindparam("tenant_id"))
_CONFIRM_LICENCE = update(tenant).where(tenant.c.id == bindparam("tenant_id"))
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

_OWNER = select(_claim.environment_id).where(
    _claim.fhir_base_url == bindparam("fhir_base_url"), _claim.grant_id.is_(None)
)
_DROP_CLAIM = delete(issuer_claim).where(_claim.environment_id == bindparam("of_environment"))
_CLAIM = on_both(
    issuer_claim,
    lambda insert: insert.on_conflict_do_nothing(
        index_elements=["fhir_base_url"], index_where=_claim.grant_id.is_(None)
    ),
)


class SqlConfigurations(Area):
    def register_tenant(self, registered: Tenant) -> None:
        self._change(_REGISTER_TENANT, asdict(registered))
        stored = self.tenant(registered.id)
        if stored is None or stored.geography is not registered.geography:
            raise StorageConflict

    def tenant(self, tenant_id: str) -> Tenant | None:
        row = self._row(_TENANT, tenant_id=tenant_id)
        if row is None:
            return None
        return Tenant(**named(row) | {"geography": Geography(row.geography)})

    def confirm_licence(self, tenant_id: str, who: str, at: datetime) -> None:
        statement = _CONFIRM_LICENCE.values(licence_confirmed_at=at, licence_confirmed_by=who)
        self._change_known(statement, {"tenant_id": tenant_id})

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

    def environment_ids(self) -> Sequence[str]:
        return [row.id for row in self._rows(_ENVIRONMENT_IDS)]

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
        if self._writing:
            self._row(_ENVIRONMENT_LOCKED, revision_id=revision_id)
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
        with self._connection.begin_nested() as claiming:
            self._change(_DROP_CLAIM, mine)
            if not self._claims(revision):
                claiming.rollback()
                return False
        self._change(_SUPERSEDE_OTHERS, mine | {"active_id": revision.id})
        self._change(_ACTIVATE, {"active_id": revision.id})
        return True

    def _claims(self, revision: Revision) -> bool:
        """As the owner of its address, or as a guest of the one who is."""
        claim = {
            "fhir_base_url": revision.fhir_base_url,
            "environment_id": revision.environment_id,
            "revision_id": revision.id,
        }
        if self._change(_CLAIM, claim | {"grant_id": None}).rowcount == 1:
            return True
        grant = self._row(
            _GRANT, fhir_base_url=revision.fhir_base_url, tenant_id=revision.tenant_id
        )
        if grant is None:
            return False
        self._change(issuer_claim.insert(), claim | {"grant_id": grant.id})
        return True

    def retire(self, revision: Revision) -> None:
        self._change(_DROP_CLAIM, {"of_environment": revision.environment_id})
        self.save_revision(revision.retired(), revision.state.value)

    def owner_of(self, fhir_base_url: str) -> str | None:
        row = self._row(_OWNER, fhir_base_url=fhir_base_url)
        return row and str(row.environment_id)

    def door(self, fhir_base_url: str) -> Door | None:
        row = self._row(_DOOR, fhir_base_url=fhir_base_url)
        return row and _to_door(row)

    def door_of_environment(self, environment_id: str) -> Door | None:
        row = self._row(_DOOR_OF_ENVIRONMENT, environment_id=environment_id)
        return row and _to_door(row)

    def door_of_launch(
        self, environment_id: str, state_hash: str
    ) -> tuple[Door, str | None] | None:
        row = self._row(_DOOR_OF_LAUNCH, environment_id=environment_id, state_hash=state_hash)
        return row and (_to_door(row), row.used_for)

    def door_of_record(
        self, fhir_base_url: str, record_id: str
    ) -> tuple[Door, IntegrationRecord] | None:
        row = self._row(_DOOR_OF_RECORD, fhir_base_url=fhir_base_url, record_id=record_id)
        return row and (_to_door(row), _to_record(row))


@lru_cache(maxsize=256)
def _to_door(row: Row[Any]) -> Door:
    return Door(_to_environment(row), _to_revision(row))


_RECORD = [field.name for field in fields(IntegrationRecord)]


def _to_record(row: Row[Any]) -> IntegrationRecord:
    return IntegrationRecord(**{name: getattr(row, f"record_{name}") for name in _RECORD})


def _to_environment(row: Row[Any]) -> Environment:
    return Environment(
        id=row.of_id,
        tenant_id=row.of_tenant_id,
        organization_id=row.of_organization_id,
        organization_name=row.of_organization_name,
        kind=row.of_kind,
        time_zone=row.of_time_zone,
    )


_NESTED = {"clients", "endpoints", "approver", "settings"}
_SAME_NAME = [field.name for field in fields(Revision) if field.name not in _NESTED]
_ENDPOINTS = [field.name for field in fields(SmartEndpoints)]


def _to_revision(row: Row[Any]) -> Revision:
    values = named(row)
    return Revision(
        **{name: values[name] for name in _SAME_NAME},
        clients=EhrClients(
            provider=row.provider_client_id,
            patient=row.patient_client_id,
            backend=row.backend_client_id,
        ),
        endpoints=SmartEndpoints(**{name: values[name] for name in _ENDPOINTS}),
        approver=Approver(row.approver_object_id, row.approver_sign_in_name),
        settings=_to_settings(row.settings),
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
        "settings": json.dumps(asdict(revision.settings), sort_keys=True),
    }


_SETTING_TYPES = {"department": Department, "lobby": Lobby, "frame_ancestors": tuple}


@lru_cache(maxsize=1024)
def _to_settings(text: str) -> VisitSettings:
    """What a revision does not say, because it is older than the setting, is the default."""
    stored = json.loads(text)
    typed = {name: _SETTING_TYPES.get(name, type(value))(value) for name, value in stored.items()}
    return VisitSettings(**typed)
