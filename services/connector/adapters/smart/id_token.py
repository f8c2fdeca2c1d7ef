"""Whom an EHR vouches for: the checks of an ID token's claims (C07, C10; reliability.md case 17).

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import hmac
import re
from datetime import datetime, timedelta

from connector.domain.launch import EhrUser
from connector.ports.errors import Untrusted
from connector.ports.smart import fhir_user_of
from connector.ports.tokens import SignedClaims, audience_is, untimely

LEEWAY = timedelta(seconds=60)
LONGEST_SUBJECT = 255
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def check_claims(
    claims: SignedClaims, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> None:
    """Raises: Untrusted with the name of the first claim that is wrong."""
    subject = claims.get("sub")
    checks = {
        "iss": claims.get("iss") == issuer,
        "aud": audience_is(claims, client_id),
        "sub": isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT,
        "iat": "iat" in claims,
        "nonce": _same(claims.get("nonce"), nonce),
    }
    for claim, holds in checks.items():
        if not holds:
            raise Untrusted(claim)
    wrong_time = untimely(claims, now, LEEWAY)
    if wrong_time is not None:
        raise Untrusted(wrong_time)


def user_of(claims: SignedClaims, fhir_base_url: str) -> EhrUser:
    """The EHR's id of the person, and the FHIR resource they are.

    Raises:
        Untrusted: `fhir_user`, neither claim names a person of this EHR.
    """
    reference = claims.get("fhirUser", claims.get("profile"))
    found = fhir_user_of(reference, fhir_base_url) if isinstance(reference, str) else None
    if found is None or not _FHIR_ID.fullmatch(found[1]):
        raise Untrusted("fhir_user")
    return EhrUser(user_id=claims["sub"], fhir_type=found[0], fhir_id=found[1])


def _same(claimed: object, expected: str) -> bool:
    if not isinstance(claimed, str) or not expected:
        return False
    return hmac.compare_digest(claimed.encode("utf-8", "surrogatepass"), expected.encode())
