"""Sealing of cookies and rows: AES-256-GCM under keys derived from one master key.

https://www.rfc-editor.org/rfc/rfc5869.html (HKDF)
"""

import base64
import binascii
import contextlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.adapters.vault.generation import MASTER_KEY_BYTES
from connector.adapters.vault.key_folder import Live, Ring
from connector.ports.errors import Untrusted

_NONCE_BYTES = 12
_VISIT_KEYS = "visit data keys"


class MasterKey:
    """One master key; from it, at their first use, one key for each purpose and use.

    Raises:
        ValueError: not 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != MASTER_KEY_BYTES:
            raise ValueError("the master key is 32 bytes")
        self._secret = secret
        self._ciphers: dict[str, AESGCM] = {}
        self._hash_keys: dict[str, bytes] = {}

    @property
    def id(self) -> str:
        """A public name: tells generations apart, tells nothing of the key."""
        return self._derive("name").hex()[:16]

    def cipher(self, purpose: str) -> AESGCM:
        cipher = self._ciphers.get(purpose)
        if cipher is None:
            cipher = self._ciphers.setdefault(purpose, AESGCM(self._derive(f"seal {purpose}")))
        return cipher

    def keyed_hash(self, purpose: str, value: str) -> str:
        key = self._hash_keys.get(purpose)
        if key is None:
            key = self._hash_keys.setdefault(purpose, self._derive(f"hash {purpose}"))
        return _to_text(hmac.digest(key, value.encode(), "sha256"))

    def _derive(self, info: str) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode())
        return derivation.derive(self._secret)


@dataclass(frozen=True, slots=True)
class Masters:
    """The newest seals and every one opens.

    The oldest hashes: what is found by its hash (visits, participants, client states) must be found
    after a rotation too. It stops when the operator takes the oldest file away.
    """

    sealing: MasterKey
    opening: tuple[MasterKey, ...]
    hashing: MasterKey


def masters_of(ring: Ring[MasterKey]) -> Masters:
    (sealing,) = ring.in_use.keys
    others = [key for g in reversed(ring.generations) if g is not ring.in_use for key in g.keys]
    return Masters(sealing, (sealing, *others), ring.generations[0].keys[0])


class MasterSealer:
    """Implements `ports.vault.Sealer`; one derived key for each purpose and use.

    Args:
        master: 32 bytes that never change, or what says which master keys there are now.
    """

    def __init__(self, master: bytes | Live[MasterKey, Masters]) -> None:
        self.masters: Callable[[], Masters]
        if isinstance(master, bytes):
            only = MasterKey(master)
            alone = Masters(only, (only,), only)
            self.masters = lambda: alone
        else:
            self.masters = master

    def seal(self, purpose: str, value: bytes) -> str:
        cipher = self.masters().sealing.cipher(purpose)
        return _to_text(_encrypt(cipher, value, purpose.encode()))

    def open(self, purpose: str, sealed: str) -> bytes | None:
        try:
            return _decrypt_by_any(self.masters(), purpose, _to_bytes(sealed))
        except (InvalidTag, ValueError):
            return None

    def keyed_hash(self, purpose: str, value: str) -> str:
        return self.masters().hashing.keyed_hash(purpose, value)


class VisitKeySealer:
    """Implements `ports.vault.VisitSealer`: each visit has its own key, kept wrapped beside it."""

    def __init__(self, master: MasterSealer) -> None:
        self._masters = master.masters

    def new_key(self) -> bytes:
        wrapping = self._masters().sealing.cipher(_VISIT_KEYS)
        return _encrypt(wrapping, os.urandom(32), _VISIT_KEYS.encode())

    def seal(self, wrapped_key: bytes, value: bytes) -> bytes:
        return _encrypt(self._unwrap(wrapped_key), value, b"")

    def open(self, wrapped_key: bytes, sealed: bytes) -> bytes:
        try:
            return _decrypt(self._unwrap(wrapped_key), sealed, b"")
        except (InvalidTag, ValueError) as broken:
            raise Untrusted("visit_seal") from broken

    def _unwrap(self, wrapped_key: bytes) -> AESGCM:
        try:
            return AESGCM(_decrypt_by_any(self._masters(), _VISIT_KEYS, wrapped_key))
        except (InvalidTag, ValueError) as broken:
            raise Untrusted("visit_key") from broken


def _decrypt_by_any(masters: Masters, purpose: str, sealed: bytes) -> bytes:
    """By the newest first: nearly everything that lives was sealed since the last rotation.

    Raises:
        InvalidTag: none of them sealed it; ValueError: too short.
    """
    for key in masters.opening:
        with contextlib.suppress(InvalidTag):
            return _decrypt(key.cipher(purpose), sealed, purpose.encode())
    raise InvalidTag


def _encrypt(cipher: AESGCM, value: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, value, bound_to)


def _decrypt(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    if len(sealed) <= _NONCE_BYTES:
        raise ValueError("too short")
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)


def _to_text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    """Only the one spelling `_to_text` writes is read back.

    Raises:
        ValueError: another alphabet, padding, or stray bits in the last character.
    """
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as broken:
        raise ValueError("not base64url") from broken
    if _to_text(value) != text:
        raise ValueError("not canonical")
    return value
