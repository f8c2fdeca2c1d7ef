"""Key Vault keys that sign our client assertions and never leave the vault.

https://learn.microsoft.com/rest/api/keyvault/keys
"""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.keys import JsonWebKey, KeyClient, KeyCurveName, KeyProperties, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

from connector.adapters.azure.failures import VaultCalls
from connector.adapters.azure.secrets import LOOK_AGAIN, LOOK_SECONDS
from connector.adapters.azure.transport import DEADLINE_SECONDS
from connector.ports.key_places import KeyVersion
from connector.ports.system import Clock

# A version somebody made by hand, or by the vault's own rotation policy, says nothing of when it
# may sign: EHRs that keep our key set for a day must have seen it first.
UNANNOUNCED = timedelta(hours=24)
_P384_BYTES = 48
_SIGNATURE_BYTES = frozenset({2 * _P384_BYTES, 256, 384, 512})


class VaultSigningKey:
    """Implements `ports.key_places.SigningKey`.

    Args:
        name: of the key in the vault.
        algorithm: RS384 or ES384.
        crypto: makes the client that signs with one version.
    """

    look_again = LOOK_AGAIN

    def __init__(
        self,
        client: KeyClient,
        calls: VaultCalls,
        clock: Clock,
        *,
        name: str,
        algorithm: str,
        crypto: Callable[[KeyVaultKey], CryptographyClient],
    ) -> None:
        self._client = client
        self._calls = calls
        self._clock = clock
        self._name = name
        self._algorithm = SignatureAlgorithm(algorithm)
        self._crypto = crypto
        self._known: dict[str, KeyVaultKey] = {}
        self._signing: dict[str, CryptographyClient] = {}
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return f"the key {self._name} in {self._client.vault_url}"

    def versions(self) -> Sequence[KeyVersion]:
        with self._calls.within(LOOK_SECONDS):
            return [
                KeyVersion(number, str(each.version), _active_from(each, number))
                for number, each in enumerate(self._listed(), start=1)
                if each.enabled and not self._is_over(each)
            ]

    def public(self, version: KeyVersion) -> Mapping[str, str]:
        with self._calls.within(DEADLINE_SECONDS):
            key = self._read(version.id).key
            if self._algorithm is SignatureAlgorithm.rs384:
                return {"kty": "RSA", "n": _text(key, "n"), "e": _text(key, "e")}
            if getattr(key, "crv", None) != KeyCurveName.p_384:
                raise ValueError("an ES384 key is on P-384")
            x, y = _text(key, "x", _P384_BYTES), _text(key, "y", _P384_BYTES)
            return {"kty": "EC", "crv": "P-384", "x": x, "y": y}

    def sign(self, version: KeyVersion, digest: bytes) -> bytes:
        with self._calls.within(DEADLINE_SECONDS):
            signature = self._client_of(version.id).sign(self._algorithm, digest).signature
            if not isinstance(signature, bytes) or len(signature) not in _SIGNATURE_BYTES:
                raise ValueError("not a signature")
            return signature

    def add(self, active_from: datetime | None) -> None:
        with self._calls.within(DEADLINE_SECONDS):
            if not self._listed():
                raise FileNotFoundError(f"no version of {self}")
            newest = self._client.get_key(self._name)
            make = self._new_rsa if self._algorithm is SignatureAlgorithm.rs384 else self._new_ec
            make(newest, active_from)

    def close(self) -> None:
        for client in self._signing.values():
            client.close()

    def _new_rsa(self, newest: KeyVaultKey, active_from: datetime | None) -> None:
        size = int.from_bytes(_member(newest.key, "n"), "big").bit_length()
        self._client.create_rsa_key(
            self._name,
            size=size,
            hardware_protected=_in_hardware(newest),
            key_operations=newest.key_operations,
            not_before=active_from,
            tags=newest.properties.tags,
        )

    def _new_ec(self, newest: KeyVaultKey, active_from: datetime | None) -> None:
        self._client.create_ec_key(
            self._name,
            curve=KeyCurveName.p_384,
            hardware_protected=_in_hardware(newest),
            key_operations=newest.key_operations,
            not_before=active_from,
            tags=newest.properties.tags,
        )

    def _client_of(self, version: str) -> CryptographyClient:
        client = self._signing.get(version)
        if client is None:
            fresh = self._crypto(self._read(version))
            with self._lock:
                client = self._signing.setdefault(version, fresh)
        return client

    def _read(self, version: str) -> KeyVaultKey:
        """Once: a version never changes but in its attributes, and those are listed."""
        known = self._known.get(version)
        if known is None:
            known = self._known[version] = self._client.get_key(self._name, version)
        return known

    def _listed(self) -> Sequence[KeyProperties]:
        try:
            found = list(self._client.list_properties_of_key_versions(self._name))
        except ResourceNotFoundError:
            return []
        return sorted(found, key=_age)

    def _is_over(self, version: KeyProperties) -> bool:
        return version.expires_on is not None and version.expires_on <= self._clock.now()


def _active_from(version: KeyProperties, number: int) -> datetime | None:
    if version.not_before or number == 1:
        return version.not_before
    return version.created_on + UNANNOUNCED if version.created_on else None


def _age(version: KeyProperties) -> tuple[datetime, str]:
    return (version.created_on or datetime.max.replace(tzinfo=UTC), version.version or "")


def _in_hardware(key: KeyVaultKey) -> bool:
    return str(getattr(key.key_type, "value", key.key_type)).endswith("-HSM")


def _member(key: JsonWebKey | None, name: str) -> bytes:
    """JsonWebKey declares none of its members.

    Raises:
        ValueError: it lacks this one.
    """
    value = getattr(key, name, None)
    if not isinstance(value, bytes):
        raise ValueError("a public key lacks a member")  # noqa: TRY004 - a wrong answer
    return value


def _text(key: JsonWebKey | None, member: str, length: int | None = None) -> str:
    """A member as RFC 7518 has it: RSA numbers without leading zeros, coordinates at full length."""
    number = int.from_bytes(_member(key, member), "big")
    size = length or (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()
