"""One transaction with every area of the port on the same connection."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

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
from connector.adapters.sql.visit_events import pass_gate
from connector.adapters.sql.visits import SqlVisits
from connector.adapters.sql.watches import SqlWatches
from connector.ports.storage import AuditEntry

_BEAT = on_both(
    heartbeat,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"], set_={"at": insert.excluded.at}
    ),
)
_LAST_BEAT = select(heartbeat.c.at).where(heartbeat.c.name == bindparam("job"))


class SqlTransaction(Area):
    def __init__(self, connection: Connection, *, writing: bool) -> None:
        super().__init__(connection, writing=writing)
        self.configurations = SqlConfigurations(connection, writing=writing)
        self.records = SqlRecords(connection, writing=writing)
        self.grants = SqlGrants(connection, writing=writing)
        self.idempotency = SqlIdempotencyKeys(connection, writing=writing)
        self.links = SqlLinks(connection, writing=writing)
        self.people = SqlPeople(connection, writing=writing)
        self.visits = SqlVisits(connection, writing=writing)
        self.redemptions = SqlRedemptions(connection, writing=writing)
        self.outbox = SqlOutbox(connection, writing=writing)
        self.inbox = SqlInbox(connection, writing=writing)
        self.watches = SqlWatches(connection, writing=writing)
        self._trail = AuditTrail(connection, writing=writing)

    def audit(self, entry: AuditEntry) -> None:
        self._trail.add(entry)

    def heartbeat(self, name: str, at: datetime) -> None:
        self._change(_BEAT, {"name": name, "at": at})

    def last_heartbeat(self, name: str) -> datetime | None:
        row = self._row(_LAST_BEAT, job=name)
        return row and row.at

    def close(self) -> None:
        """Write what is numbered in the order of commits; nothing may follow but the commit."""
        if self._trail.pending or self.visits.events.pending:
            pass_gate(self._connection)
            self.visits.events.write_pending()
            self._trail.write_pending()
