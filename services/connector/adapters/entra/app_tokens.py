"""App-only Graph tokens, one for each customer tenant (microsoft.md 4.2)."""

from typing import Any

from connector.adapters.entra.applications import Applications
from connector.ports.errors import Denied
from connector.ports.tokens import LentToken, LentTokens

GRAPH_SCOPE = "https://graph.microsoft.com/.default"


class AppTokens:
    """Call it with a tenant id for a token; `lent_tokens` sees to it that one thread fetches.

    Raises:
        Denied: `code` is Entra's AADSTS number, for instance when the app is not consented;
        TryLater: Entra cannot be reached.
    """

    def __init__(
        self, applications: Applications, lent_tokens: LentTokens, scope: str = GRAPH_SCOPE
    ) -> None:
        self._applications = applications
        self._lent_tokens = lent_tokens
        self._scope = scope

    def __call__(self, tenant_id: str) -> str:
        return self._lent_tokens.get(
            (self._applications.login_url, tenant_id), lambda: self._fetch(tenant_id)
        )

    def forget(self, tenant_id: str) -> None:
        """Graph answered 401 to it."""
        self._lent_tokens.forget((self._applications.login_url, tenant_id))

    def _fetch(self, tenant_id: str) -> LentToken:
        application = self._applications.of(tenant_id)
        result: dict[str, Any] = self._applications.calling(
            lambda: application.acquire_token_for_client([self._scope])
        )
        if "error" in result:
            raise self._applications.refusal(result)
        token, lifetime = result.get("access_token"), result.get("expires_in")
        if not isinstance(token, str) or not isinstance(lifetime, int | float):
            raise Denied("entra_answer", host=self._applications.host)
        return LentToken(token, float(lifetime))
