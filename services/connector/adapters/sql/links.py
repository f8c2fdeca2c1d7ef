"""EHR user ID to Microsoft account."""

from datetime import datetime

from sqlalchemy import bindparam, select

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, insert_if_new
from connector.adapters.sql.tables import ehr_user_link

_FIND = Prepared(
    select(ehr_user_link.c.object_id).where(
        ehr_user_link.c.environment_id == bindparam("environment_id"),
        ehr_user_link.c.ehr_user_id == bindparam("ehr_user_id"),
    )
)
_ADD = insert_if_new(ehr_user_link, "environment_id", "ehr_user_id")


class SqlLinks(Area):
    def find(self, environment_id: str, ehr_user_id: str) -> str | None:
        row = self._row(_FIND, environment_id=environment_id, ehr_user_id=ehr_user_id)
        return row and str(row.object_id)

    def add(
        self, environment_id: str, ehr_user_id: str, tenant_id: str, object_id: str, at: datetime
    ) -> None:
        values = {
            "environment_id": environment_id,
            "ehr_user_id": ehr_user_id,
            "tenant_id": tenant_id,
            "object_id": object_id,
            "linked_at": at,
        }
        self._change(_ADD, values)
