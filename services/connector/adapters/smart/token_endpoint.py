"""The token endpoint: our own private_key_jwt client, and reading what comes back.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
https://www.rfc-editor.org/rfc/rfc6749#section-5
"""

import json
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from connector.domain.configuration import SmartEndpoints
from connector.ports.answers import failure_of, host_of, json_object, word
from connector.ports.errors import BadAnswer, OutsideError
from connector.ports.http import Answer, Http
from connector.ports.smart import TokenAnswer
from connector.ports.system import Clock, Ids
from connector.ports.tokens import LentToken
from connector.ports.vault import AssertionSigner

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The specification allows 300 s; a server whose clock is a minute behind must not see more.
ASSERTION_SECONDS = 240
DEFAULT_LIFETIME_SECONDS = 60.0
MOST_BYTES = 262_144
_DEADLINE_SECONDS = 8.0
# VSCHAR of RFC 6749 A.12: anything else would break out of the Authorization header.
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_STANDARD_KEYS = frozenset(
    {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
)


class TokenEndpoint:
    """Sends one signed request for one answer; nothing here tries twice."""

    def __init__(self, http: Http, signer: AssertionSigner, clock: Clock, ids: Ids) -> None:
        self._http = http
        self._signer = signer
        self._clock = clock
        self._ids = ids

    def ask(
        self, endpoints: SmartEndpoints, client_id: str, grant: Mapping[str, str]
    ) -> dict[str, Any]:
        """The JSON of a successful token response, not yet looked into.

        Raises:
            Denied: `code` is the OAuth error; TryLater; BadAnswer.
        """
        form = {
            **grant,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(endpoints, client_id),
        }
        answer = self._http.send(
            "POST",
            endpoints.token_endpoint,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
            deadline_seconds=_DEADLINE_SECONDS,
            max_bytes=MOST_BYTES,
        )
        host = host_of(endpoints.token_endpoint)
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, host)
        return json_object(answer, host=host)

    def _assertion(self, endpoints: SmartEndpoints, client_id: str) -> str:
        expires = int(self._clock.now().timestamp()) + ASSERTION_SECONDS
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": endpoints.token_endpoint,
            "exp": expires,
            "jti": self._ids.identifier(),
        }
        return self._signer.sign(claims, endpoints.assertion_algorithm)

    def _refusal(self, answer: Answer, host: str) -> OutsideError:
        """The OAuth error word as the code; Epic answers some refusals with HTML (ehr.md 4.2)."""
        try:
            code = word(json_object(answer).get("error"), "")
        except BadAnswer:
            code = ""
        return failure_of(answer, self._clock.now(), host=host, code=code)


def token_answer(body: Mapping[str, Any], host: str) -> TokenAnswer:
    """A response to a code, as Epic sends it: "bearer", banner flags as text, extra context keys.

    A refresh token is dropped: nobody stays signed in to the EHR through us.

    Raises:
        BadAnswer: `code` is the field that is missing or malformed.
    """
    id_token = body.get("id_token")
    if not isinstance(id_token, str) or not id_token:
        raise BadAnswer("id_token", host=host)
    scope = body.get("scope")
    if not isinstance(scope, str):
        raise BadAnswer("scope", host=host)
    context = {
        key: _text(value, host)
        for key, value in body.items()
        if key not in _STANDARD_KEYS and value is not None
    }
    return TokenAnswer(_bearer(body, host), frozenset(scope.split()), id_token, context)


def lent_token(body: Mapping[str, Any], host: str) -> LentToken:
    """A client-credentials response.

    Raises:
        BadAnswer: `code` is the field that is missing or malformed.
    """
    return LentToken(_bearer(body, host), _lifetime_seconds(body.get("expires_in")))


def _bearer(body: Mapping[str, Any], host: str) -> str:
    token_type = body.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise BadAnswer("token_type", host=host)
    token = body.get("access_token")
    if not isinstance(token, str) or not _ACCESS_TOKEN.fullmatch(token):
        raise BadAnswer("access_token", host=host)
    return token


def _lifetime_seconds(expires_in: object) -> float:
    """Seconds to hold a token: absent means a minute, nonsense and negative mean not at all."""
    if expires_in is None:
        return DEFAULT_LIFETIME_SECONDS
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return 0.0
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _text(value: object, host: str) -> str:
    """A context value as text: Epic sends flags as strings, others as booleans (C08)."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except RecursionError as deep:
        raise BadAnswer("nesting", host=host) from deep
