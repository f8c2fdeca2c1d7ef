"""Rotation: what `connector keys rotate` and `keys list` do to the keys directory."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from connector.adapters.vault.files import (
    assertion_keys,
    entra_keys,
    master_keys,
    notification_keys,
)
from connector.adapters.vault.generation import (
    add_assertion_keys,
    add_entra_key,
    add_master_key,
    add_notification_key,
)
from connector.adapters.vault.key_folder import Generation, KeyFolder, Ring
from connector.ports.system import Clock
from connector.ports.vault import KeyGeneration, KeyKind, KeyState

_FOLDERS: Mapping[KeyKind, Callable[[Path, Clock], KeyFolder[Any]]] = {
    KeyKind.ASSERTIONS: assertion_keys,
    KeyKind.NOTIFICATIONS: notification_keys,
    KeyKind.SEALING: master_keys,
    KeyKind.ENTRA: entra_keys,
}
_ADD: Mapping[KeyKind, Callable[[Path, datetime, datetime], int]] = {
    KeyKind.ASSERTIONS: lambda directory, _now, begin: add_assertion_keys(directory, begin),
    KeyKind.NOTIFICATIONS: add_notification_key,
    KeyKind.SEALING: lambda directory, _now, begin: add_master_key(directory, begin),
    KeyKind.ENTRA: add_entra_key,
}
_ID: Mapping[KeyKind, Callable[[Any], str]] = {
    KeyKind.ASSERTIONS: lambda key: str(key.kid),
    KeyKind.NOTIFICATIONS: lambda key: str(key.id),
    KeyKind.SEALING: lambda key: str(key.id),
    KeyKind.ENTRA: lambda credential: _thumbprint(credential["public_certificate"]),
}


class KeyDirectory:
    """Implements `ports.vault.KeyMaker` on the directory that `make_keys` made."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def generations(self, now: datetime) -> Sequence[KeyGeneration]:
        return [known for kind in KeyKind for known in self._of(kind, now)]

    def add(self, kind: KeyKind, now: datetime, active_from: datetime) -> KeyGeneration:
        number = _ADD[kind](self._directory, now, active_from)
        return next(g for g in self._of(kind, now) if g.number == number)

    def _of(self, kind: KeyKind, now: datetime) -> Sequence[KeyGeneration]:
        folder = _FOLDERS[kind](self._directory, self._clock)
        ring = Ring.at(folder.ring().generations, now)
        return [_known(kind, each, ring) for each in ring.generations]


def _known(kind: KeyKind, generation: Generation[Any], ring: Ring[Any]) -> KeyGeneration:
    return KeyGeneration(
        kind=kind,
        number=generation.number,
        active_from=generation.active_from,
        state=_state(generation, ring),
        ids=tuple(_ID[kind](key) for key in generation.keys),
    )


def _state(generation: Generation[Any], ring: Ring[Any]) -> KeyState:
    if generation.number == ring.in_use.number:
        return KeyState.IN_USE
    return KeyState.COMING if generation.number > ring.in_use.number else KeyState.FORMER


def _thumbprint(pem: str) -> str:
    """As Entra's portal shows certificates, in SHA-256."""
    return load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex()
