"""Somebody who signs tokens: an EHR, Entra, or an attacker with a key of their own."""

import base64
import functools
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@functools.cache
def _key(name: str, bits: int) -> rsa.RSAPrivateKey:
    """One key for one name in a whole test run: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


class Issuer:
    """Signs with RS256 under `kid`; `jwk()` is what it publishes."""

    def __init__(self, name: str = "issuer", kid: str | None = "key-1", bits: int = 2048) -> None:
        self.private = _key(name, bits)
        self.kid = kid

    def sign(
        self, claims: dict[str, Any], headers: dict[str, Any] | None = None, kid: str | None = ""
    ) -> str:
        """`kid` None leaves it out; extra `headers` go into the JOSE header as they are."""
        named = self.kid if kid == "" else kid
        extra = {**({} if named is None else {"kid": named}), **(headers or {})}
        # Below jwt.encode, which refuses to write the malformed claims these tests need.
        payload = json.dumps(claims).encode()
        return jwt.api_jws.encode(payload, self.private, "RS256", headers=extra)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid}
        jwk |= {"n": _base64url(numbers.n), "e": _base64url(numbers.e)}
        return {name: value for name, value in (jwk | changes).items() if value is not None}

    def jwks(self, *others: "Issuer") -> dict[str, Any]:
        return {"keys": [each.jwk() for each in (self, *others)]}

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
