"""What the connector's outbox owes, read from `/metrics` (docs/data.md)."""

import re
from dataclasses import dataclass
from typing import Final, Self

import requests

TIMEOUT_SECONDS: Final = 2.0
_WAITING: Final = re.compile(
    r'^connector_outbox_messages\{state="(?:pending|retry_at)"\} (\S+)$', re.MULTILINE
)
_OLDEST: Final = re.compile(r"^connector_outbox_oldest_seconds (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OutboxReading:
    """-1 where the connector does not tell."""

    pending: float = -1.0
    oldest_seconds: float = -1.0

    @classmethod
    def of(cls, exposition: str) -> Self:
        waiting = [float(number) for number in _WAITING.findall(exposition)]
        oldest = _OLDEST.search(exposition)
        return cls(sum(waiting) if waiting else -1.0, float(oldest[1]) if oldest else -1.0)

    @property
    def is_empty(self) -> bool:
        """As far as anybody can tell."""
        return self.pending <= 0


def read_outbox(session: requests.Session, connector_url: str) -> OutboxReading:
    """Nothing known when `/metrics` is not served to us, as on a stamp."""
    try:
        answer = session.get(f"{connector_url}/metrics", timeout=TIMEOUT_SECONDS)
    except requests.RequestException:
        return OutboxReading()
    return OutboxReading.of(answer.text) if answer.ok else OutboxReading()
