"""The certificate authority of this checkout and the one server certificate that every part serves.

The authority is made once, so that a tester trusts it once. Its key never leaves ``.sandbox``.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import trustme
from cryptography import x509
from scripts.sandbox_parts.state_directory import (
    OWNER_ONLY_FILE,
    OWNER_ONLY_FOLDER,
    write_private,
)

NAMES: Final = ("localhost", "127.0.0.1", "::1")
# Apple's and Chromium's verifiers refuse longer-lived server certificates:
# https://support.apple.com/en-us/102028
LIFETIME: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Certificates:
    """``ca_file`` is to be trusted; ``cert_file`` (with chain) and ``key_file`` are to be served."""

    ca_file: Path
    cert_file: Path
    key_file: Path


def ensure_certificates(folder: Path) -> Certificates:
    """Those of the folder; made when missing, the server's anew shortly before it expires."""
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    with _alone(folder):
        authority = _authority(made.ca_file, folder / "ca-key.pem")
        if not _is_usable(made, authority):
            _issue(authority, made)
    return made


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two sandboxes of one checkout may start at the same time."""
    lock = os.open(folder / "certificates.lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY_FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _authority(ca_file: Path, key_file: Path) -> trustme.CA:
    if ca_file.exists() and key_file.exists():
        return trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
    authority = trustme.CA(
        organization_name="Teams EHR Connector Kit",
        organization_unit_name="sandbox of this checkout",
    )
    write_private(key_file, authority.private_key_pem.bytes())
    write_private(ca_file, authority.cert_pem.bytes())
    return authority


def _is_usable(made: Certificates, authority: trustme.CA) -> bool:
    if not (made.cert_file.exists() and made.key_file.exists()):
        return False
    server = x509.load_pem_x509_certificate(made.cert_file.read_bytes())
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    enough_left = server.not_valid_after_utc > _now() + RENEW_BEFORE
    try:
        server.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, x509.InvalidVersion):
        return False
    return enough_left


def _issue(authority: trustme.CA, to: Certificates) -> None:
    server = authority.issue_cert(*NAMES, not_after=_now() + LIFETIME)
    write_private(to.key_file, server.private_key_pem.bytes())
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    write_private(to.cert_file, chain)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
