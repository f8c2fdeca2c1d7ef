"""What is stored of one person."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Row,
    and_,
    bindparam,
    delete,
    or_,
    select,
)

from connector.adapters.sql.statements import AnySelect, Area
from connector.adapters.sql.tables import (
    configuration_revision,
    ehr_environment,
    ehr_user_link,
    idempotency_key,
    integration_record,
    share_grant,
    tenant,
    visit,
    visit_person,
)
from connector.ports.people import EhrAccount, Link, Mentions, MicrosoftAccount, Person

_link, _grant = ehr_user_link.c, share_grant.c
_record, _revision = integration_record.c, configuration_revision.c
_OBJECT_ID: BindParameter[str] = bindparam("object_id")
_TENANT_ID: BindParameter[str] = bindparam("tenant_id")
_IS = {
    EhrAccount: and_(
        _link.environment_id == bindparam("environment_id"),
        _link.ehr_user_id == bindparam("ehr_user_id"),
    ),
    MicrosoftAccount: and_(_link.tenant_id == _TENANT_ID, _link.object_id == _OBJECT_ID),
}
_ORDER = (_link.linked_at, _link.environment_id, _link.ehr_user_id)
_LINKS = {kind: select(ehr_user_link).where(it).order_by(*_ORDER) for kind, it in _IS.items()}
_ERASE = {kind: delete(ehr_user_link).where(it) for kind, it in _IS.items()}
_JOINED = select(visit_person.c.visit_id).where(visit_person.c.object_id == _OBJECT_ID)


def _ids(row: Column[str], *conditions: ColumnElement[bool]) -> AnySelect:
    return select(row.label("id")).where(*conditions).order_by(row)


def _is_it(*columns: Column[str] | Column[str | None]) -> ColumnElement[bool]:
    """The account stands in one of the columns."""
    return or_(*(column == _OBJECT_ID for column in columns))


def _ours(*columns: Column[str]) -> ColumnElement[bool]:
    return or_(*(column == _TENANT_ID for column in columns))


_OUR_ENVIRONMENTS = select(ehr_environment.c.id).where(_ours(ehr_environment.c.tenant_id))
_MENTIONS = {
    "visits": _ids(
        visit.c.id,
        _ours(visit.c.tenant_id),
        or_(_is_it(visit.c.organizer_id), visit.c.id.in_(_JOINED)),
    ),
    "revisions_to_approve": _ids(
        _revision.id, _ours(_revision.tenant_id), _is_it(_revision.approver_object_id)
    ),
    "records_verified": _ids(
        _record.id, _record.environment_id.in_(_OUR_ENVIRONMENTS), _is_it(_record.verified_by)
    ),
    "shares": _ids(
        _grant.id,
        _ours(_grant.owner_tenant_id, _grant.guest_tenant_id),
        _is_it(_grant.offered_by, _grant.answered_by),
    ),
    "tenants_confirmed": _ids(
        tenant.c.id,
        _ours(tenant.c.id),
        _is_it(tenant.c.geography_confirmed_by, tenant.c.licence_confirmed_by),
    ),
    "api_answers": _ids(
        idempotency_key.c.key, _ours(idempotency_key.c.tenant_id), _is_it(idempotency_key.c.actor)
    ),
}


class SqlPeople(Area):
    def links(self, person: Person) -> Sequence[Link]:
        return [_to_link(row) for row in self._rows(_LINKS[type(person)], **asdict(person))]

    def erase_links(self, person: Person) -> int:
        return self._change(_ERASE[type(person)], asdict(person)).rowcount

    def mentions(self, account: MicrosoftAccount) -> Mentions:
        found = {name: self._rows(rows, **asdict(account)) for name, rows in _MENTIONS.items()}
        return Mentions(**{name: [row.id for row in rows] for name, rows in found.items()})


def _to_link(row: Row[Any]) -> Link:
    return Link(
        ehr=EhrAccount(row.environment_id, row.ehr_user_id),
        microsoft=MicrosoftAccount(row.tenant_id, row.object_id),
        linked_at=row.linked_at,
    )
