"""Making the keys directory: what `connector keys init` and a rotation do.

Files are only ever added, never overwritten, and appear whole, so a run that was interrupted or
raced by another is finished by the next one.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
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

MASTER_KEY_BYTES = 32
MASTER_KEY = "master.key"
MASTER = "master"
ENTRA = "entra"
ASSERTION = "client-assertion"
GRAPH = "graph"
COMMON_NAMES = {ENTRA: "Teams EHR connector", GRAPH: "Graph notifications"}
CERTIFICATE_LIFE = timedelta(days=730)
_RSA_BITS = 2048
_NUMBERED = re.compile(r".*-(\d{4})[-.].*")


def make_keys(directory: Path, now: datetime) -> None:
    """Add whatever the directory lacks; run it again and nothing changes.

    Args:
        directory: made with mode 0700; files get 0600.
        now: when the certificates begin to be valid, aware UTC.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    # A first generation that an operator took away after a rotation does not come back.
    if not any(directory.glob(f"{MASTER}-*.key")):
        _add(directory / MASTER_KEY, os.urandom(MASTER_KEY_BYTES))
    if not any(directory.glob(f"{ENTRA}-*-key.pem")):
        _add_certificate(directory, ENTRA, now)
    pairs = {number_of(key.name) for key in directory.glob(f"{ASSERTION}-*-key.pem")}
    for number in pairs or {1}:
        _add_assertion_pair(directory, number)
    if not any(directory.glob(f"{GRAPH}-*-key.pem")):
        add_notification_key(directory, now)
    for key in sorted(directory.glob(f"{GRAPH}-*-key.pem")):
        _add_certificate(directory, key.name.removesuffix("-key.pem"), now)


def add_assertion_keys(directory: Path, active_from: datetime | None = None) -> int:
    """Add a pair of client-assertion keys; from `active_from` on, or at once, they sign."""
    number = _next_number(directory, ASSERTION)
    _announce(directory, ASSERTION, number, active_from)
    _add_assertion_pair(directory, number)
    return number


def add_notification_key(
    directory: Path, now: datetime, active_from: datetime | None = None
) -> int:
    """Add a Graph certificate; from `active_from` on, or at once, new subscriptions use it."""
    return _add_numbered_certificate(directory, GRAPH, now, active_from)


def add_entra_key(directory: Path, now: datetime, active_from: datetime | None = None) -> int:
    """Add a certificate for the app registration, which must know it by `active_from`."""
    return _add_numbered_certificate(directory, ENTRA, now, active_from)


def add_master_key(directory: Path, active_from: datetime | None = None) -> int:
    """Add a master key; from `active_from` on, or at once, it seals. The others still open."""
    number = _next_number(directory, MASTER)
    _announce(directory, MASTER, number, active_from)
    _add(directory / f"{MASTER}-{number:04}.key", os.urandom(MASTER_KEY_BYTES))
    return number


def active_from_file(directory: Path, kind: str, number: int) -> Path:
    """Holds since when a generation is used, as ISO 8601; without it: since it was made."""
    return directory / f"{kind}-{number:04}-active-from.txt"


def number_of(name: str) -> int:
    """The generation a file belongs to; a file without a number belongs to the first."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else 1


def _add_assertion_pair(directory: Path, number: int) -> None:
    """One key of each algorithm; a run that ended between the two is finished."""
    for algorithm, make in _ASSERTION_KEYS.items():
        path = directory / f"{ASSERTION}-{number:04}-{algorithm}-key.pem"
        if not path.exists():
            _add(path, _pem(make()))


def _add_numbered_certificate(
    directory: Path, kind: str, now: datetime, active_from: datetime | None
) -> int:
    number = _next_number(directory, kind)
    _announce(directory, kind, number, active_from)
    _add_certificate(directory, f"{kind}-{number:04}", now)
    return number


def _announce(directory: Path, kind: str, number: int, active_from: datetime | None) -> None:
    """Before the keys: nobody may see a key without knowing that its time has not come."""
    if active_from:
        _add(active_from_file(directory, kind, number), active_from.isoformat().encode())


def _next_number(directory: Path, kind: str) -> int:
    """Never one that was used before: its file may be gone, its name may be remembered."""
    return max((number_of(p.name) for p in directory.glob(f"{kind}[-.]*")), default=0) + 1


def _add_certificate(directory: Path, name: str, now: datetime) -> None:
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
    common_name = COMMON_NAMES[name.split("-", maxsplit=1)[0]]
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


def _new_p384() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


_ASSERTION_KEYS: Mapping[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    "rs384": _new_rsa,
    "es384": _new_p384,
}


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
