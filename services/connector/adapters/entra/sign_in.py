"""Signing people in with Microsoft (flows 1 and 4): msal for the protocol, our own proof after it.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import hmac
import threading
import warnings
from collections.abc import Mapping
from typing import Any

from connector.adapters.entra.applications import ORGANIZATIONS, Applications
from connector.adapters.entra.discovery import Discovery
from connector.adapters.entra.id_token import check_claims, identity_of
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Denied, Untrusted
from connector.ports.http import Http
from connector.ports.system import Clock
from connector.ports.tokens import SignedTokens

_TENANT = "tenant"


class MsalSignIn:
    """Implements `ports.microsoft.SignIn`. No token outlives `complete`.

    Args:
        applications: our msal clients.
        redirect_uri: registered in Entra, exactly.
        http: reads the tenants' discovery documents.
        signed_tokens: proves signatures by Entra's published keys.
        clock: what the times of ID tokens are compared with.
    """

    def __init__(
        self,
        applications: Applications,
        redirect_uri: str,
        *,
        http: Http,
        signed_tokens: SignedTokens,
        clock: Clock,
    ) -> None:
        self._applications = applications
        self._redirect_uri = redirect_uri
        self._discovery = Discovery(http, applications.login_url, clock)
        self._signed_tokens = signed_tokens
        self._clock = clock
        self._lock = threading.Lock()

    def begin(
        self, *, tenant: str, login_hint: str | None = None, choose_account: bool = False
    ) -> tuple[str, dict[str, Any]]:
        application = self._applications.of(tenant)

        def initiate() -> dict[str, Any]:
            flow: dict[str, Any] = application.initiate_auth_code_flow(
                [],
                redirect_uri=self._redirect_uri,
                login_hint=login_hint,
                prompt="select_account" if choose_account else None,
                response_mode="query",
            )
            return flow

        # msal warns that form_post is safer. It needs JavaScript, or one more click of everybody;
        # our callback answers with a redirect and no-referrer, so its query goes nowhere.
        with self._lock, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="response_mode")
            flow = self._applications.calling(initiate)
        # The URL is as long as all the rest, and msal never reads it again.
        return flow.pop("auth_uri"), {**flow, _TENANT: tenant}

    def complete(self, flow: Mapping[str, Any], query: Mapping[str, str]) -> MicrosoftIdentity:
        host = self._applications.host
        state, answered = flow.get("state"), query.get("state", "")
        if not isinstance(state, str) or not hmac.compare_digest(
            state.encode(), answered.encode("utf-8", "surrogatepass")
        ):
            raise Denied("state_mismatch", host=host)
        if "error" in query:
            raise self._applications.refusal(query)
        if not query.get("code"):
            raise Denied("code_missing", host=host)
        tenant = str(flow.get(_TENANT, ""))
        return self._verified(self._redeem(tenant, flow, query), tenant, flow)

    def _redeem(self, tenant: str, flow: Mapping[str, Any], query: Mapping[str, str]) -> str:
        """The raw ID token the code was good for; all other tokens are dropped here."""
        application = self._applications.of(tenant)
        asked = {name: value for name, value in flow.items() if name != _TENANT}
        try:
            result: dict[str, Any] = self._applications.calling(
                lambda: application.acquire_token_by_auth_code_flow(asked, dict(query))
            )
        except RuntimeError as mismatch:  # msal's way to say that the nonce is another's
            raise Untrusted("nonce", host=self._applications.host) from mismatch
        if "error" in result:
            raise self._applications.refusal(result)
        id_token = result.get("id_token")
        if not isinstance(id_token, str):
            raise Untrusted("id_token_missing", host=self._applications.host)
        return id_token

    def _verified(
        self, unverified_id_token: str, tenant: str, flow: Mapping[str, Any]
    ) -> MicrosoftIdentity:
        claims = self._signed_tokens.claims(self._discovery.jwks_uri(tenant), unverified_id_token)
        check_claims(
            claims,
            login_url=self._applications.login_url,
            client_id=self._applications.client_id,
            tenant_id=None if tenant == ORGANIZATIONS else tenant,
            nonce=str(flow.get("nonce", "")),
            now=self._clock.now(),
        )
        return identity_of(claims)
