"""Time and randomness."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


class Ids(Protocol):
    def identifier(self) -> str:
        """A new opaque id, unique, safe in a URL path, 22 characters."""
        ...

    def secret(self) -> str:
        """32 random bytes as base64url: states, nonces, verifiers, record ids."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1) that spreads retries."""
        ...
