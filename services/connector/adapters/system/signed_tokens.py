"""Signatures of the tokens others issue: published keys, cached, and the checks every token shares.

https://www.rfc-editor.org/rfc/rfc8725.html (JSON Web Token best current practices)
"""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from connector.adapters.system.turns import UNMEASURED, Waiting, turn
from connector.ports.answers import failure_of, host_of, json_object
from connector.ports.errors import OutsideError, TryLater, Untrusted
from connector.ports.http import Http
from connector.ports.system import Clock
from connector.ports.tokens import SignedClaims

ALGORITHM = "RS256"
SOFT_EXPIRY = timedelta(hours=1)
HARD_EXPIRY = timedelta(hours=24)
COOL_DOWN = timedelta(minutes=1)
FAILURE_MEMORY = timedelta(seconds=2)
LONGEST_TOKEN = 16_384
MOST_KEYS = 100
_SMALLEST_KEY_BITS = 2048
# Keys a token brings along, or asks us to fetch, prove nothing about its issuer.
_REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "crit", "b64"})
_NO_CLAIMS = "e30"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _PublishedKey:
    kid: str | None
    key: RSAPublicKey


@dataclass(slots=True)
class _KeySet:
    """Keys of one issuer; `lock` makes its fetch single-flight.

    `tried_at` is when the last read ended, well or badly: one that took long to fail must not be
    forgotten by the time the next thread gets its turn.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Sequence[_PublishedKey] = ()
    read_at: datetime = _LONG_AGO
    tried_at: datetime = _LONG_AGO
    forced_at: datetime = _LONG_AGO
    failure: str = ""


class PublishedKeys:
    """Implements `ports.tokens.SignedTokens`; one per process.

    Keys are reread after an hour, or once when a token names one that is not held, and never more
    than once a minute for one issuer. While they cannot be read the held ones serve for a day.

    Args:
        http: reads the keys.
        clock: decides how old they are.
        waiting: opened around a wait for another thread's read.
    """

    def __init__(self, http: Http, clock: Clock, waiting: Waiting = UNMEASURED) -> None:
        self._http = http
        self._clock = clock
        self._waiting = waiting
        self._sets: dict[str, _KeySet] = {}
        self._lock = threading.Lock()

    def claims(self, jwks_uri: str, unverified_token: str) -> SignedClaims:
        kid = _trusted_header(unverified_token)
        key = self._key(jwks_uri, kid)
        try:
            claims = jwt.decode(
                unverified_token,
                key,
                algorithms=[ALGORITHM],
                # Times, audience and issuer are checked by the caller, against its own clock.
                options={
                    "verify_signature": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.InvalidSignatureError as forged:
            raise Untrusted("signature", host=host_of(jwks_uri)) from forged
        except (jwt.PyJWTError, ValueError, RecursionError) as broken:
            raise Untrusted("token_malformed", host=host_of(jwks_uri)) from broken
        return SignedClaims(claims)

    def _key(self, jwks_uri: str, kid: str | None) -> RSAPublicKey:
        with self._lock:
            held = self._sets.setdefault(jwks_uri, _KeySet())
        self._refresh_if_old(jwks_uri, held)
        found = _matching(held.keys, kid)
        if not found:
            self._read_unknown(jwks_uri, held)
            found = _matching(held.keys, kid)
        if len(found) != 1:
            code = "key_ambiguous" if found else "key_unknown"
            raise Untrusted(code, host=host_of(jwks_uri))
        return found[0].key

    def _refresh_if_old(self, jwks_uri: str, held: _KeySet) -> None:
        """Reread keys past their hour; past their day nothing works without a reread.

        Raises:
            TryLater: there are no keys young enough to use and they cannot be read.
        """
        age = self._clock.now() - held.read_at
        if age >= HARD_EXPIRY:
            with turn(held.lock, self._waiting):
                self._require(jwks_uri, held)
        elif age >= SOFT_EXPIRY and held.lock.acquire(blocking=False):
            # Whoever comes while one thread rereads goes on with the keys that are held.
            try:
                self._reread(jwks_uri, held)
            finally:
                held.lock.release()

    def _require(self, jwks_uri: str, held: _KeySet) -> None:
        """Fetch unless the thread we waited for just did, or just failed to: its failure is ours."""
        now = self._clock.now()
        if now - held.read_at < HARD_EXPIRY:
            return
        if held.failure and now - held.tried_at < FAILURE_MEMORY:
            raise TryLater(held.failure, host=host_of(jwks_uri))
        self._fetch(jwks_uri, held)

    def _reread(self, jwks_uri: str, held: _KeySet) -> None:
        """Read usable keys again, at most once a minute; if that fails they stay."""
        if self._clock.now() - held.tried_at >= COOL_DOWN:
            with contextlib.suppress(TryLater):
                self._fetch(jwks_uri, held)

    def _read_unknown(self, jwks_uri: str, held: _KeySet) -> None:
        """A token names a key that is not held: it may be new."""
        with turn(held.lock, self._waiting):
            if self._clock.now() - held.forced_at >= COOL_DOWN:
                with contextlib.suppress(TryLater):
                    self._fetch(jwks_uri, held)
                held.forced_at = self._clock.now()

    def _fetch(self, jwks_uri: str, held: _KeySet) -> None:
        try:
            held.keys = self._read(jwks_uri)
        except OutsideError as unreadable:
            held.failure = f"jwks_{unreadable.code}"
            raise TryLater(held.failure, host=host_of(jwks_uri)) from unreadable
        else:
            held.read_at, held.failure = self._clock.now(), ""
        finally:
            held.tried_at = self._clock.now()

    def _read(self, jwks_uri: str) -> Sequence[_PublishedKey]:
        host = host_of(jwks_uri)
        answer = self._http.send("GET", jwks_uri, headers={"Accept": "application/json"})
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, self._clock.now(), host=host)
        return _rsa_keys(json_object(answer, host=host))


def _trusted_header(unverified_token: str) -> str | None:
    """`kid` of a token whose header asks for nothing but RS256.

    Raises:
        Untrusted: `token_malformed`, `algorithm` or `header`.
    """
    if len(unverified_token) > LONGEST_TOKEN:
        raise Untrusted("token_malformed")
    return _kid(unverified_token.partition(".")[0])


@lru_cache(maxsize=64)
def _kid(unverified_header: str) -> str | None:
    """Headers differ by key only. Claims and signature are decoded once, by who verifies them."""
    try:
        header = jwt.get_unverified_header(f"{unverified_header}.{_NO_CLAIMS}.")
    except (jwt.PyJWTError, ValueError, RecursionError) as broken:
        raise Untrusted("token_malformed") from broken
    if header.get("alg") != ALGORITHM:
        raise Untrusted("algorithm")
    if _REFUSED_HEADERS & header.keys():
        raise Untrusted("header")
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def _matching(keys: Sequence[_PublishedKey], kid: str | None) -> Sequence[_PublishedKey]:
    """Keys a token may be signed with: by `kid`, or all of them if it names none."""
    return keys if kid is None else [each for each in keys if each.kid == kid]


def _rsa_keys(document: Mapping[str, Any]) -> Sequence[_PublishedKey]:
    """The RSA signing keys of a JWK set; kinds we do not use are passed over (RFC 7517 5)."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        return []
    parsed = [_rsa_key(each) for each in listed[:MOST_KEYS] if isinstance(each, dict)]
    return [each for each in parsed if each is not None]


def _rsa_key(jwk: dict[str, Any]) -> _PublishedKey | None:
    usable = jwk.get("use", "sig") == "sig" and jwk.get("alg", ALGORITHM) == ALGORITHM
    if jwk.get("kty") != "RSA" or not usable:
        return None
    public = {name: jwk.get(name) for name in ("kty", "n", "e")}
    try:
        key = RSAAlgorithm.from_jwk(public)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY_BITS:
        return None
    kid = jwk.get("kid")
    return _PublishedKey(kid if isinstance(kid, str) else None, key)
