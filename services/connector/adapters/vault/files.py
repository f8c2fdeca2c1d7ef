"""A directory of keys: what the vault ports need, followed through rotations (design.md section 6)."""

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connector.adapters.vault.assertions import (
    AssertionKey,
    RotatingAssertions,
    assertion_key,
    assertions_of,
)
from connector.adapters.vault.generation import ASSERTION, ENTRA, GRAPH, MASTER
from connector.adapters.vault.key_folder import KeyFolder, Live
from connector.adapters.vault.notification_keys import (
    NotificationKey,
    RotatingCertificates,
    certificates_of,
)
from connector.adapters.vault.sealing import MasterKey, MasterSealer, VisitKeySealer, masters_of
from connector.ports.system import Clock


class FileKeys:
    """Everything the vault ports need, from one directory that `make_keys` made.

    `sealer`, `visit_sealer`, `assertions` and `notifications` implement the ports of the same
    meaning; `entra_credential` is msal's client credential (PS256 by certificate), now. Files that
    a rotation adds are found while the process runs.

    Raises:
        FileNotFoundError: run `connector keys init` first;
        ValueError: a file does not hold the key its name says.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.sealer = MasterSealer(Live(master_keys(directory, clock), masters_of))
        self.visit_sealer = VisitKeySealer(self.sealer)
        self.assertions = RotatingAssertions(Live(assertion_keys(directory, clock), assertions_of))
        self.notifications = RotatingCertificates(
            Live(notification_keys(directory, clock), certificates_of)
        )
        self._entra = entra_keys(directory, clock)

    @property
    def entra_credential(self) -> Mapping[str, str]:
        (credential,) = self._entra.ring().in_use.keys
        return credential


def master_keys(directory: Path, clock: Clock) -> KeyFolder[MasterKey]:
    return KeyFolder(directory, MASTER, f"{MASTER}*.key", _master_key, clock)


def assertion_keys(directory: Path, clock: Clock) -> KeyFolder[AssertionKey]:
    return KeyFolder(
        directory, ASSERTION, f"{ASSERTION}-*-key.pem", lambda p: assertion_key(_private(p)), clock
    )


def notification_keys(directory: Path, clock: Clock) -> KeyFolder[NotificationKey]:
    return KeyFolder(directory, GRAPH, f"{GRAPH}-*-key.pem", _notification_key, clock)


def entra_keys(directory: Path, clock: Clock) -> KeyFolder[Mapping[str, str]]:
    return KeyFolder(directory, ENTRA, f"{ENTRA}*-key.pem", _entra_credential, clock)


def _master_key(path: Path) -> MasterKey:
    return MasterKey(path.read_bytes())


def _private(path: Path) -> object:
    return load_pem_private_key(path.read_bytes(), password=None)


def _notification_key(path: Path) -> NotificationKey:
    private = _private(path)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("a notification key is RSA")  # noqa: TRY004 - a wrong file
    certificate = x509.load_pem_x509_certificate(_certificate_file(path).read_bytes())
    return NotificationKey(private, certificate)


def _entra_credential(path: Path) -> Mapping[str, str]:
    return {
        "private_key": path.read_text(),
        "public_certificate": _certificate_file(path).read_text(),
    }


def _certificate_file(key_file: Path) -> Path:
    return key_file.with_name(key_file.name.replace("-key.pem", "-certificate.pem"))
