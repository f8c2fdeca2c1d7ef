"""Answers of the API under the keys their callers chose."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

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
_KNOWN = (
    _key.tenant_id == bindparam("of_tenant"),
    _key.actor == bindparam("of_actor"),
    _key.key == bindparam("of_key"),
    _key.status == bindparam("of_status"),
    _key.created_at == bindparam("of_time"),
)
_REPLACE = update(idempotency_key).where(*_KNOWN)
_DROP = delete(idempotency_key).where(*_KNOWN)
_PURGE = delete(idempotency_key).where(_key.created_at < bindparam("before"))


class SqlIdempotencyKeys(Area):
    def find(self, tenant_id: str, actor: str, key: str) -> KeptAnswer | None:
        row = self._row(_FIND, tenant_id=tenant_id, actor=actor, key=key)
        return row and KeptAnswer(**named(row))

    def keep(self, answer: KeptAnswer) -> bool:
        return self._change(_KEEP, asdict(answer)).rowcount == 1

    def replace(self, known: KeptAnswer, by: KeptAnswer) -> bool:
        return self._change(_REPLACE.values(asdict(by)), _which(known)).rowcount == 1

    def drop(self, known: KeptAnswer) -> None:
        self._change(_DROP, _which(known))

    def purge(self, before: datetime) -> int:
        return self._change(_PURGE, {"before": before}).rowcount


def _which(known: KeptAnswer) -> dict[str, object]:
    """One moment of one key: when it was taken tells apart two requests that took it in turn."""
    return {
        "of_tenant": known.tenant_id,
        "of_actor": known.actor,
        "of_key": known.key,
        "of_status": known.status,
        "of_time": known.created_at,
    }
