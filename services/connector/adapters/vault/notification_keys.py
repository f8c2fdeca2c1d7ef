"""The certificates Graph encrypts change notifications for (microsoft.md 3.4)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from connector.adapters.vault.key_folder import Live, Ring
from connector.ports.errors import Untrusted


@dataclass(frozen=True, slots=True)
class NotificationKey:
    private: RSAPrivateKey
    certificate: Certificate

    @property
    def id(self) -> str:
        """SHA-256 of the certificate in hex: well within Graph's 128 characters, never reused."""
        return self.certificate.fingerprint(SHA256()).hex()


class CertificateKeys:
    """Implements `ports.vault.NotificationKeys`.

    Args:
        keys: new subscriptions get the last; the others still open what subscriptions made
            before a rotation send.
    """

    def __init__(self, keys: Sequence[NotificationKey]) -> None:
        self._keys = {key.id: key.private for key in keys}
        der = keys[-1].certificate.public_bytes(Encoding.DER)
        self._handed_out = (keys[-1].id, base64.b64encode(der).decode())
        # SHA-1 is what Graph uses; as OAEP's hash it is not known to be weak.
        # https://learn.microsoft.com/graph/change-notifications-with-resource-data
        self._padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - see above

    def certificate(self) -> tuple[str, str]:
        return self._handed_out

    def decrypt_key(self, certificate_id: str, wrapped: bytes) -> bytes:
        private = self._keys.get(certificate_id)
        if private is None:
            raise Untrusted("certificate_unknown")
        try:
            return private.decrypt(wrapped, self._padding)
        except ValueError as other:
            raise Untrusted("certificate_mismatch") from other


class RotatingCertificates:
    """Implements `ports.vault.NotificationKeys`: the keys directory as it is now."""

    def __init__(self, keys: Live[NotificationKey, CertificateKeys]) -> None:
        self._keys = keys

    def certificate(self) -> tuple[str, str]:
        return self._keys().certificate()

    def decrypt_key(self, certificate_id: str, wrapped: bytes) -> bytes:
        return self._keys().decrypt_key(certificate_id, wrapped)


def certificates_of(ring: Ring[NotificationKey]) -> CertificateKeys:
    """Every generation opens for as long as its file is there; a subscription may be days old."""
    others = [key for g in ring.generations if g is not ring.in_use for key in g.keys]
    return CertificateKeys([*others, *ring.in_use.keys])
