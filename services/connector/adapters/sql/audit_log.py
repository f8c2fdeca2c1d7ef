"""Reading the audit trail: pages for people, the chain for whoever proves it (case 77)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Dialect,
    Row,
    Select,
    Text,
    bindparam,
    case,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.adapters.sql.audit import HASHED, hash_of
from connector.adapters.sql.failures import port_errors
from connector.adapters.sql.kept import Kept
from connector.adapters.sql.statements import storable
from connector.adapters.sql.tables import audit_event
from connector.domain.audit_chain import ChainedLine
from connector.ports.audit_log import AuditFilter, AuditLine

_columns = audit_event.c
_BATCH = 1000


class _AsItLies(TypeDecorator[Any]):
    """The time a line says it has, or the text that somebody wrote in its place."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(own)


# PostgreSQL's infinity and the years before the first are times that Python has no word for.
_PYTHONS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_AS_IT_LIES = type_coerce(case((_columns.at.between(*_PYTHONS), _columns.at)), _AsItLies).label(
    "at"
)
_CHAIN = select(
    _columns.id, _columns.previous_hash, _columns.hash, _AS_IT_LIES, *(_columns[n] for n in HASHED)
).order_by(_columns.id)
_HEAD = _CHAIN.order_by(None).order_by(_columns.id.desc()).limit(1)
_IS_HASH = select(_columns.id).where(_columns.hash == bindparam("hash")).limit(1)


class SqlAuditLog:
    """Implements `ports.audit_log.AuditLog`."""

    def __init__(self, reading: Kept) -> None:
        self._reading = reading

    def page(self, wanted: AuditFilter, before_id: int | None, limit: int) -> Sequence[AuditLine]:
        older = [] if before_id is None else [_columns.id < before_id]
        return self._lines(wanted, older, limit, newest_first=True)

    def following(self, wanted: AuditFilter, after_id: int, limit: int) -> Sequence[AuditLine]:
        return self._lines(wanted, [_columns.id > after_id], limit, newest_first=False)

    def chain(self) -> Iterator[ChainedLine]:
        with (
            port_errors(),
            self._reading.connect() as connection,
            connection.execute(_CHAIN, execution_options={"yield_per": _BATCH}) as trail,
        ):
            yield from map(_to_chained, trail)

    def is_hash(self, value: str) -> bool:
        with port_errors(), self._reading.connect() as connection:
            return connection.execute(_IS_HASH, {"hash": value}).first() is not None

    def head(self) -> ChainedLine | None:
        with port_errors(), self._reading.connect() as connection:
            row = connection.execute(_HEAD).first()
        return None if row is None else _to_chained(row)

    def _lines(
        self,
        wanted: AuditFilter,
        where: Sequence[ColumnElement[bool]],
        limit: int,
        *,
        newest_first: bool,
    ) -> Sequence[AuditLine]:
        asked = _asked(wanted)
        if not storable(asked):
            return []
        order = _columns.id.desc() if newest_first else _columns.id
        statement = _within(select(audit_event).filter_by(**asked), wanted).where(*where)
        with port_errors(), self._reading.connect() as connection:
            rows = connection.execute(statement.order_by(order).limit(limit)).all()
        return [_to_line(row) for row in rows]


def _asked(wanted: AuditFilter) -> dict[str, str]:
    """Columns that must be equal to something."""
    exact = {
        "event": wanted.event,
        "outcome": wanted.outcome,
        "environment_id": wanted.environment_id,
        "reference": wanted.reference,
        "actor": wanted.actor,
    }
    asked = {name: value for name, value in exact.items() if value}
    return asked if wanted.tenant_id is None else asked | {"tenant_id": wanted.tenant_id}


def _within(statement: Select[*tuple[Any, ...]], wanted: AuditFilter) -> Select[*tuple[Any, ...]]:
    if wanted.since is not None:
        statement = statement.where(_columns.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(_columns.at < wanted.until)
    return statement


def _to_line(row: Row[Any]) -> AuditLine:
    return AuditLine(
        id=row.id,
        at=row.at,
        event=row.event,
        outcome=row.outcome,
        reference=row.reference,
        tenant_id=row.tenant_id,
        environment_id=row.environment_id,
        actor=row.actor,
        facts=_facts(row.facts),
        hash=row.hash,
    )


def _facts(text: str) -> Mapping[str, str]:
    """A line that somebody tampered with must not hide the page it stands on."""
    try:
        facts = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return {str(k): str(v) for k, v in facts.items()} if isinstance(facts, dict) else {}


def _to_chained(row: Row[Any]) -> ChainedLine:
    return ChainedLine(
        id=row.id,
        previous_hash=row.previous_hash,
        hash=row.hash,
        computed=_computed(row),
    )


def _computed(row: Row[Any]) -> str | None:
    """None when the stored words cannot have been written by us."""
    try:
        at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(row.at)
        return hash_of(row.previous_hash, at, {name: getattr(row, name) for name in HASHED})
    except (TypeError, ValueError):
        return None
