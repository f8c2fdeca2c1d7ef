"""Entra's access tokens in memory: a token is good for whom a test says."""

import itertools

from tests.fakes.faults import Faults

from connector.domain.api_caller import SCOPE, Caller
from connector.domain.organization import MicrosoftIdentity
from connector.ports.errors import Untrusted


class FakeAccessTokens:
    """Implements `ports.access_tokens.AccessTokens`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._callers: dict[str, Caller] = {}
        self._numbers = itertools.count(1)

    def of_person(self, who: MicrosoftIdentity, *scopes: str) -> str:
        """A token for the connector's own scope, unless others are named."""
        return self._issue(Caller.person(who, frozenset(scopes or {SCOPE})))

    def of_application(self, principal: MicrosoftIdentity, *roles: str) -> str:
        return self._issue(Caller.application(principal, frozenset(roles)))

    def _issue(self, caller: Caller) -> str:
        token = f"token-{next(self._numbers)}"
        self._callers[token] = caller
        return token

    def caller(self, unverified_token: str) -> Caller:
        self.faults.before("caller")
        if unverified_token not in self._callers:
            raise Untrusted("signature")
        return self._callers[unverified_token]
