"""Grants of shared FHIR base URLs, and the claims that stand on them."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from connector.adapters.sql.statements import Area, named
from connector.adapters.sql.tables import configuration_revision, issuer_claim, share_grant
from connector.domain.configuration import SmartEndpoints
from connector.domain.lookalike import LiveAddress
from connector.domain.sharing import Grant, GrantState

_grant = share_grant.c
_claim = issuer_claim.c
_FIND = select(share_grant).where(_grant.id == bindparam("grant_id"))
_FIND_LOCKED = _FIND.with_for_update(key_share=True)
_OF_TENANT = (
    select(share_grant)
    .where(
        or_(
            _grant.owner_tenant_id == bindparam("tenant_id"),
            _grant.guest_tenant_id == bindparam("tenant_id"),
        )
    )
    .order_by(_grant.offered_at.desc(), _grant.id)
)
_ACCEPTED = (
    select(share_grant)
    .join(issuer_claim, _claim.environment_id == _grant.owner_environment_id)
    .where(
        _grant.state == GrantState.ACCEPTED,
        _grant.fhir_base_url == bindparam("fhir_base_url"),
        _grant.guest_tenant_id == bindparam("tenant_id"),
        _claim.grant_id.is_(None),
        _claim.fhir_base_url == _grant.fhir_base_url,
    )
    .limit(1)
)
_SAVE = update(share_grant).where(
    _grant.id == bindparam("which"), _grant.state == bindparam("expected")
)
_revision = configuration_revision.c
_ENDPOINTS = [field.name for field in fields(SmartEndpoints)]
_LIVE_ELSEWHERE = (
    select(_claim.fhir_base_url, *(_revision[name] for name in _ENDPOINTS))
    .join(configuration_revision, _revision.id == _claim.revision_id)
    .where(_claim.grant_id.is_(None), _revision.tenant_id != bindparam("tenant_id"))
    .order_by(_claim.fhir_base_url)
)
_CLAIMS = select(_claim.revision_id).where(_claim.grant_id == bindparam("grant_id"))
_DROP_CLAIMS = delete(issuer_claim).where(_claim.grant_id == bindparam("grant_id"))


class SqlGrants(Area):
    def add(self, grant: Grant) -> None:
        self._change(share_grant.insert(), asdict(grant))

    def find(self, grant_id: str) -> Grant | None:
        row = self._row(_FIND_LOCKED if self._writing else _FIND, grant_id=grant_id)
        return row and Grant(**named(row))

    def of_tenant(self, tenant_id: str) -> Sequence[Grant]:
        return [Grant(**named(row)) for row in self._rows(_OF_TENANT, tenant_id=tenant_id)]

    def accepted(self, fhir_base_url: str, guest_tenant_id: str) -> Grant | None:
        row = self._row(_ACCEPTED, fhir_base_url=fhir_base_url, tenant_id=guest_tenant_id)
        return row and Grant(**named(row))

    def save(self, grant: Grant, expected: GrantState) -> bool:
        key = {"which": grant.id, "expected": expected}
        return self._change(_SAVE.values(asdict(grant)), key).rowcount == 1

    def live_elsewhere(self, tenant_id: str) -> Sequence[LiveAddress]:
        rows = self._rows(_LIVE_ELSEWHERE, tenant_id=tenant_id)
        return [_to_address(named(row)) for row in rows]

    def claims(self, grant_id: str) -> Sequence[str]:
        return [row.revision_id for row in self._rows(_CLAIMS, grant_id=grant_id)]

    def drop_claims(self, grant_id: str) -> Sequence[str]:
        revisions = self.claims(grant_id)
        self._change(_DROP_CLAIMS, {"grant_id": grant_id})
        return revisions


def _to_address(values: dict[str, Any]) -> LiveAddress:
    fhir_base_url = values.pop("fhir_base_url")
    return LiveAddress(fhir_base_url, SmartEndpoints(**values))
