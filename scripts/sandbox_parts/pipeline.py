"""The credential of the application "Connector pipeline": what a build server would hold to promote unattended."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from scripts.sandbox_parts.state_directory import write_private

KEY_BITS: Final = 2048
LIFETIME: Final = timedelta(days=397)


def ensure_pipeline_credential(file: Path) -> str:
    """The certificate as PEM; the file, made when missing, holds the private key first and then the certificate."""
    if not file.exists():
        write_private(file, _new_credential())
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _new_credential() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Connector pipeline")])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + LIFETIME)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
