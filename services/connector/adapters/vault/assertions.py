"""Our client-assertion keys: what signs as us at EHRs, and the JWK set that proves it.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from connector.adapters.vault.key_folder import Live, Ring
from connector.ports.errors import NotConnected, OutsideError, TryLater
from connector.ports.key_places import KeyVersion, SigningKey

RS384, ES384 = "RS384", "ES384"
_P384_BYTES = 48

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


class AssertionKey(Protocol):
    """What signs under the `kid` of its public JWK; `algorithm` is RS384 or ES384."""

    @property
    def algorithm(self) -> str: ...

    @property
    def jwk(self) -> Mapping[str, str]: ...

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWT.

        Raises:
            TryLater: the vault that keeps the key does not sign now.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalKey:
    """A private key in our hands."""

    algorithm: str
    private: PrivateKey
    jwk: Mapping[str, str]

    @property
    def kid(self) -> str:
        return self.jwk["kid"]

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=_header(self.jwk))


@dataclass(frozen=True, slots=True)
class RemoteKey:
    """A version of a key that never leaves its vault."""

    algorithm: str
    vault: SigningKey
    version: KeyVersion
    jwk: Mapping[str, str]

    @property
    def kid(self) -> str:
        return self.jwk["kid"]

    def sign(self, claims: dict[str, Any]) -> str:
        """Key Vault's ES384 signature is r and s side by side, as RFC 7518 section 3.4 has it."""
        header = {"alg": self.algorithm, **_header(self.jwk)}
        signed = b".".join(
            _base64url(json.dumps(part, separators=(",", ":")).encode())
            for part in (header, claims)
        )
        signature = self._signature(hashlib.sha384(signed).digest())
        return (signed + b"." + _base64url(signature)).decode()

    def _signature(self, digest: bytes) -> bytes:
        """Whatever ails the vault, to the person at the EHR it is a matter of later.

        And never of at once: who must wait for a signature has waited long enough.
        """
        try:
            return self.vault.sign(self.version, digest)
        except TryLater as later:
            if isinstance(later, NotConnected):
                raise TryLater(later.code, host=later.host) from later
            raise
        except OutsideError as failed:
            raise TryLater(failed.code, host=failed.host) from failed


class AssertionKeys:
    """Implements `ports.vault.AssertionSigner`.

    Args:
        keys: all are published, so that an assertion made a moment before a rotation still
            verifies (reliability.md case 18). The last of an algorithm signs.
    """

    def __init__(self, keys: Sequence[AssertionKey]) -> None:
        self._published = [key.jwk for key in keys]
        self._signing = {key.algorithm: key for key in keys}

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        return self._signing[algorithm].sign(claims)

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [dict(jwk) for jwk in self._published]}


class RotatingAssertions:
    """Implements `ports.vault.AssertionSigner`: the keys as they are now.

    Args:
        keys: of every algorithm, or of each its own, which then rotate by themselves.
    """

    def __init__(self, keys: Sequence[Live[AssertionKey, Sequence[AssertionKey]]]) -> None:
        self._keys = keys

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        return self._now().sign(claims, algorithm)

    def public_keys(self) -> dict[str, Any]:
        return self._now().public_keys()

    def _now(self) -> AssertionKeys:
        return AssertionKeys([key for keys in self._keys for key in keys()])


def assertions_of(ring: Ring[AssertionKey]) -> Sequence[AssertionKey]:
    """Those to come are published long before they sign: an EHR that keeps our set knows them."""
    others = [key for g in ring.published if g is not ring.in_use for key in g.keys]
    return [*others, *ring.in_use.keys]


def assertion_key(private: object) -> LocalKey:
    """Name a private key by its RFC 7638 thumbprint.

    Raises:
        ValueError: neither RSA nor P-384.
    """
    if isinstance(private, RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        public = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        return LocalKey(RS384, private, _named(public, RS384))
    if isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP384R1):
        point = private.public_key().public_numbers()
        x, y = _number(point.x, _P384_BYTES), _number(point.y, _P384_BYTES)
        public = {"kty": "EC", "crv": "P-384", "x": x, "y": y}
        return LocalKey(ES384, private, _named(public, ES384))
    raise ValueError("a client-assertion key is RSA or P-384")


def remote_key(algorithm: str, vault: SigningKey, version: KeyVersion) -> RemoteKey:
    """Raises: OutsideError: the vault does not tell its public key."""
    return RemoteKey(algorithm, vault, version, _named(vault.public(version), algorithm))


def _header(jwk: Mapping[str, str]) -> dict[str, str]:
    return {"typ": "JWT", "kid": jwk["kid"]}


def _named(public: Mapping[str, str], algorithm: str) -> dict[str, str]:
    """The JWK with its names; the thumbprint is over the required members in order, no blanks."""
    canonical = json.dumps(dict(public), sort_keys=True, separators=(",", ":")).encode()
    kid = _base64url(hashlib.sha256(canonical).digest()).decode()
    return {**public, "kid": kid, "use": "sig", "alg": algorithm}


def _number(value: int, length: int | None = None) -> str:
    size = length or (value.bit_length() + 7) // 8
    return _base64url(value.to_bytes(size, "big")).decode()


def _base64url(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")
