"""Keys: what seals our cookies and rows, and what signs for us. Keys never leave the adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class KeyKind(StrEnum):
    """What can be rotated, each by itself."""

    ASSERTIONS = "assertions"  # sign as us at EHRs
    NOTIFICATIONS = "notifications"  # Graph encrypts for them
    SEALING = "sealing"  # the master key of cookies and rows
    ENTRA = "entra"  # the certificate of the app registration


class KeyState(StrEnum):
    """`COMING` is published and accepted but not used yet; `FORMER` is accepted still."""

    COMING = "coming"
    IN_USE = "in_use"
    FORMER = "former"


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """Keys of a kind that were made together; `ids` are public names (kid, fingerprint)."""

    kind: KeyKind
    number: int
    active_from: datetime | None
    state: KeyState
    ids: tuple[str, ...]


# Others must be shown these kinds' certificates: Entra, and Graph with each subscription.
CERTIFIED = (KeyKind.ENTRA, KeyKind.NOTIFICATIONS)


@dataclass(frozen=True, slots=True)
class KeyCertificate:
    """What anybody may see of a generation: its certificate, never its key.

    Attributes:
        thumbprint: SHA-256 of the DER, in hex; the generation's id.
    """

    kind: KeyKind
    number: int
    state: KeyState
    pem: str
    thumbprint: str
    not_after: datetime


class KeyMaker(Protocol):
    """Adds generations of keys; running processes find them by themselves within seconds."""

    def generations(self, now: datetime) -> Sequence[KeyGeneration]:
        """Every kind's, oldest first."""
        ...

    def add(self, kind: KeyKind, now: datetime, active_from: datetime) -> KeyGeneration:
        """Make the next generation; nothing that exists is changed."""
        ...

    def certificate(self, kind: KeyKind, now: datetime) -> KeyCertificate:
        """Of the newest generation of a `CERTIFIED` kind: in use, or coming. No private key is read.

        Raises:
            FileNotFoundError: there is no such key, or its certificate was never made;
            ValueError: what is there is no certificate; OSError or OutsideError: the place is away.
        """
        ...


class Sealer(Protocol):
    """Authenticated encryption of small values (AES-256-GCM), bound to a purpose."""

    def seal(self, purpose: str, value: bytes) -> str:
        """URL- and cookie-safe text that only `open` with the same purpose turns back."""
        ...

    def open(self, purpose: str, sealed: str) -> bytes | None:
        """The value, or None if it was tampered with or sealed for something else."""
        ...

    def keyed_hash(self, purpose: str, value: str) -> str:
        """HMAC-SHA-256 under a key derived for `purpose`, 43 characters of base64url."""
        ...


class VisitSealer(Protocol):
    """Per-visit data keys: destroying the wrapped key destroys what it sealed."""

    def new_key(self) -> bytes:
        """A fresh data key, wrapped by the deployment's master key."""
        ...

    def seal(self, wrapped_key: bytes, value: bytes) -> bytes: ...

    def open(self, wrapped_key: bytes, sealed: bytes) -> bytes:
        """The value.

        Raises:
            Untrusted: tampered with, or sealed under another key.
        """
        ...


class AssertionSigner(Protocol):
    """Signs our client assertions (RFC 7523) with the current key of an algorithm."""

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        """A compact JWT with `kid` and `typ: JWT`; `algorithm` is RS384 or ES384."""
        ...

    def public_keys(self) -> dict[str, Any]:
        """The JWK set EHRs fetch: current and not yet expired former keys, public members only."""
        ...


class NotificationKeys(Protocol):
    """The RSA pair Graph encrypts notifications for (microsoft.md 3.4)."""

    def certificate(self) -> tuple[str, str]:
        """(certificate id, base64 of its DER) to hand to Graph."""
        ...

    def decrypt_key(self, certificate_id: str, wrapped: bytes) -> bytes:
        """RSA-OAEP(SHA-1) unwrap of an item's symmetric key.

        Raises:
            Untrusted: unknown certificate id or wrong key.
        """
        ...
