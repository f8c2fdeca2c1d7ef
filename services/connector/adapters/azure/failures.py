"""What the Azure SDK raises, in the words of the ports; retryability is the type.

The codes are told to operators with cause and remedy (`connector.cli.vault_words`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from connector.adapters.azure.transport import IDENTITY_AWAY, Budget
from connector.ports.answers import failure_of
from connector.ports.errors import BadAnswer, Denied, OutsideError, TryLater
from connector.ports.http import Answer
from connector.ports.system import Clock

IDENTITY_MISSING = "identity_missing"
IDENTITY_REFUSED = "identity_refused"
VAULT_UNAUTHORIZED = "vault_unauthorized"
VAULT_FORBIDDEN = "vault_forbidden"
VAULT_NETWORK = "vault_network"
VAULT_THROTTLED = "vault_throttled"
VAULT_DELETED = "vault_deleted"
VAULT_ANSWER = "vault_answer"

_CODES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: VAULT_UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: VAULT_FORBIDDEN,
    HTTPStatus.NOT_FOUND: "vault_not_found",
    HTTPStatus.CONFLICT: VAULT_DELETED,
    HTTPStatus.TOO_MANY_REQUESTS: VAULT_THROTTLED,
}
# Key Vault says 403 both to a missing role and to a caller from a network it does not let in.
# https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
_NETWORK_CODES = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})


class VaultCalls:
    """Every call to one vault: within its budget, and failing in our words.

    Args:
        unauthorized: told when the vault does not take our token any more.
    """

    def __init__(
        self, host: str, budget: Budget, clock: Clock, unauthorized: Callable[[], None]
    ) -> None:
        self._host = host
        self._budget = budget
        self._clock = clock
        self._unauthorized = unauthorized

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raises: OutsideError: what came of it; port errors pass as they are."""
        try:
            with self._budget.of(seconds):
                yield
        except DecodeError as garbled:
            raise BadAnswer(VAULT_ANSWER, host=self._host) from garbled
        except HttpResponseError as refused:
            raise self._refusal(refused) from refused
        except (AzureError, ValueError, TypeError, KeyError, AttributeError) as odd:
            # The SDK reads challenges and answers without looking first.
            raise BadAnswer(VAULT_ANSWER, host=self._host) from odd

    def _refusal(self, refused: HttpResponseError) -> OutsideError:
        response: Any = refused.response
        if response is None:
            return BadAnswer(VAULT_ANSWER, host=self._host)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._unauthorized()
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, b"")
        code = _CODES.get(response.status_code, f"vault_http_{response.status_code}")
        if response.status_code == HTTPStatus.FORBIDDEN and _inner_code(refused) in _NETWORK_CODES:
            code = VAULT_NETWORK
        return failure_of(answer, self._clock.now(), host=self._host, code=code)


def _inner_code(refused: HttpResponseError) -> str:
    """`error.innererror.code` of Key Vault's answer."""
    inner = getattr(refused.error, "innererror", None) or {}
    code = inner.get("code", "") if isinstance(inner, Mapping) else ""
    return str(code)


def identity_failure(failed: Exception, host: str) -> OutsideError:
    """Why the identity endpoint gave no token; the SDK may have wrapped what happened."""
    for happened in (failed, failed.__cause__):
        if isinstance(happened, TryLater):
            return happened
        if isinstance(happened, ServiceRequestError):  # nobody is there: this is not Azure
            return TryLater(IDENTITY_MISSING, host=host)
        if isinstance(happened, ServiceResponseError):
            return TryLater(IDENTITY_AWAY, host=host)
    if isinstance(failed, CredentialUnavailableError | ClientAuthenticationError):
        return Denied(IDENTITY_REFUSED, host=host)
    return TryLater(IDENTITY_AWAY, host=host)
