"""The key set that EHRs fetch, looked at as they do: can they verify by it what we sign?

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

_SMALLEST_RSA_BITS = 2048
# RFC 7517 section 4, RFC 7518 sections 6.2.1 and 6.3.1: what else a key has is not known to be public.
_PUBLIC_MEMBERS = frozenset(
    {"kty", "kid", "use", "alg", "key_ops", "x5u", "x5c", "x5t", "x5t#S256"}
    | {"n", "e", "crv", "x", "y"}
)


def problem_of(key_set: Mapping[str, Any]) -> str | None:
    """A code of `smoke_words.KEYS`; None where there is a key of each algorithm, and nothing private."""
    keys = key_set.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        return "keys_malformed"
    if any(key.keys() - _PUBLIC_MEMBERS for key in keys):
        return "keys_not_public"
    complete = all(any(_verifies(key, algorithm) for key in keys) for algorithm in _FITS)
    return None if complete else "keys_missing"


def _verifies(key: dict[str, Any], algorithm: str) -> bool:
    if key.get("alg") != algorithm or key.get("use") != "sig" or not _named(key):
        return False
    try:
        return _FITS[algorithm](PyJWK(key, algorithm).key)
    except (PyJWTError, ValueError, TypeError):
        return False


def _named(key: Mapping[str, Any]) -> bool:
    """Our assertions name their key by `kid`."""
    return isinstance(key.get("kid"), str) and bool(key["kid"])


def _is_rsa(key: object) -> bool:
    return isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_RSA_BITS


def _is_p384(key: object) -> bool:
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1)


_FITS: Mapping[str, Callable[[object], bool]] = {"RS384": _is_rsa, "ES384": _is_p384}
