"""Randomness from the operating system."""

import secrets

_IDENTIFIER_BYTES = 16  # 22 characters of base64url
_SECRET_BYTES = 32  # 43 characters; SMART asks for at least 122 bits of `state`
_JITTER_STEPS = 1 << 53


class RandomIds:
    """Implements `ports.system.Ids`; keeps no state, so forks and threads never share a value."""

    def identifier(self) -> str:
        return secrets.token_urlsafe(_IDENTIFIER_BYTES)

    def secret(self) -> str:
        return secrets.token_urlsafe(_SECRET_BYTES)

    def jitter(self) -> float:
        return secrets.randbelow(_JITTER_STEPS) / _JITTER_STEPS
