"""Client authentication by signed assertion (`private_key_jwt`).

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html and RFC 7523 3.
"""

import heapq
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import jwt
import requests

from mock_fhir.clients import Client, Clients
from mock_fhir.errors import InvalidClient
from mock_fhir.smart.jwks import ClientKeys

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
KEY_TYPES = {"RS384": "RSA", "ES384": "EC"}
LONGEST_LIFE_SECONDS = 300
# Two clocks of one machine differ by rounding only; a client a minute off must learn of it here.
CLOCK_SKEW_SECONDS = 5


class AssertionVerifier:
    """Verifies assertions and remembers their `jti` while they live. Thread-safe."""

    def __init__(self, http: requests.Session, now: Callable[[], datetime], token_url: str) -> None:
        self._now = now
        self._token_url = token_url
        self._keys = ClientKeys(http, now)
        self._seen: set[tuple[str, str]] = set()
        self._ends: list[tuple[float, tuple[str, str]]] = []  # a heap: when each may be forgotten
        self._lock = threading.Lock()

    def verify(self, form: Mapping[str, str], clients: Clients) -> Client:
        """The client that signed. Raises InvalidClient; its description says which rule was broken."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidClient(f"client_assertion_type must be {ASSERTION_TYPE}")
        assertion = form.get("client_assertion", "")
        header, unverified_claims = _unverified(assertion)
        client = self._client(unverified_claims, form, clients)
        _check_header(header, client)
        claims = self._verified_claims(assertion, header, client)
        self._check_claims(claims)
        self._remember(client.client_id, claims)
        return client

    def _client(
        self, unverified_claims: Mapping[str, Any], form: Mapping[str, str], clients: Clients
    ) -> Client:
        """The registration that says whose keys must verify the signature."""
        unverified_issuer = unverified_claims.get("iss")
        client = clients.find(unverified_issuer if isinstance(unverified_issuer, str) else None)
        if client is None or client.auth_method != "private_key_jwt":
            raise InvalidClient("iss is no client registered for private_key_jwt")
        if unverified_claims.get("sub") != client.client_id:
            raise InvalidClient("sub must equal iss, the client_id")
        if form.get("client_id", client.client_id) != client.client_id:
            raise InvalidClient("client_id of the form differs from iss of the assertion")
        return client

    def _verified_claims(
        self, assertion: str, header: Mapping[str, Any], client: Client
    ) -> dict[str, Any]:
        algorithm = header["alg"]
        key = self._keys.find(
            client, kid=header["kid"], key_type=KEY_TYPES[algorithm], algorithm=algorithm
        )
        # Times and audience are checked below, against the simulator's clock and with reasons.
        options = {
            "verify_exp": False,
            "verify_aud": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            return jwt.decode(
                assertion,
                jwt.PyJWK(key, algorithm),
                algorithms=[algorithm],
                options=options,  # type: ignore[arg-type]  # the stub's TypedDict
            )
        except jwt.PyJWTError as error:
            raise InvalidClient("the signature does not verify with the registered key") from error

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        now = self._now().timestamp()
        expires, identity = claims.get("exp"), claims.get("jti")
        if not isinstance(identity, str) or not identity:
            raise InvalidClient("jti is missing")
        if not isinstance(expires, int | float):
            raise InvalidClient("exp is missing")
        if expires <= now - CLOCK_SKEW_SECONDS:
            raise InvalidClient("the assertion has expired")
        if expires > now + LONGEST_LIFE_SECONDS + CLOCK_SKEW_SECONDS:
            raise InvalidClient("exp is more than five minutes ahead")
        audience = claims.get("aud")
        if self._token_url not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidClient(f"aud must be the token endpoint {self._token_url}")

    def _remember(self, client_id: str, claims: Mapping[str, Any]) -> None:
        """Refuse a `jti` seen before; one is kept as long as its assertion could still be replayed."""
        now = self._now().timestamp()
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                self._seen.discard(heapq.heappop(self._ends)[1])
            key = (client_id, claims["jti"])
            if key in self._seen:
                raise InvalidClient("jti was used before")
            self._seen.add(key)
            heapq.heappush(self._ends, (claims["exp"] + CLOCK_SKEW_SECONDS, key))


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise InvalidClient("client_assertion is no JSON web token") from error
    return header, claims


def _check_header(header: Mapping[str, Any], client: Client) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise InvalidClient(f"alg must be one of {', '.join(ALGORITHMS)}")
    if header.get("typ") != "JWT":
        raise InvalidClient("typ must be JWT")
    if not isinstance(header.get("kid"), str):
        raise InvalidClient("kid is missing")
    if "jku" in header and header["jku"] != client.jwks_uri:
        raise InvalidClient("jku is not the registered JWKS URL")
