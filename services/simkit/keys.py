"""Signing key of a simulated issuer: RS256 JSON web tokens and the JWK Set that verifies them (RFC 7515, RFC 7517)."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

RSA_KEY_BITS = 2048


class IssuerKey:
    """An RSA key made at start. After `rotate()` only the new public key is published."""

    def __init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_KEY_BITS)
        self.kid = secrets.token_urlsafe(9)
        self.public_key = self._private.public_key()

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """Compact RS256 JWT; `kid` is set unless `headers` overrides it."""
        return jwt.encode(
            dict(claims),
            self._private,
            algorithm="RS256",
            headers={"kid": self.kid, **(headers or {})},
        )

    def public_jwk(self) -> dict[str, Any]:
        jwk = cast(dict[str, Any], json.loads(RSAAlgorithm.to_jwk(self.public_key)))
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "use": "sig", "alg": "RS256"}

    def public_jwks(self) -> dict[str, Any]:
        """JWK Set with the one current key."""
        return {"keys": [self.public_jwk()]}
