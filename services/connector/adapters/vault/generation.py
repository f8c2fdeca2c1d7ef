"""Making the keys directory: what `connector keys init` and a rotation do.

Files are only ever added, never overwritten, and appear whole, so a run that was interrupted or
raced by another is finished by the next one.
"""

import contextlib
import os
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from connector.adapters.vault.sealing import MASTER_KEY_BYTES

MASTER_KEY = "master.key"
ENTRA = "entra"
ASSERTION = "client-assertion"
GRAPH = "graph"
CERTIFICATE_LIFE = timedelta(days=730)
_RSA_BITS = 2048
_NUMBERED = re.compile(r".*-(\d{4})-.*")


def make_keys(directory: Path, now: datetime) -> None:
    """Add whatever the directory lacks; run it again and nothing changes.

    Args:
        directory: made with mode 0700; files get 0600.
        now: when the certificates begin to be valid, aware UTC.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    _add(directory / MASTER_KEY, os.urandom(MASTER_KEY_BYTES))
    _add_certificate(directory, ENTRA, "Teams EHR connector", now)
    if not any(directory.glob(f"{ASSERTION}-*-key.pem")):
        add_assertion_keys(directory)
    if not any(directory.glob(f"{GRAPH}-*-key.pem")):
        add_notification_key(directory, now)
    for key in sorted(directory.glob(f"{GRAPH}-*-key.pem")):
        _add_certificate(directory, key.name.removesuffix("-key.pem"), "Graph notifications", now)


def add_assertion_keys(directory: Path) -> None:
    """Add a pair of client-assertion keys that sign from the next start on (rotation)."""
    number = _next_number(directory, ASSERTION)
    _add(directory / f"{ASSERTION}-{number:04}-rs384-key.pem", _pem(_new_rsa()))
    _add(
        directory / f"{ASSERTION}-{number:04}-es384-key.pem",
        _pem(ec.generate_private_key(ec.SECP384R1())),
    )


def add_notification_key(directory: Path, now: datetime) -> None:
    """Add a Graph certificate that new subscriptions use from the next start on (rotation)."""
    name = f"{GRAPH}-{_next_number(directory, GRAPH):04}"
    _add_certificate(directory, name, "Graph notifications", now)


def _next_number(directory: Path, kind: str) -> int:
    found = (_NUMBERED.fullmatch(path.name) for path in directory.glob(f"{kind}-*.pem"))
    return max((int(match[1]) for match in found if match), default=0) + 1


def _add_certificate(directory: Path, name: str, common_name: str, now: datetime) -> None:
    """`<name>-key.pem` and the self-signed `<name>-certificate.pem` made from it."""
    key_file, certificate_file = (
        directory / f"{name}-key.pem",
        directory / f"{name}-certificate.pem",
    )
    if not key_file.exists():
        _add(key_file, _pem(_new_rsa()))
    if certificate_file.exists():
        return
    key = load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("a certificate's key is RSA")  # noqa: TRY004 - a wrong file, not a wrong argument
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .sign(key, SHA256())
    )
    _add(certificate_file, certificate.public_bytes(Encoding.PEM))


def _new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _add(path: Path, content: bytes) -> None:
    """Write `path` with mode 0600, whole or not at all; a file that is there stays as it is."""
    if path.exists():
        return
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails where a rename would overwrite what another process has just added.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
