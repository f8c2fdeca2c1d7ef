"""A directory of keys, read once at start (design.md section 6).

Parsing a PEM key costs about 42 ms, more than the rest of a launch, so nothing here is parsed twice.
"""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connector.adapters.vault.assertions import AssertionKeys, assertion_key
from connector.adapters.vault.generation import ASSERTION, ENTRA, GRAPH, MASTER_KEY
from connector.adapters.vault.notification_keys import CertificateKeys, NotificationKey
from connector.adapters.vault.sealing import MasterSealer, VisitKeySealer


class FileKeys:
    """Everything the vault ports need, from one directory that `make_keys` made.

    `sealer`, `visit_sealer`, `assertions` and `notifications` implement the ports of the same
    meaning; `entra_credential` is msal's client credential (PS256 by certificate).

    Raises:
        FileNotFoundError: run `connector keys init` first;
        ValueError: a file does not hold the key its name says.
    """

    def __init__(self, directory: Path) -> None:
        self.sealer = MasterSealer((directory / MASTER_KEY).read_bytes())
        self.visit_sealer = VisitKeySealer(self.sealer)
        self.assertions = AssertionKeys(
            [assertion_key(_private(path)) for path in _numbered(directory, ASSERTION)]
        )
        self.notifications = CertificateKeys(
            [_notification_key(path) for path in _numbered(directory, GRAPH)]
        )
        self.entra_credential = {
            "private_key": (directory / f"{ENTRA}-key.pem").read_text(),
            "public_certificate": (directory / f"{ENTRA}-certificate.pem").read_text(),
        }


def _numbered(directory: Path, kind: str) -> list[Path]:
    """Key files of a kind, oldest first."""
    found = sorted(directory.glob(f"{kind}-*-key.pem"))
    if not found:
        raise FileNotFoundError(f"no {kind} key")
    return found


def _private(path: Path) -> object:
    return load_pem_private_key(path.read_bytes(), password=None)


def _notification_key(path: Path) -> NotificationKey:
    private = _private(path)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("a notification key is RSA")  # noqa: TRY004 - a wrong file
    certificate_file = path.with_name(path.name.replace("-key.pem", "-certificate.pem"))
    return NotificationKey(private, x509.load_pem_x509_certificate(certificate_file.read_bytes()))
