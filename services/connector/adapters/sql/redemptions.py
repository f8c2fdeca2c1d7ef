"""Launch states that were spent: the unique row is what makes a launch happen once."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from connector.adapters.sql.prepared import Prepared
from connector.adapters.sql.statements import Area, insert_if_new
from connector.adapters.sql.tables import redeemed_launch

_FIND = Prepared(
    select(redeemed_launch.c.visit_id).where(
        redeemed_launch.c.state_hash == bindparam("state_hash")
    )
)
_REDEEM = insert_if_new(redeemed_launch, "state_hash")
_PURGE = delete(redeemed_launch).where(redeemed_launch.c.redeemed_at < bindparam("before"))


class SqlRedemptions(Area):
    def find(self, state_hash: str) -> str | None:
        row = self._row(_FIND, state_hash=state_hash)
        return row and str(row.visit_id)

    def redeem(self, state_hash: str, visit_id: str, at: datetime) -> bool:
        values = {"state_hash": state_hash, "visit_id": visit_id, "redeemed_at": at}
        return self._change(_REDEEM, values).rowcount == 1

    def purge(self, before: datetime) -> int:
        return self._change(_PURGE, {"before": before}).rowcount
