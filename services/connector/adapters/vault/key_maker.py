"""Rotation: what `connector keys init`, `rotate` and `list` do, wherever the keys lie."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from connector.adapters.vault.files import KeyStock
from connector.adapters.vault.generation import (
    ENTRA,
    GRAPH,
    add_assertion_keys,
    add_entra_key,
    add_master_key,
    add_notification_key,
)
from connector.adapters.vault.key_folder import KeyFolder, Ring, Shelf
from connector.ports.key_places import KeyPlace
from connector.ports.system import Clock
from connector.ports.vault import KeyCertificate, KeyGeneration, KeyKind, KeyState

_SHELVES: Mapping[KeyKind, Callable[[KeyStock], Sequence[Shelf[Any]]]] = {
    KeyKind.ASSERTIONS: lambda stock: stock.assertions(),
    KeyKind.NOTIFICATIONS: lambda stock: [stock.notifications()],
    KeyKind.SEALING: lambda stock: [stock.masters()],
    KeyKind.ENTRA: lambda stock: [stock.entra()],
}
_ADD: Mapping[KeyKind, Callable[[KeyPlace, datetime, datetime], int]] = {
    KeyKind.ASSERTIONS: lambda place, _now, begin: add_assertion_keys(place, begin),
    KeyKind.NOTIFICATIONS: add_notification_key,
    KeyKind.SEALING: lambda place, _now, begin: add_master_key(place, begin),
    KeyKind.ENTRA: add_entra_key,
}
_ID: Mapping[KeyKind, Callable[[Any], str]] = {
    KeyKind.ASSERTIONS: lambda key: str(key.kid),
    KeyKind.NOTIFICATIONS: lambda key: str(key.id),
    KeyKind.SEALING: lambda key: str(key.id),
    KeyKind.ENTRA: lambda credential: _thumbprint(credential["public_certificate"]),
}

_CERTIFIED: Mapping[KeyKind, str] = {KeyKind.NOTIFICATIONS: GRAPH, KeyKind.ENTRA: ENTRA}


class KeyRotation:
    """Implements `ports.vault.KeyMaker`."""

    def __init__(self, stock: KeyStock, clock: Clock) -> None:
        self._stock = stock
        self._clock = clock

    def generations(self, now: datetime) -> Sequence[KeyGeneration]:
        return [known for kind in KeyKind for known in self._of(kind, now)]

    def add(self, kind: KeyKind, now: datetime, active_from: datetime) -> KeyGeneration:
        if kind is KeyKind.ASSERTIONS and self._stock.signing:
            for key in self._stock.signing.values():
                key.add(active_from)
            return self._of(kind, now)[-1]
        number = _ADD[kind](self._stock.place, now, active_from)
        return next(g for g in self._of(kind, now) if g.number == number)

    def certificate(self, kind: KeyKind, now: datetime) -> KeyCertificate:
        shelf = self._stock.certificates(_CERTIFIED[kind])
        ring = Ring.at(KeyFolder(shelf, self._clock).ring().generations, now)
        newest = ring.generations[-1]
        (certificate,) = newest.keys
        return KeyCertificate(
            kind=kind,
            number=newest.number,
            state=_state(newest.number, [ring]),
            pem=certificate.public_bytes(Encoding.PEM).decode(),
            thumbprint=certificate.fingerprint(SHA256()).hex(),
            not_after=certificate.not_valid_after_utc,
        )

    def _of(self, kind: KeyKind, now: datetime) -> Sequence[KeyGeneration]:
        """Keys that rotate by themselves make a generation with those of the same number."""
        shelves = _SHELVES[kind](self._stock)
        rings = [Ring.at(KeyFolder(s, self._clock).ring().generations, now) for s in shelves]
        numbers = sorted({g.number for ring in rings for g in ring.generations})
        return [_known(kind, number, rings) for number in numbers]


def _known(kind: KeyKind, number: int, rings: Sequence[Ring[Any]]) -> KeyGeneration:
    of_rings = [(g, ring) for ring in rings for g in ring.generations if g.number == number]
    begins = [g.active_from for g, _ in of_rings if g.active_from]
    return KeyGeneration(
        kind=kind,
        number=number,
        active_from=min(begins, default=None),
        state=_state(number, [ring for _, ring in of_rings]),
        ids=tuple(_ID[kind](key) for g, _ in of_rings for key in g.keys),
    )


def _state(number: int, rings: Sequence[Ring[Any]]) -> KeyState:
    if any(number == ring.in_use.number for ring in rings):
        return KeyState.IN_USE
    coming = any(number > ring.in_use.number for ring in rings)
    return KeyState.COMING if coming else KeyState.FORMER


def _thumbprint(pem: str) -> str:
    """As Entra's portal shows certificates, in SHA-256."""
    return load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex()
