"""Authorizations and what is issued from them: codes, access tokens, refresh tokens (RFC 6749, RFC 7636, RFC 9700).

Everything issued from one sign-in hangs on one Authorization, so that a replayed code or refresh token ends them all.
"""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mock_fhir.clients import Client
from mock_fhir.errors import InvalidGrant
from mock_fhir.people import Account

CODE_LIFE = timedelta(seconds=60)
ACCESS_TOKEN_LIFE = timedelta(hours=1)
BACKEND_TOKEN_LIFE = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class Authorization:
    """What one person (or backend) allowed one client. `context` is the launch context of the token response."""

    client_id: str
    scopes: tuple[str, ...]
    account: Account | None = None
    fhir_user: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    nonce: str | None = None
    revoked: bool = False

    @property
    def patient_id(self) -> str | None:
        return self.context.get("patient")


@dataclass(slots=True, kw_only=True)
class _Code:
    authorization: Authorization
    redirect_uri: str
    code_challenge: str
    expires: datetime
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    authorization: Authorization
    scopes: tuple[str, ...]
    issued: datetime
    expires: datetime


@dataclass(slots=True, kw_only=True)
class _RefreshToken:
    authorization: Authorization
    used: bool = False


class Grants:
    """Codes and tokens of one environment. Thread-safe: of two uses of a code at once, one wins."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, _RefreshToken] = {}
        self._lock = threading.Lock()

    def issue_code(
        self, authorization: Authorization, redirect_uri: str, code_challenge: str
    ) -> str:
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(
            authorization=authorization,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires=self._now() + CODE_LIFE,
        )
        return code

    def redeem_code(
        self, code: str, client: Client, *, redirect_uri: str, code_verifier: str
    ) -> Authorization:
        """The authorization behind a code, once.

        Raises:
            InvalidGrant: unknown, expired or used code, other client, other redirect URI, wrong verifier. A second
                use also revokes everything issued from the first (RFC 6749 4.1.2, RFC 9700 4.5).
        """
        with self._lock:
            found = self._codes.get(code)
            if found is None or found.authorization.client_id != client.client_id:
                raise InvalidGrant("the code is unknown or was issued to another client")
            if found.used:
                found.authorization.revoked = True
                raise InvalidGrant("the code was used before; its tokens are now revoked")
            if self._now() >= found.expires:
                raise InvalidGrant(f"the code is older than {CODE_LIFE.seconds} seconds")
            if redirect_uri != found.redirect_uri:
                raise InvalidGrant("redirect_uri differs from the one of the authorize request")
            if not _proves(code_verifier, found.code_challenge):
                raise InvalidGrant("code_verifier does not match the code_challenge (RFC 7636 4.6)")
            found.used = True
            return found.authorization

    def issue_access_token(
        self, authorization: Authorization, scopes: tuple[str, ...], life: timedelta
    ) -> str:
        token = secrets.token_urlsafe(32)
        now = self._now()
        self._access[token] = AccessToken(
            authorization=authorization, scopes=scopes, issued=now, expires=now + life
        )
        return token

    def issue_refresh_token(self, authorization: Authorization) -> str:
        token = secrets.token_urlsafe(32)
        self._refresh[token] = _RefreshToken(authorization=authorization)
        return token

    def rotate_refresh_token(self, token: str, client: Client) -> Authorization:
        """Use a refresh token up. Raises InvalidGrant; reuse ends the whole family (RFC 9700 4.14.2)."""
        with self._lock:
            found = self._refresh.get(token)
            if found is None or found.authorization.client_id != client.client_id:
                raise InvalidGrant("the refresh token is unknown or was issued to another client")
            if found.used:
                found.authorization.revoked = True
            if found.authorization.revoked:
                raise InvalidGrant("the refresh token was used before or revoked")
            found.used = True
            return found.authorization

    def refresh_authorization(self, token: str, client: Client) -> Authorization | None:
        """What a refresh token stands for, without using it."""
        found = self._refresh.get(token)
        same_client = found is not None and found.authorization.client_id == client.client_id
        return found.authorization if found and same_client else None

    def access(self, token: str) -> AccessToken | None:
        """A token that may be used now, else None."""
        found = self._access.get(token)
        if found is None or found.authorization.revoked or self._now() >= found.expires:
            return None
        return found

    def is_refresh_token_alive(self, token: str) -> bool:
        found = self._refresh.get(token)
        return found is not None and not found.used and not found.authorization.revoked

    def revoke(self, token: str, client: Client) -> None:
        """RFC 7009: a refresh token takes its family with it; tokens of other clients are left alone, silently."""
        with self._lock:
            access, refresh = self._access.get(token), self._refresh.get(token)
            if access and access.authorization.client_id == client.client_id:
                del self._access[token]
            if refresh and refresh.authorization.client_id == client.client_id:
                refresh.authorization.revoked = True

    def counts(self) -> dict[str, int]:
        return {
            "codes": len(self._codes),
            "access_tokens": len(self._access),
            "refresh_tokens": len(self._refresh),
        }


def _proves(code_verifier: str, code_challenge: str) -> bool:
    """PKCE S256: https://www.rfc-editor.org/rfc/rfc7636#section-4.6"""
    digest = hashlib.sha256(code_verifier.encode("ascii", errors="replace")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(computed, code_challenge)
