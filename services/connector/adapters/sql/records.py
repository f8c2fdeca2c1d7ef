"""Integration records, and whether they came back from the EHR unchanged."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from connector.adapters.sql.statements import Area, named
from connector.adapters.sql.tables import integration_record
from connector.domain.integration_record import IntegrationRecord

_record = integration_record.c
_FIND = select(integration_record).where(_record.id == bindparam("record_id"))
_OF_ENVIRONMENT = (
    select(integration_record)
    .where(_record.environment_id == bindparam("environment_id"))
    .order_by(_record.group, _record.kind.desc())
)
_VERIFY = update(integration_record).where(_record.id == bindparam("record_id"))
_FORGET = (
    update(integration_record)
    .where(_record.environment_id == bindparam("of_environment"))
    .values(verified_at=None, verified_by="")
)


class SqlRecords(Area):
    def add(self, record: IntegrationRecord) -> None:
        values = {name: getattr(record, name) for name in _record.keys()}  # noqa: SIM118 - columns
        self._change(integration_record.insert(), values)

    def of(self, environment_id: str) -> Sequence[IntegrationRecord]:
        rows = self._rows(_OF_ENVIRONMENT, environment_id=environment_id)
        return [IntegrationRecord(**named(row)) for row in rows]

    def find(self, record_id: str) -> IntegrationRecord | None:
        row = self._row(_FIND, record_id=record_id)
        return row and IntegrationRecord(**named(row))

    def mark_verified(self, record_id: str, who: str, at: datetime) -> None:
        statement = _VERIFY.values(verified_at=at, verified_by=who)
        self._change_known(statement, {"record_id": record_id})

    def forget_verification(self, environment_id: str) -> None:
        self._change(_FORGET, {"of_environment": environment_id})
