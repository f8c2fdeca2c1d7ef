"""What the vault ports need, wherever the keys lie, followed through rotations (design.md section 6)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connector.adapters.vault.assertions import (
    AssertionKey,
    RotatingAssertions,
    assertion_key,
    assertions_of,
    remote_key,
)
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.generation import ASSERTION, ENTRA, GRAPH, MASTER
from connector.adapters.vault.key_folder import KeyFolder, Live, NamedShelf, Shelf
from connector.adapters.vault.notification_keys import (
    NotificationKey,
    RotatingCertificates,
    certificates_of,
)
from connector.adapters.vault.sealing import MasterKey, MasterSealer, VisitKeySealer, masters_of
from connector.ports.key_places import KeyPlace, KeyVersion, SigningKey
from connector.ports.system import Clock


@dataclass(frozen=True, slots=True)
class KeyStock:
    """Where the keys lie.

    Attributes:
        place: all of them, or all but the client-assertion keys if
        signing: holds those, by algorithm.
    """

    place: KeyPlace
    signing: Mapping[str, SigningKey] = field(default_factory=dict)

    @property
    def look_again(self) -> timedelta:
        return self.place.look_again

    def masters(self) -> NamedShelf[MasterKey]:
        return NamedShelf(self.place, MASTER, f"{MASTER}*.key", _master_key)

    def assertions(self) -> Sequence[Shelf[AssertionKey]]:
        """One shelf of pairs, or one for each algorithm, which then rotate by themselves."""
        if self.signing:
            return [VersionShelf(algorithm, key) for algorithm, key in self.signing.items()]
        return [NamedShelf(self.place, ASSERTION, f"{ASSERTION}-*-key.pem", _assertion_key)]

    def notifications(self) -> NamedShelf[NotificationKey]:
        return NamedShelf(self.place, GRAPH, f"{GRAPH}-*-key.pem", _notification_key)

    def entra(self) -> NamedShelf[Mapping[str, str]]:
        return NamedShelf(self.place, ENTRA, f"{ENTRA}*-key.pem", _entra_credential)

    def certificates(self, kind: str) -> NamedShelf[x509.Certificate]:
        """Of the keys that are there, without reading any; of one that was taken away there is none."""
        return NamedShelf(self.place, kind, f"{kind}*-key.pem", _certificate)


class VersionShelf:
    """The versions of a key in a vault, as a shelf: a version is a generation."""

    def __init__(self, algorithm: str, key: SigningKey) -> None:
        self._algorithm = algorithm
        self._key = key
        self._active_from: dict[int, Any] = {}

    @property
    def look_again(self) -> timedelta:
        return self._key.look_again

    def items(self) -> Sequence[tuple[int, Hashable]]:
        versions = self._key.versions()
        if not versions:
            raise FileNotFoundError(f"no enabled version of {self._key}")
        self._active_from = {each.number: each.active_from for each in versions}
        return [(each.number, each) for each in versions]

    def key(self, item: Hashable) -> AssertionKey:
        if not isinstance(item, KeyVersion):
            raise TypeError("not from this shelf")
        return remote_key(self._algorithm, self._key, item)

    def active_from(self, number: int) -> Any:
        return self._active_from[number]


class Keys:
    """Everything the vault ports need.

    `sealer`, `visit_sealer`, `assertions` and `notifications` implement the ports of the same
    meaning; `entra_credential` is msal's client credential (PS256 by certificate), now. What a
    rotation adds is found while the process runs.

    Raises:
        FileNotFoundError: run `connector keys init` first;
        ValueError: something is not the key its name says;
        OutsideError: the vault that holds the keys is away, or refuses.
    """

    def __init__(self, stock: KeyStock, clock: Clock) -> None:
        self.sealer = MasterSealer(Live(KeyFolder(stock.masters(), clock), masters_of))
        self.visit_sealer = VisitKeySealer(self.sealer)
        self.assertions = RotatingAssertions(
            [Live(KeyFolder(shelf, clock), assertions_of) for shelf in stock.assertions()]
        )
        self.notifications = RotatingCertificates(
            Live(KeyFolder(stock.notifications(), clock), certificates_of)
        )
        self._entra = KeyFolder(stock.entra(), clock)

    @property
    def entra_credential(self) -> Mapping[str, str]:
        (credential,) = self._entra.ring().in_use.keys
        return credential


class FileKeys(Keys):
    """The same, from one directory that `make_keys` made."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        super().__init__(KeyStock(Directory(directory)), clock)


def _master_key(place: KeyPlace, name: str) -> MasterKey:
    return MasterKey(place.read(name))


def _assertion_key(place: KeyPlace, name: str) -> AssertionKey:
    return assertion_key(_private(place, name))


def _private(place: KeyPlace, name: str) -> object:
    return load_pem_private_key(place.read(name), password=None)


def _notification_key(place: KeyPlace, name: str) -> NotificationKey:
    private = _private(place, name)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("a notification key is RSA")  # noqa: TRY004 - a wrong file
    return NotificationKey(private, _certificate(place, name))


def _certificate(place: KeyPlace, key_name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(place.read(_certificate_of(key_name)))


def _entra_credential(place: KeyPlace, name: str) -> Mapping[str, str]:
    return {
        "private_key": place.read(name).decode(),
        "public_certificate": place.read(_certificate_of(name)).decode(),
    }


def _certificate_of(key_name: str) -> str:
    return key_name.replace("-key.pem", "-certificate.pem")
