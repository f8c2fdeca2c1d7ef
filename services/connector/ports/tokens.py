"""Tokens other parties sign, and tokens they lend us."""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NewType, Protocol

SignedClaims = NewType("SignedClaims", Mapping[str, Any])


class SignedTokens(Protocol):
    """Proves who signed a token, for every issuer, from one cache of published keys."""

    def claims(self, jwks_uri: str, unverified_token: str) -> SignedClaims:
        """The claims of a compact JWS that a key published at `jwks_uri` signed with RS256.

        Only the signature is proven: audience, issuer, times and nonce are the caller's to check.

        Raises:
            Untrusted: `code` names the check (`token_malformed`, `algorithm`, `header`,
                `key_unknown`, `key_ambiguous`, `signature`);
            TryLater: the keys cannot be read and none are held.
        """
        ...


@dataclass(frozen=True, slots=True)
class LentToken:
    """An access token and for how many seconds it may be used; 0 means once, now."""

    value: str
    lifetime_seconds: float


class LentTokens(Protocol):
    """Holds our own access tokens in memory; one fetch at a time for one key."""

    def get(self, key: Hashable, fetch: Callable[[], LentToken]) -> str:
        """The held token, or a fetched one when it is about to expire.

        Raises:
            OutsideError: what `fetch` raises, also for those who waited for that fetch.
        """
        ...

    def forget(self, key: Hashable) -> None:
        """The other side no longer accepts it."""
        ...


def untimely(claims: SignedClaims, now: datetime, leeway: timedelta) -> str | None:
    """Which time claim is wrong: `exp`, `nbf` or `iat`; None if all hold. `exp` is required.

    https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
    """
    moment, slack = now.timestamp(), leeway.total_seconds()
    expires = _seconds(claims.get("exp"))
    if not expires + slack > moment:
        return "exp"
    for claim in ("nbf", "iat"):
        if claim in claims and not _seconds(claims[claim]) - slack <= moment:
            return claim
    return None


def _seconds(value: object) -> float:
    """NaN, which compares false with everything, for what is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return math.nan


def audience_is(claims: SignedClaims, client_id: str) -> bool:
    """`aud` is us alone, or us among others while `azp` says the token was issued to us."""
    audience = claims.get("aud")
    if audience in (client_id, [client_id]):
        return True
    return isinstance(audience, list) and client_id in audience and claims.get("azp") == client_id
