"""What the connector's outbox owes, its inbox holds and it waits to hear, read from `/metrics` (docs/data.md)."""

import re
from dataclasses import dataclass
from typing import Final, Self

import requests

TIMEOUT_SECONDS: Final = 2.0
_WAITING: Final = re.compile(
    r'^connector_outbox_messages\{state="(?:pending|retry_at)"\} (\S+)$', re.MULTILINE
)
_POSTS: Final = re.compile(r"^connector_inbox_notifications (\S+)$", re.MULTILINE)
_AWAITED: Final = re.compile(r"^connector_attendance_awaited (\S+)$", re.MULTILINE)
_OLDEST: Final = re.compile(r"^connector_outbox_oldest_seconds (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OutboxReading:
    """-1 where the connector does not tell. `posts` are Graph's, stored and not applied yet;
    `awaited` are visits whose attendance report may still tell of somebody.
    """

    pending: float = -1.0
    oldest_seconds: float = -1.0
    posts: float = -1.0
    awaited: float = -1.0

    @classmethod
    def of(cls, exposition: str) -> Self:
        waiting = [float(number) for number in _WAITING.findall(exposition)]
        oldest, posts = _OLDEST.search(exposition), _POSTS.search(exposition)
        awaited = _AWAITED.search(exposition)
        return cls(
            sum(waiting) if waiting else -1.0,
            float(oldest[1]) if oldest else -1.0,
            float(posts[1]) if posts else -1.0,
            float(awaited[1]) if awaited else -1.0,
        )


def read_outbox(session: requests.Session, connector_url: str) -> OutboxReading:
    """Nothing known when `/metrics` is not served to us, as on a stamp."""
    try:
        answer = session.get(f"{connector_url}/metrics", timeout=TIMEOUT_SECONDS)
    except requests.RequestException:
        return OutboxReading()
    return OutboxReading.of(answer.text) if answer.ok else OutboxReading()
