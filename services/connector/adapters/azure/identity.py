"""Our managed identity: tokens without a secret, from the machine we run on.

https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
"""

import os
import time
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential

from connector.adapters.azure.failures import identity_failure
from connector.adapters.azure.transport import (
    DEADLINE_SECONDS,
    IDENTITY_AWAY,
    AzureTransport,
    Budget,
)
from connector.ports.answers import host_of
from connector.ports.errors import TryLater
from connector.ports.tokens import LentToken, LentTokens

POSTGRESQL_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
_METADATA_HOST = "169.254.169.254"


class ManagedIdentity:
    """The SDK's `TokenCredential`, and tokens as text; `lent_tokens` is the only cache.

    The SDK's own caches know nothing of a token that the other side refuses, so each fetch is a
    credential of its own, and the SDK asks here before every request, which costs nothing.

    Args:
        client_id: of a user-assigned identity; empty: the system-assigned one.
    """

    def __init__(
        self, client_id: str, transport: AzureTransport, budget: Budget, lent_tokens: LentTokens
    ) -> None:
        self._client_id = client_id
        self._transport = transport
        self._budget = budget
        self._lent_tokens = lent_tokens
        self._scopes: set[str] = set()

    def token(self, scope: str) -> str:
        """A token that lives long enough to be used.

        Raises:
            TryLater: the endpoint is away, or this is not Azure; Denied: it refuses.
        """
        self._scopes.add(scope)
        return self._lent_tokens.get(self._key(scope), lambda: self._fetch(scope))

    def forget(self, scope: str) -> None:
        """The other side does not take it."""
        self._lent_tokens.forget(self._key(scope))

    def forget_all(self) -> None:
        """Somebody does not take one of them, and does not say which."""
        for scope in tuple(self._scopes):
            self.forget(scope)

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """What the SDK calls; a challenge with claims says that the token was revoked."""
        (scope,) = scopes
        if options and options.get("claims"):
            self.forget(scope)
        return AccessTokenInfo(self.token(scope), _ask_again())

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002 - the SDK's signature
        enable_cae: bool = False,  # noqa: ARG002 - the SDK's signature
        **_: Any,
    ) -> AccessToken:
        options: TokenRequestOptions = {"claims": claims} if claims else {}
        found = self.get_token_info(*scopes, options=options)
        return AccessToken(found.token, found.expires_on)

    def close(self) -> None:
        """Nothing of its own to close."""

    def _key(self, scope: str) -> tuple[str, str, str]:
        return ("managed identity", self._client_id, scope)

    def _fetch(self, scope: str) -> LentToken:
        host = host_of(os.environ.get("IDENTITY_ENDPOINT", "")) or _METADATA_HOST
        try:
            with self._budget.of(DEADLINE_SECONDS), self._credential() as credential:
                found = credential.get_token(scope)
        except (AzureError, ValueError, TypeError, KeyError, AttributeError) as failed:
            raise identity_failure(failed, host) from failed
        lifetime_seconds = found.expires_on - time.time()
        if lifetime_seconds <= 0:  # the platform hands out what it has cached
            raise TryLater(IDENTITY_AWAY, host=host)
        return LentToken(found.token, lifetime_seconds)

    def _credential(self) -> ManagedIdentityCredential:
        return ManagedIdentityCredential(
            client_id=self._client_id or None,
            _exclude_workload_identity_credential=True,
            **self._transport.options,
        )


class TokenPassword:
    """Call it for the password of a new PostgreSQL connection; `forget` what was refused."""

    def __init__(self, identity: ManagedIdentity) -> None:
        self._identity = identity

    def __call__(self) -> str:
        return self._identity.token(POSTGRESQL_SCOPE)

    def forget(self) -> None:
        self._identity.forget(POSTGRESQL_SCOPE)


def _ask_again() -> int:
    """Expired by the SDK's reckoning, so that it keeps nothing and asks `ManagedIdentity` anew."""
    return int(time.time())
