"""The ID token checks msal does not make (microsoft.md 4.5): it accepts forged ones since 1.38.

https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

import hashlib
import re
from datetime import datetime, timedelta

from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Untrusted
from connector.ports.tokens import SignedClaims, audience_is, untimely

LEEWAY = timedelta(minutes=2)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_GUEST_ACCOUNT = 1
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_REGION_SCOPE = re.compile(r"[A-Za-z]{2,10}")


def check_claims(
    claims: SignedClaims,
    *,
    login_url: str,
    client_id: str,
    tenant_id: str | None,
    nonce: str,
    now: datetime,
) -> None:
    """Everything about the claims of a verified signature.

    `tenant_id` is the tenant that was asked to sign in, None for any organization; `nonce` is as
    msal keeps it in the flow, what it sent is its hash.

    Raises:
        Untrusted: `code` is the claim that is wrong.
    """
    checks = checks_of_version_2(claims, login_url)
    asked = tenant_id is None or str(claims.get("tid")).lower() == tenant_id.lower()
    checks |= {
        "tid": checks["tid"] and asked,
        "aud": audience_is(claims, client_id),
        "nonce": bool(nonce) and claims.get("nonce") == _as_sent(nonce),
    }
    for claim, holds in checks.items():
        if not holds:
            raise Untrusted(claim)
    wrong_time = untimely(claims, now, LEEWAY)
    if wrong_time is not None:
        raise Untrusted(wrong_time)


def checks_of_version_2(claims: SignedClaims, login_url: str) -> dict[str, bool]:
    """What holds for every token of the v2.0 issuer, by claim: who issued it, to whom of which tenant."""
    tid, oid = claims.get("tid"), claims.get("oid")
    return {
        "tid": isinstance(tid, str) and bool(_GUID.fullmatch(tid)),
        "iss": claims.get("iss") == f"{login_url}/{tid}/v2.0",
        "ver": claims.get("ver") == "2.0",
        "oid": isinstance(oid, str) and bool(_GUID.fullmatch(oid)),
    }


def identity_of(claims: SignedClaims) -> MicrosoftIdentity:
    """Who signed in. Roles are template ids; the sign-in name is for display only.

    Country and region scope are of the tenant that vouches, in upper case; both are optional claims
    that the app registration's manifest asks for (docs/geographies.md).
    """
    wids = claims.get("wids")
    roles = [role for role in wids if isinstance(role, str)] if isinstance(wids, list) else []
    name = claims.get("preferred_username")
    return MicrosoftIdentity(
        tenant_id=claims["tid"].lower(),
        object_id=claims["oid"].lower(),
        sign_in_name=name if isinstance(name, str) else "",
        directory_roles=frozenset(roles),
        is_guest=_is_guest(claims),
        country=_code(claims.get("tenant_ctry"), _COUNTRY),
        region_scope=_code(claims.get("tenant_region_scope"), _REGION_SCOPE),
    )


def _is_guest(claims: SignedClaims) -> bool:
    """`acct` says so, or somebody else than this tenant authenticated the person (`idp`)."""
    if str(claims.get("acct", "")) == str(_GUEST_ACCOUNT):
        return True
    provider = claims.get("idp")
    own = {claims.get("iss"), f"https://sts.windows.net/{claims['tid']}/"}
    return provider is not None and provider not in own


def _code(claim: object, shape: re.Pattern[str]) -> str:
    """What is no code says nothing: the admin is asked then."""
    return claim.upper() if isinstance(claim, str) and shape.fullmatch(claim) else ""


def _as_sent(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
