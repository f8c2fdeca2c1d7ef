"""Access tokens that callers of the API bring along."""

from typing import Protocol

from connector.domain.api_caller import Caller


class AccessTokens(Protocol):
    """Believes a token only if Entra issued it, for this API, and it is good now."""

    def caller(self, unverified_token: str) -> Caller:
        """Whom a bearer token stands for; what they may do is not decided here.

        Raises:
            Untrusted: `code` is the claim or the check that failed;
            TryLater: Entra's keys cannot be read.
        """
        ...
