"""The EHR's SMART authorization server, as the connector needs it.

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from connector.domain.configuration import SmartEndpoints
from connector.domain.launch import EhrUser, FhirUserType


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A token response, read the way Epic sends it (ehr.md 4.2). `unverified_id_token` is a JWT.

    `context` holds every other key as text, lists and objects as JSON.
    """

    access_token: str
    scopes: frozenset[str]
    unverified_id_token: str
    context: Mapping[str, str]


class SmartServer(Protocol):
    """Every method names its EHR by value, so one client serves all of them."""

    def discover(self, fhir_base_url: str) -> SmartEndpoints:
        """Read `/.well-known/smart-configuration` (and openid-configuration for `issuer`).

        Raises:
            AddressRefused, TryLater, BadAnswer, Denied: per `ports.errors`; `code` says which check failed.
        """
        ...

    def redeem_code(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        code: str,
        redirect_uri: str,
        code_verifier: str,
    ) -> TokenAnswer:
        """Exchange a code with private_key_jwt; one attempt, since a code lives once.

        Raises:
            NotConnected: the code was not sent; TryLater, BadAnswer: as always; Denied: the EHR's OAuth `error` is the code
                (`invalid_client`: our key is not known there, E2; `invalid_grant`: code or verifier).
        """
        ...

    def verify_id_token(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        fhir_base_url: str,
        nonce: str,
        unverified_id_token: str,
    ) -> EhrUser:
        """Signature (RS256 by the EHR's JWKS), `iss`, `aud`, `exp`, `nonce`, then who it names.

        Raises:
            Untrusted: `code` names the check that failed; TryLater: the JWKS cannot be read.
        """
        ...

    def backend_token(self, endpoints: SmartEndpoints, *, client_id: str, scope: str) -> str:
        """A client-credentials access token, cached until shortly before it expires.

        Raises:
            TryLater, Denied, BadAnswer.
        """
        ...

    def forget_backend_token(self, endpoints: SmartEndpoints, *, client_id: str) -> None:
        """The EHR answered 401 to it."""
        ...


def fhir_user_of(reference: str, fhir_base_url: str) -> tuple[FhirUserType, str] | None:
    """(type, id) of a `fhirUser` claim, absolute at this base or relative; None for anything else."""
    base = fhir_base_url.rstrip("/") + "/"
    relative = reference.removeprefix(base)
    kind, _, identifier = relative.partition("/")
    if kind not in set(FhirUserType) or not identifier or "/" in identifier:
        return None
    return FhirUserType(kind), identifier
