"""Access tokens of version 2 that Entra issues for the connector's own API (docs/api.md).

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

from dataclasses import replace

from connector.adapters.entra.applications import ORGANIZATIONS
from connector.adapters.entra.discovery import Discovery
from connector.adapters.entra.id_token import LEEWAY, checks_of_version_2, identity_of
from connector.domain.api_caller import Caller
from connector.ports.answers import word
from connector.ports.errors import Untrusted
from connector.ports.system import Clock
from connector.ports.tokens import SignedClaims, SignedTokens, untimely

_APPLICATION = "app"


class EntraAccessTokens:
    """Implements `ports.access_tokens.AccessTokens`.

    Keys are those Entra publishes for all organizations, so that a tenant id that somebody made up
    causes no request; whose token it is, the issuer says, after the signature is proven.

    Args:
        signed_tokens: proves signatures.
        discovery: finds the keys.
        login_url: `https://login.microsoftonline.com`, or a simulator's.
        client_id: of the connector's app registration, which is the API.
        clock: what the times of tokens are compared with.
    """

    def __init__(
        self,
        signed_tokens: SignedTokens,
        discovery: Discovery,
        *,
        login_url: str,
        client_id: str,
        clock: Clock,
    ) -> None:
        self._signed_tokens = signed_tokens
        self._discovery = discovery
        self._login_url = login_url.rstrip("/")
        self._audiences = frozenset({client_id, f"api://{client_id}"})
        self._clock = clock

    def caller(self, unverified_token: str) -> Caller:
        jwks_uri = self._discovery.jwks_uri(ORGANIZATIONS)
        claims = self._signed_tokens.claims(jwks_uri, unverified_token)
        self._check(claims)
        return _caller(claims)

    def _check(self, claims: SignedClaims) -> None:
        audience = claims.get("aud")
        checks = {
            **checks_of_version_2(claims, self._login_url),
            "aud": isinstance(audience, str) and audience in self._audiences,
        }
        for claim, holds in checks.items():
            if not holds:
                raise Untrusted(claim)
        wrong_time = untimely(claims, self._clock.now(), LEEWAY)
        if wrong_time is not None:
            raise Untrusted(wrong_time)


def _caller(claims: SignedClaims) -> Caller:
    """An application says `idtyp`, a person's token says `scp`; what says neither is an ID token.

    An ID token of our sign-in has the same audience, issuer and even roles.

    Raises:
        Untrusted: `kind`.
    """
    identity, scopes = identity_of(claims), claims.get("scp")
    if claims.get("idtyp") == _APPLICATION and scopes is None:
        client = word(claims.get("azp"), "unknown")
        principal = replace(identity, sign_in_name=f"application {client}", is_guest=False)
        return Caller.application(principal, _texts(claims.get("roles")))
    if isinstance(scopes, str) and claims.get("idtyp") != _APPLICATION:
        return Caller.person(identity, frozenset(scopes.split()))
    raise Untrusted("kind")


def _texts(claim: object) -> frozenset[str]:
    listed = claim if isinstance(claim, list) else []
    return frozenset(each for each in listed if isinstance(each, str))
