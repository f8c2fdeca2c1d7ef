"""One transaction with every area of the port on the same connection."""

from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import bindparam, select

from connector.adapters.sql.attendance_checks import SqlAttendanceChecks
from connector.adapters.sql.audit import AuditTrail
from connector.adapters.sql.configurations import SqlConfigurations
from connector.adapters.sql.grants import SqlGrants
from connector.adapters.sql.idempotency import SqlIdempotencyKeys
from connector.adapters.sql.inbox import SqlInbox
from connector.adapters.sql.links import SqlLinks
from connector.adapters.sql.outbox import SqlOutbox
from connector.adapters.sql.people import SqlPeople
from connector.adapters.sql.records import SqlRecords
from connector.adapters.sql.redemptions import SqlRedemptions
from connector.adapters.sql.statements import Area, on_both
from connector.adapters.sql.tables import heartbeat
from connector.adapters.sql.visits import SqlVisits
from connector.adapters.sql.watches import SqlWatches
from connector.ports.storage import AuditEntry

A = TypeVar("A", bound=Area)

_BEAT = on_both(
    heartbeat,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"], set_={"at": insert.excluded.at}
    ),
)
_LAST_BEAT = select(heartbeat.c.at).where(heartbeat.c.name == bindparam("job"))


class _Of(Generic[A]):
    """An area of the transaction, made when it is first asked for: a launch asks a few of a dozen."""

    def __init__(self, area: type[A]) -> None:
        self._area = area

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, transaction: "SqlTransaction", _owner: type) -> A:
        area = self._area(transaction._connection, writing=transaction._writing)  # noqa: SLF001
        transaction.__dict__[self._name] = area  # found there from now on
        return area


class SqlTransaction(Area):
    configurations = _Of(SqlConfigurations)
    records = _Of(SqlRecords)
    grants = _Of(SqlGrants)
    idempotency = _Of(SqlIdempotencyKeys)
    links = _Of(SqlLinks)
    people = _Of(SqlPeople)
    visits = _Of(SqlVisits)
    redemptions = _Of(SqlRedemptions)
    outbox = _Of(SqlOutbox)
    inbox = _Of(SqlInbox)
    watches = _Of(SqlWatches)
    attendance = _Of(SqlAttendanceChecks)
    _trail = _Of(AuditTrail)

    def audit(self, entry: AuditEntry) -> None:
        self._trail.add(entry)

    def heartbeat(self, name: str, at: datetime) -> None:
        self._change(_BEAT, {"name": name, "at": at})

    def last_heartbeat(self, name: str) -> datetime | None:
        row = self._row(_LAST_BEAT, job=name)
        return row and row.at

    def close(self) -> None:
        """Write what is numbered in the order of commits; nothing may follow but the commit."""
        self.visits.events.write_pending()
        self._trail.write_pending()
