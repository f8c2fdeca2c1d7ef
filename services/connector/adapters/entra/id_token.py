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
    tid, oid = claims.get("tid"), claims.get("oid")
    checks = {
        "tid": isinstance(tid, str)
        and bool(_GUID.fullmatch(tid))
        and (tenant_id is None or tid.lower() == tenant_id.lower()),
        "iss": claims.get("iss") == f"{login_url}/{tid}/v2.0",
        "aud": audience_is(claims, client_id),
        "ver": claims.get("ver") == "2.0",
        "oid": isinstance(oid, str) and bool(_GUID.fullmatch(oid)),
        "nonce": bool(nonce) and claims.get("nonce") == _as_sent(nonce),
    }
    for claim, holds in checks.items():
        if not holds:
            raise Untrusted(claim)
    wrong_time = untimely(claims, now, LEEWAY)
    if wrong_time is not None:
        raise Untrusted(wrong_time)


def identity_of(claims: SignedClaims) -> MicrosoftIdentity:
    """Who signed in. Roles are template ids; the sign-in name is for display only."""
    wids = claims.get("wids")
    roles = [role for role in wids if isinstance(role, str)] if isinstance(wids, list) else []
    name = claims.get("preferred_username")
    return MicrosoftIdentity(
        tenant_id=claims["tid"].lower(),
        object_id=claims["oid"].lower(),
        sign_in_name=name if isinstance(name, str) else "",
        directory_roles=frozenset(roles),
        is_guest=_is_guest(claims),
    )


def _is_guest(claims: SignedClaims) -> bool:
    """`acct` says so, or somebody else than this tenant authenticated the person (`idp`)."""
    if str(claims.get("acct", "")) == str(_GUEST_ACCOUNT):
        return True
    provider = claims.get("idp")
    own = {claims.get("iss"), f"https://sts.windows.net/{claims['tid']}/"}
    return provider is not None and provider not in own


def _as_sent(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
