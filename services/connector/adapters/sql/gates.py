"""Gates that keep numbers in the order of commits: one transaction of the stamp passes each at a time.

PostgreSQL hands out numbers when a row is inserted but shows rows when they are committed, so a
reader that remembers the highest number it saw could miss a lower one that was still on its way, and
two lines of the audit trail could seal the same one. Numbered lines are therefore inserted at the very
end of a transaction, past a gate. The gates are the last locks anybody takes, that of live pages
first, so they cannot deadlock. All replicas pass them, so each is held for two answers of the database
only: the lines' and the commit's. SQLite has one writer at a time anyway.
"""

from typing import Any

from sqlalchemy import Connection, func, select

from connector.adapters.sql.prepared import Prepared, last_row

# What earlier versions passed for both kinds: beside one of them the trail stays one chain.
_AUDIT_TRAIL = f"SELECT pg_advisory_xact_lock({0x7EA35})"
_LIVE_PAGES = Prepared(select(func.pg_advisory_xact_lock(0x7EA36).label("passed")))


def pass_to_live_pages(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        _LIVE_PAGES.run(connection, {})


def pass_to_audit_trail(connection: Connection, newest: str) -> Any | None:
    """`newest` asks for what one must know of the line before; its answer, None if there is none."""
    gate = (_AUDIT_TRAIL,) if connection.dialect.name == "postgresql" else ()
    row = last_row(connection, *gate, newest)
    return row and row[0]
