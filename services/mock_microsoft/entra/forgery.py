"""ID tokens that a relying party must refuse, asked for by a tester for the next sign-ins.

The checks they provoke: OpenID Connect Core 3.1.3.7.
"""

import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum

import jwt

from mock_microsoft.entra.claims import Claims, v2_issuer
from mock_microsoft.identifiers import new_guid
from simkit.keys import IssuerKey


class Forgery(StrEnum):
    BAD_SIGNATURE = "bad-signature"
    WRONG_AUDIENCE = "wrong-aud"
    WRONG_ISSUER = "wrong-iss"
    EXPIRED = "expired"
    WRONG_NONCE = "wrong-nonce"
    ALGORITHM_NONE = "alg-none"


ONE_DAY_SECONDS = 86_400


def _expired(claims: Claims) -> Claims:
    aged = {name: claims[name] - ONE_DAY_SECONDS for name in ("iat", "nbf", "exp")}
    return {**claims, **aged}


_CHANGES: dict[Forgery, Callable[[Claims], Claims]] = {
    Forgery.WRONG_AUDIENCE: lambda claims: {**claims, "aud": new_guid()},
    Forgery.WRONG_ISSUER: lambda claims: {
        **claims,
        "iss": v2_issuer("https://login.evil.example", claims["tid"]),
    },
    Forgery.EXPIRED: _expired,
    Forgery.WRONG_NONCE: lambda claims: {**claims, "nonce": new_guid()},
}


def sign_id_token(claims: Claims, key: IssuerKey, forgery: Forgery | None) -> str:
    if forgery is Forgery.ALGORITHM_NONE:
        return jwt.encode(claims, key="", algorithm="none", headers={"kid": key.kid})
    if forgery is Forgery.BAD_SIGNATURE:
        return IssuerKey().sign(claims, headers={"kid": key.kid})
    change = _CHANGES.get(forgery) if forgery else None
    return key.sign(change(claims) if change else claims)


class ForgeryOrders:
    """Which of the next sign-ins get a forged token; each order is used once, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Forgery] = deque()

    def order(self, forgery: Forgery, times: int) -> None:
        with self._lock:
            self._orders.extend([forgery] * times)

    def take(self) -> Forgery | None:
        with self._lock:
            return self._orders.popleft() if self._orders else None

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def listed(self) -> list[str]:
        with self._lock:
            return [order.value for order in self._orders]
