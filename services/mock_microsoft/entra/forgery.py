"""Tokens that a relying party or an API must refuse, asked for by a tester for the next ones issued.

The checks they provoke: OpenID Connect Core 3.1.3.7 (ID tokens) and
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens (access tokens for an API).
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

import jwt

from mock_microsoft.entra.claims import Claims, sts_issuer, v2_issuer
from mock_microsoft.identifiers import new_guid
from simkit.keys import IssuerKey

ONE_DAY_SECONDS = 86_400
EVIL_LOGIN = "https://login.evil.example"


class Forgery(StrEnum):
    """Of ID tokens."""

    BAD_SIGNATURE = "bad-signature"
    WRONG_AUDIENCE = "wrong-aud"
    WRONG_ISSUER = "wrong-iss"
    EXPIRED = "expired"
    WRONG_NONCE = "wrong-nonce"
    ALGORITHM_NONE = "alg-none"


class AccessForgery(StrEnum):
    """Of access tokens for an API.

    `other-tenant` is consistent, but of a tenant nobody knows; `foreign-tid` changes `tid` and leaves the issuer.
    """

    BAD_SIGNATURE = "bad-signature"
    WRONG_AUDIENCE = "wrong-aud"
    WRONG_ISSUER = "wrong-iss"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    ALGORITHM_NONE = "alg-none"
    OTHER_TENANT = "other-tenant"
    FOREIGN_TENANT_ID = "foreign-tid"
    VERSION_1 = "v1"
    NO_PERMISSION = "no-permission"


Mode = TypeVar("Mode", bound=StrEnum)
Changes = Mapping[str, Callable[[Claims], Claims]]


def _moved(seconds: int) -> Callable[[Claims], Claims]:
    return lambda claims: {
        **claims,
        **{name: claims[name] + seconds for name in ("iat", "nbf", "exp")},
    }


def _other_tenant(claims: Claims) -> Claims:
    stranger = new_guid()
    return {**claims, "tid": stranger, "iss": claims["iss"].replace(claims["tid"], stranger)}


def _version_1(claims: Claims) -> Claims:
    """The names and issuer that Entra uses when the API's manifest does not ask for version 2."""
    renamed = {"azp": "appid", "azpacr": "appidacr", "preferred_username": "upn"}
    changed = {renamed.get(name, name): value for name, value in claims.items()}
    audience = f"api://{claims['aud']}"
    return {**changed, "ver": "1.0", "iss": sts_issuer(claims["tid"]), "aud": audience}


def _without_permission(claims: Claims) -> Claims:
    return {name: value for name, value in claims.items() if name not in ("scp", "roles")}


_CHANGES: Changes = {
    "wrong-aud": lambda claims: {**claims, "aud": new_guid()},
    "wrong-iss": lambda claims: {**claims, "iss": v2_issuer(EVIL_LOGIN, claims["tid"])},
    "expired": _moved(-ONE_DAY_SECONDS),
    "not-yet-valid": _moved(ONE_DAY_SECONDS),
    "wrong-nonce": lambda claims: {**claims, "nonce": new_guid()},
    "other-tenant": _other_tenant,
    "foreign-tid": lambda claims: {**claims, "tid": new_guid()},
    "v1": _version_1,
    "no-permission": _without_permission,
}


def sign_token(claims: Claims, key: IssuerKey, forgery: Forgery | AccessForgery | None) -> str:
    """Compact JWT; honest without a forgery."""
    mode = forgery.value if forgery else ""
    if mode == Forgery.ALGORITHM_NONE:
        return jwt.encode(claims, key="", algorithm="none", headers={"kid": key.kid})
    if mode == Forgery.BAD_SIGNATURE:
        return IssuerKey().sign(claims, headers={"kid": key.kid})
    change = _CHANGES.get(mode)
    return key.sign(change(claims) if change else claims)


class ForgeryOrders(Generic[Mode]):
    """Which of the next tokens are forged; each order is used once, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Mode] = deque()

    def order(self, forgery: Mode, times: int) -> None:
        with self._lock:
            self._orders.extend([forgery] * times)

    def take(self) -> Mode | None:
        with self._lock:
            return self._orders.popleft() if self._orders else None

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def listed(self) -> list[str]:
        with self._lock:
            return [order.value for order in self._orders]
