"""How a client proves itself at the token endpoint: certificate assertion, secret, or nothing when it is public.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import jwt

from mock_microsoft.apps import Apps, ClientCertificate
from mock_microsoft.config import AppRegistration
from mock_microsoft.entra.errors import Aadsts, EntraError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("PS256", "RS256")
LEEWAY_SECONDS = 300
THUMBPRINTS: Mapping[str, Callable[[ClientCertificate], str]] = {
    "x5t#S256": lambda certificate: certificate.sha256_thumbprint,
    "x5t": lambda certificate: certificate.sha1_thumbprint,
}
PUBLIC_CLIENT, BY_SECRET, BY_CERTIFICATE = "0", "1", "2"


def authenticate_client(
    apps: Apps, form: Mapping[str, str], audiences: frozenset[str], now: datetime
) -> AppRegistration:
    """The registration that the request proved to be.

    Args:
        apps: every registration.
        form: the token request.
        audiences: spellings of this token endpoint that an assertion may name as `aud`.
        now: simulator time.

    Raises:
        EntraError: 700016 unknown client, 700025, 7000215, 700027 or 7000218.
    """
    app = apps.find(form.get("client_id", ""))
    if app is None:
        raise EntraError(Aadsts.APP_UNKNOWN, "client_id is not registered.")
    if app.is_public_client:
        _check_bare(form)
    elif "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise EntraError(Aadsts.ASSERTION_INVALID, "client_assertion_type is wrong.")
        _check_assertion(app, apps.certificates(app), form["client_assertion"], audiences, now)
    elif form.get("client_secret"):
        _check_secret(app, form["client_secret"])
    else:
        raise EntraError(Aadsts.CREDENTIAL_MISSING)
    return app


def credential_of(app: AppRegistration, form: Mapping[str, str]) -> str:
    """The claim `azpacr` (`appidacr` in version 1): how the client proved itself."""
    if app.is_public_client:
        return PUBLIC_CLIENT
    return BY_CERTIFICATE if "client_assertion" in form else BY_SECRET


def _check_bare(form: Mapping[str, str]) -> None:
    if "client_assertion" in form or "client_secret" in form:
        raise EntraError(Aadsts.CREDENTIAL_OF_PUBLIC_CLIENT)


def _check_secret(app: AppRegistration, given: str) -> None:
    if not app.client_secret or not hmac.compare_digest(app.client_secret.encode(), given.encode()):
        raise EntraError(Aadsts.SECRET_WRONG)


def _check_assertion(
    app: AppRegistration,
    certificates: Sequence[ClientCertificate],
    unverified_assertion: str,
    audiences: frozenset[str],
    now: datetime,
) -> None:
    try:
        certificate = _named_certificate(
            certificates, jwt.get_unverified_header(unverified_assertion)
        )
        claims = jwt.decode(
            unverified_assertion,
            certificate.public_key,
            algorithms=list(ALGORITHMS),
            audience=list(audiences),
            # times are checked below against the simulator's clock; jti may repeat, msal reuses an assertion
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": ["aud", "exp", "iss", "sub", "jti"],
            },
        )
    except jwt.InvalidTokenError as error:
        raise EntraError(Aadsts.ASSERTION_INVALID, f"{type(error).__name__}.") from error
    _check_claims(app, claims, now.timestamp())


def _named_certificate(
    certificates: Sequence[ClientCertificate], header: Mapping[str, Any]
) -> ClientCertificate:
    """Padding: msal ends `x5t#S256` with `=` though RFC 7515 forbids it; Entra takes both forms (msal 1.39.0 observed 2026-08)."""
    given = {name: str(header[name]).rstrip("=") for name in THUMBPRINTS if name in header}
    if not given:
        raise EntraError(Aadsts.ASSERTION_INVALID, "The header names no certificate (x5t#S256).")
    for certificate in certificates:
        if all(THUMBPRINTS[name](certificate) == value for name, value in given.items()):
            return certificate
    raise EntraError(Aadsts.ASSERTION_INVALID, "The certificate is not registered.")


def _check_claims(app: AppRegistration, claims: Mapping[str, Any], now: float) -> None:
    if claims["iss"] != app.client_id or claims["sub"] != app.client_id:
        raise EntraError(Aadsts.ASSERTION_INVALID, "iss and sub must be the client_id.")
    for name in ("exp", "nbf"):
        if not isinstance(claims.get(name, 0), int | float):
            raise EntraError(Aadsts.ASSERTION_INVALID, f"{name} must be a number.")
    if claims["exp"] < now - LEEWAY_SECONDS:
        raise EntraError(Aadsts.ASSERTION_INVALID, "The assertion expired.")
    if claims.get("nbf", 0) > now + LEEWAY_SECONDS:
        raise EntraError(Aadsts.ASSERTION_INVALID, "The assertion is not valid yet.")
