"""Write-backs on their way to the EHR: one lane per visit, in order, each delivered once."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connector.domain.participant import StatusReport

# Longer than a token request and the call itself may take together (8 s each).
CLAIM = timedelta(seconds=60)
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0


class MessageState(StrEnum):
    """A parked message parks its lane until an operator replays it.

    PENDING and RETRY_AT are tried for as long as their visit's data key lives.
    """

    PENDING = "pending"
    RETRY_AT = "retry_at"
    DELIVERED = "delivered"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One status report for the EHR.

    `sealed` holds the EHR's ids under the visit's data key; `key` is the idempotency key the EHR
    gets as VendorContext. `attempts` counts earlier claims and so names the claim that holds it.
    """

    id: int
    visit_id: str
    environment_id: str
    tenant_id: str
    key: str
    sealed: bytes
    state: MessageState
    attempts: int


def idempotency_key(visit_id: str, report: StatusReport) -> str:
    """Same report, same key: hash over visit, participant, status, event time and cause.

    The visit id already stands for tenant and environment (reliability.md 4.2).
    """
    times = [report.at.isoformat(), report.cause_at.isoformat()]
    parts = [visit_id, report.participant_key, report.status, *times]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


def pause_seconds(attempts: int, jitter: float) -> float:
    """Exponential back-off with jitter; `attempts` >= 1, `jitter` in [0, 1)."""
    pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 12))
    return pause * (0.5 + jitter / 2)
