"""Answers of the API, kept for a day under the key their caller chose.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`request_hash` tells another request under the same key; `answer` is JSON text."""

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

    def purge(self, before: datetime) -> int: ...
