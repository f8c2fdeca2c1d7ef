"""Encryption of resource data, the publisher's side.

https://learn.microsoft.com/graph/change-notifications-with-resource-data#decrypting-resource-data-from-change-notifications
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

DATA_KEY_BYTES = 32
AES_BLOCK_BYTES = 16
RSA_MIN_BITS, RSA_MAX_BITS = 2048, 4096


@dataclass(frozen=True, slots=True)
class EncryptionCertificate:
    """A subscriber's public key; `thumbprint` is upper-case hexadecimal SHA-1 of the DER."""

    id: str
    public_key: RSAPublicKey
    thumbprint: str


def read_encryption_certificate(certificate_id: str, encoded: str) -> EncryptionCertificate:
    """Base64 of a DER X.509 certificate (one in PEM is taken too). Raises ValueError."""
    data = base64.b64decode(encoded, validate=True)
    is_pem = data.startswith(b"-----BEGIN")
    certificate = (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(
        data
    )
    public_key = certificate.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise ValueError("the key must be RSA")  # noqa: TRY004 - a wrong value in a request
    if not RSA_MIN_BITS <= public_key.key_size <= RSA_MAX_BITS:
        raise ValueError("the RSA key must have 2048 to 4096 bits")
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the field is defined as SHA-1
    return EncryptionCertificate(certificate_id, public_key, thumbprint)


def encrypted_content(
    plaintext: bytes, certificate: EncryptionCertificate, *, break_signature: bool = False
) -> dict[str, str]:
    """`encryptedContent` of one item, under a key of its own.

    The IV is the first half of the key and RSA-OAEP uses SHA-1: Graph's choices, kept because receivers depend on them.
    """
    key = secrets.token_bytes(DATA_KEY_BYTES)
    padder = PKCS7(AES_BLOCK_BYTES * 8).padder()
    padded = padder.update(plaintext) + padder.finalize()
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:AES_BLOCK_BYTES])).encryptor()
    ciphertext = cipher.update(padded) + cipher.finalize()
    signing_key = secrets.token_bytes(DATA_KEY_BYTES) if break_signature else key
    signature = hmac.new(signing_key, ciphertext, hashlib.sha256).digest()
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - as above
    return {
        "data": base64.b64encode(ciphertext).decode(),
        "dataSignature": base64.b64encode(signature).decode(),
        "dataKey": base64.b64encode(certificate.public_key.encrypt(key, oaep)).decode(),
        "encryptionCertificateId": certificate.id,
        "encryptionCertificateThumbprint": certificate.thumbprint,
    }
