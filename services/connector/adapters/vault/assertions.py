"""Our client-assertion keys: what signs as us at EHRs, and the JWK set that proves it.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from connector.adapters.vault.key_folder import Live, Ring

_P384_BYTES = 48

SigningKey = RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class AssertionKey:
    """A private key with the public JWK it is known by; `algorithm` is RS384 or ES384."""

    algorithm: str
    private: SigningKey
    jwk: dict[str, str]

    @property
    def kid(self) -> str:
        return self.jwk["kid"]


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
        key = self._signing[algorithm]
        return jwt.encode(
            claims, key.private, algorithm=algorithm, headers={"typ": "JWT", "kid": key.kid}
        )

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [dict(jwk) for jwk in self._published]}


class RotatingAssertions:
    """Implements `ports.vault.AssertionSigner`: the keys directory as it is now."""

    def __init__(self, keys: Live[AssertionKey, AssertionKeys]) -> None:
        self._keys = keys

    def sign(self, claims: dict[str, Any], algorithm: str) -> str:
        return self._keys().sign(claims, algorithm)

    def public_keys(self) -> dict[str, Any]:
        return self._keys().public_keys()


def assertions_of(ring: Ring[AssertionKey]) -> AssertionKeys:
    """Those to come are published long before they sign: an EHR that keeps our set knows them."""
    others = [key for g in ring.published if g is not ring.in_use for key in g.keys]
    return AssertionKeys([*others, *ring.in_use.keys])


def assertion_key(private: object) -> AssertionKey:
    """Name a private key by its RFC 7638 thumbprint.

    Raises:
        ValueError: neither RSA nor P-384.
    """
    if isinstance(private, RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        public = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        return AssertionKey("RS384", private, _named(public, "RS384"))
    if isinstance(private, EllipticCurvePrivateKey) and isinstance(private.curve, SECP384R1):
        point = private.public_key().public_numbers()
        x, y = _number(point.x, _P384_BYTES), _number(point.y, _P384_BYTES)
        return AssertionKey(
            "ES384", private, _named({"kty": "EC", "crv": "P-384", "x": x, "y": y}, "ES384")
        )
    raise ValueError("a client-assertion key is RSA or P-384")


def _named(public: dict[str, str], algorithm: str) -> dict[str, str]:
    """The JWK with its names; the thumbprint is over the required members in order, no blanks."""
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest())
    kid = thumbprint.rstrip(b"=").decode()
    return {**public, "kid": kid, "use": "sig", "alg": algorithm}


def _number(value: int, length: int | None = None) -> str:
    size = length or (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()
