"""Answers of the API under the keys their callers chose."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from connector.adapters.sql.statements import Area, insert_if_new, named
from connector.adapters.sql.tables import idempotency_key
from connector.ports.idempotency import KeptAnswer

_key = idempotency_key.c
_FIND = select(idempotency_key).where(
    _key.tenant_id == bindparam("tenant_id"),
    _key.actor == bindparam("actor"),
    _key.key == bindparam("key"),
)
_KEEP = insert_if_new(idempotency_key, "tenant_id", "actor", "key")
_PURGE = delete(idempotency_key).where(_key.created_at < bindparam("before"))


class SqlIdempotencyKeys(Area):
    def find(self, tenant_id: str, actor: str, key: str) -> KeptAnswer | None:
        row = self._row(_FIND, tenant_id=tenant_id, actor=actor, key=key)
        return row and KeptAnswer(**named(row))

    def keep(self, answer: KeptAnswer) -> bool:
        return self._change(_KEEP, asdict(answer)).rowcount == 1

    def purge(self, before: datetime) -> int:
        return self._change(_PURGE, {"before": before}).rowcount
