"""Keys in memory: real authenticated encryption, made anew for every test, no files."""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connector.ports.errors import Untrusted


class FakeSealer:
    """Implements `ports.vault.Sealer`."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def seal(self, purpose: str, value: bytes) -> str:
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(self._key).encrypt(nonce, value, purpose.encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, purpose: str, sealed: str) -> bytes | None:
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            return AESGCM(self._key).decrypt(raw[:12], raw[12:], purpose.encode())
        except (ValueError, InvalidTag):
            return None

    def keyed_hash(self, purpose: str, value: str) -> str:
        key = hashlib.sha256(self._key + purpose.encode()).digest()
        digest = hmac.new(key, value.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class FakeVisitSealer:
    """Implements `ports.vault.VisitSealer`."""

    def __init__(self) -> None:
        self._master = AESGCM(os.urandom(32))

    def new_key(self) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._master.encrypt(nonce, os.urandom(32), b"visit key")

    def seal(self, wrapped_key: bytes, value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._data_key(wrapped_key).encrypt(nonce, value, b"")

    def open(self, wrapped_key: bytes, sealed: bytes) -> bytes:
        try:
            return self._data_key(wrapped_key).decrypt(sealed[:12], sealed[12:], b"")
        except (ValueError, InvalidTag) as broken:
            raise Untrusted("seal") from broken

    def _data_key(self, wrapped_key: bytes) -> AESGCM:
        try:
            return AESGCM(self._master.decrypt(wrapped_key[:12], wrapped_key[12:], b"visit key"))
        except (ValueError, InvalidTag) as broken:
            raise Untrusted("seal") from broken
