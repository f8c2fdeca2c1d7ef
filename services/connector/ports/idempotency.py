"""Answers of the API, kept for a day under the key their caller chose.

A key is taken before its request begins, so that the same request sent twice at once runs once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

IN_PROGRESS = 0


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`request_hash` tells another request under the same key; `answer` is JSON text.

    `status` is the HTTP status, or `IN_PROGRESS` while the request that took the key still runs.
    """

    tenant_id: str
    actor: str
    key: str
    request_hash: str
    status: int
    answer: str
    created_at: datetime


class IdempotencyKeys(Protocol):
    def find(self, tenant_id: str, actor: str, key: str) -> KeptAnswer | None: ...

    def keep(self, answer: KeptAnswer) -> bool:
        """False if the key is taken."""
        ...

    def replace(self, known: KeptAnswer, by: KeptAnswer) -> bool:
        """False if what is kept under the key is not `known` any more; both have the same key."""
        ...

    def drop(self, known: KeptAnswer) -> None:
        """The key is free again, unless something else than `known` is kept under it by now."""
        ...

    def purge(self, before: datetime) -> int: ...
