"""Sealing of cookies and rows: AES-256-GCM under keys derived from one master key.

https://www.rfc-editor.org/rfc/rfc5869.html (HKDF)
"""

import base64
import binascii
import hmac
import os
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.ports.errors import Untrusted

MASTER_KEY_BYTES = 32
_NONCE_BYTES = 12
_VISIT_KEYS = "visit data keys"


class MasterSealer:
    """Implements `ports.vault.Sealer`; one derived key for each purpose and use."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise ValueError("the master key is 32 bytes")
        self._master_key = master_key
        self._ciphers: dict[str, AESGCM] = {}
        self._hash_keys: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def seal(self, purpose: str, value: bytes) -> str:
        return _to_text(_encrypt(self.cipher(purpose), value, purpose.encode()))

    def open(self, purpose: str, sealed: str) -> bytes | None:
        try:
            return _decrypt(self.cipher(purpose), _to_bytes(sealed), purpose.encode())
        except (InvalidTag, ValueError):
            return None

    def keyed_hash(self, purpose: str, value: str) -> str:
        key = self._hash_keys.get(purpose)
        if key is None:
            key = self._hash_keys.setdefault(purpose, self._derive(f"hash {purpose}"))
        return _to_text(hmac.digest(key, value.encode(), "sha256"))

    def cipher(self, purpose: str) -> AESGCM:
        """The cipher of a purpose, derived at its first use."""
        cipher = self._ciphers.get(purpose)
        if cipher is None:
            cipher = self._ciphers.setdefault(purpose, AESGCM(self._derive(f"seal {purpose}")))
        return cipher

    def _derive(self, info: str) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode())
        return derivation.derive(self._master_key)


class VisitKeySealer:
    """Implements `ports.vault.VisitSealer`: each visit has its own key, kept wrapped beside it."""

    def __init__(self, master: MasterSealer) -> None:
        self._wrapping = master.cipher(_VISIT_KEYS)

    def new_key(self) -> bytes:
        return _encrypt(self._wrapping, os.urandom(32), _VISIT_KEYS.encode())

    def seal(self, wrapped_key: bytes, value: bytes) -> bytes:
        return _encrypt(self._unwrap(wrapped_key), value, b"")

    def open(self, wrapped_key: bytes, sealed: bytes) -> bytes:
        try:
            return _decrypt(self._unwrap(wrapped_key), sealed, b"")
        except (InvalidTag, ValueError) as broken:
            raise Untrusted("visit_seal") from broken

    def _unwrap(self, wrapped_key: bytes) -> AESGCM:
        try:
            return AESGCM(_decrypt(self._wrapping, wrapped_key, _VISIT_KEYS.encode()))
        except (InvalidTag, ValueError) as broken:
            raise Untrusted("visit_key") from broken


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
