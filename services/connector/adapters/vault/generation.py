"""Making keys: what `connector keys init` and a rotation add to a directory or to a vault's secrets.

Material is only ever added, never overwritten, and appears whole, so a run that was interrupted or
raced by another is finished by the next one.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

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

from connector.ports.key_places import KeyPlace

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


def make_keys(place: KeyPlace, now: datetime) -> None:
    """Add whatever the place lacks; run it again and nothing changes.

    Args:
        place: a directory, say; key files lie in it side by side.
        now: when the certificates begin to be valid, aware UTC.
    """
    make_secrets(place, now)
    pairs = {number_of(key) for key in _used(place, f"{ASSERTION}-*-key.pem")}
    for number in sorted(pairs or {1}):
        _add_assertion_pair(place, number)


def make_secrets(place: KeyPlace, now: datetime) -> None:
    """All but the client-assertion keys, where those are kept by a vault that signs itself."""
    # A first generation that an operator took away after a rotation does not come back.
    if not _used(place, f"{MASTER}-*.key"):
        place.add(MASTER_KEY, os.urandom(MASTER_KEY_BYTES))
    if not _used(place, f"{ENTRA}-*-key.pem"):
        _add_certificate(place, ENTRA, now)
    if not _used(place, f"{GRAPH}-*-key.pem"):
        add_notification_key(place, now)
    for kind in (ENTRA, GRAPH):  # a rotation that ended between the key and its certificate
        for key in _used(place, f"{kind}-*-key.pem") & set(place.names()):
            _add_certificate(place, key.removesuffix("-key.pem"), now)


def add_assertion_keys(place: KeyPlace, active_from: datetime | None = None) -> int:
    """Add a pair of client-assertion keys; from `active_from` on, or at once, they sign."""
    number = _next_number(place, ASSERTION)
    _announce(place, ASSERTION, number, active_from)
    _add_assertion_pair(place, number)
    return number


def add_notification_key(
    place: KeyPlace, now: datetime, active_from: datetime | None = None
) -> int:
    """Add a Graph certificate; from `active_from` on, or at once, new subscriptions use it."""
    return _add_numbered_certificate(place, GRAPH, now, active_from)


def add_entra_key(place: KeyPlace, now: datetime, active_from: datetime | None = None) -> int:
    """Add a certificate for the app registration, which must know it by `active_from`."""
    return _add_numbered_certificate(place, ENTRA, now, active_from)


def add_master_key(place: KeyPlace, active_from: datetime | None = None) -> int:
    """Add a master key; from `active_from` on, or at once, it seals. The others still open."""
    number = _next_number(place, MASTER)
    _announce(place, MASTER, number, active_from)
    place.add(f"{MASTER}-{number:04}.key", os.urandom(MASTER_KEY_BYTES))
    return number


def active_from_name(kind: str, number: int) -> str:
    """Holds since when a generation is used, as ISO 8601; without it: since it was made."""
    return f"{kind}-{number:04}-active-from.txt"


def number_of(name: str) -> int:
    """The generation a name belongs to; a name without a number belongs to the first."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else 1


def _used(place: KeyPlace, pattern: str) -> set[str]:
    return {name for name in place.used_names() if fnmatchcase(name, pattern)}


def _add_assertion_pair(place: KeyPlace, number: int) -> None:
    """One key of each algorithm; a run that ended between the two is finished."""
    there = place.used_names()
    for algorithm, make in _ASSERTION_KEYS.items():
        name = f"{ASSERTION}-{number:04}-{algorithm}-key.pem"
        if name not in there:
            place.add(name, _pem(make()))


def _add_numbered_certificate(
    place: KeyPlace, kind: str, now: datetime, active_from: datetime | None
) -> int:
    number = _next_number(place, kind)
    _announce(place, kind, number, active_from)
    _add_certificate(place, f"{kind}-{number:04}", now)
    return number


def _announce(place: KeyPlace, kind: str, number: int, active_from: datetime | None) -> None:
    """Before the keys: nobody may see a key without knowing that its time has not come."""
    if active_from:
        place.add(active_from_name(kind, number), active_from.isoformat().encode())


def _next_number(place: KeyPlace, kind: str) -> int:
    """Never one that was used before: its key may be gone, its name may be remembered."""
    return max((number_of(name) for name in _used(place, f"{kind}[-.]*")), default=0) + 1


def _add_certificate(place: KeyPlace, name: str, now: datetime) -> None:
    """`<name>-key.pem` and the self-signed `<name>-certificate.pem` made from it."""
    key_name, certificate_name = f"{name}-key.pem", f"{name}-certificate.pem"
    there = place.used_names()
    if key_name not in there:
        place.add(key_name, _pem(_new_rsa()))
    if certificate_name not in there:
        # Made from what is there: another run may have added its key before ours.
        key = load_pem_private_key(place.read(key_name), password=None)
        place.add(certificate_name, _certificate(key, name, now))


def _certificate(key: object, name: str, now: datetime) -> bytes:
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
    return certificate.public_bytes(Encoding.PEM)


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
