"""Identifiers this simulator mints."""

import base64
import secrets
import uuid

# Any fixed namespace will do: identifiers that must survive a reset are derived from names below it.
_NAMESPACE = uuid.UUID("8d0f6a0c-6d0e-4c39-9c3c-5a1b5d1f0e11")


def new_guid() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def stable_guid(*parts: str) -> str:
    """The same GUID for the same parts, in every process."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def base64url(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
