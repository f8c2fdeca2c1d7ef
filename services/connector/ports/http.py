"""One guarded way out of the process for every adapter that speaks HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; header names are lower-case, the body is capped and unread beyond it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_seconds: float = 8.0,
        max_bytes: int = 1_000_000,
    ) -> Answer:
        """Send one request over TLS on a kept-alive connection; no redirect is followed.

        The whole exchange, a dripping body included, ends within `deadline_seconds`.

        Raises:
            AddressRefused: not https, or the host resolves to an address that is not global and
                not trusted; nothing was sent.
            NotConnected: no address, no connection or no handshake; nothing was sent.
            TryLater: a certificate that proves nothing (nothing was sent), no whole answer in
                time (`maybe_done`), or `slow_host`: too many calls to it take long already (nothing
                was sent).
            BadAnswer: the body is larger than `max_bytes`.
        """
        ...
