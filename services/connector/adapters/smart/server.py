"""The EHR's SMART authorization server, over HTTP (flows 1, 2 and 4).

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html
"""

from http import HTTPStatus
from typing import Any

from connector.adapters.smart.discovery import (
    DOCUMENTED_ORIGINS,
    OPENID_CONFIGURATION,
    SMART_CONFIGURATION,
    endpoints_of,
    origin_of,
)
from connector.adapters.smart.id_token import check_claims, user_of
from connector.adapters.smart.token_endpoint import TokenEndpoint, lent_token, token_answer
from connector.domain.configuration import SmartEndpoints
from connector.domain.launch import EhrUser
from connector.ports.answers import failure_of, host_of, json_object
from connector.ports.http import Http
from connector.ports.smart import TokenAnswer
from connector.ports.system import Clock, Ids
from connector.ports.tokens import LentToken, LentTokens, SignedTokens
from connector.ports.vault import AssertionSigner


class SmartHttp:
    """Implements `ports.smart.SmartServer`.

    Args:
        http, signer, clock, ids: the outside.
        signed_tokens: proves signatures by the EHRs' published keys.
        lent_tokens: holds backend tokens; a backend client has one scope, so it has one token.
    """

    def __init__(
        self,
        http: Http,
        signer: AssertionSigner,
        clock: Clock,
        ids: Ids,
        *,
        signed_tokens: SignedTokens,
        lent_tokens: LentTokens,
    ) -> None:
        self._http = http
        self._clock = clock
        self._signed_tokens = signed_tokens
        self._lent_tokens = lent_tokens
        self._token_endpoint = TokenEndpoint(http, signer, clock, ids)

    def discover(self, fhir_base_url: str) -> SmartEndpoints:
        base = fhir_base_url.rstrip("/")
        return endpoints_of(
            fhir_base_url,
            self._document(base + SMART_CONFIGURATION),
            lambda: self._document(base + OPENID_CONFIGURATION),
            origins=DOCUMENTED_ORIGINS.get(origin_of(base), frozenset()),
        )

    def redeem_code(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        code: str,
        redirect_uri: str,
        code_verifier: str,
    ) -> TokenAnswer:
        body = self._token_endpoint.ask(
            endpoints,
            client_id,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": code_verifier,
            },
        )
        return token_answer(body, host_of(endpoints.token_endpoint))

    def verify_id_token(
        self,
        endpoints: SmartEndpoints,
        *,
        client_id: str,
        fhir_base_url: str,
        nonce: str,
        unverified_id_token: str,
    ) -> EhrUser:
        claims = self._signed_tokens.claims(endpoints.jwks_uri, unverified_id_token)
        check_claims(
            claims,
            issuer=endpoints.issuer,
            client_id=client_id,
            nonce=nonce,
            now=self._clock.now(),
        )
        return user_of(claims, fhir_base_url)

    def backend_token(self, endpoints: SmartEndpoints, *, client_id: str, scope: str) -> str:
        def fetch() -> LentToken:
            grant = {"grant_type": "client_credentials", "scope": scope}
            body = self._token_endpoint.ask(endpoints, client_id, grant)
            return lent_token(body, host_of(endpoints.token_endpoint))

        return self._lent_tokens.get((endpoints.token_endpoint, client_id), fetch)

    def forget_backend_token(self, endpoints: SmartEndpoints, *, client_id: str) -> None:
        self._lent_tokens.forget((endpoints.token_endpoint, client_id))

    def _document(self, url: str) -> dict[str, Any]:
        host = host_of(url)
        answer = self._http.send("GET", url, headers={"Accept": "application/json"})
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, self._clock.now(), host=host)
        return json_object(answer, host=host)
