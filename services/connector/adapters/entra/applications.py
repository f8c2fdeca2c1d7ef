"""Our msal applications: one for each tenant this process has met (microsoft.md 5)."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msal
from msal.exceptions import MsalServiceError

from connector.adapters.entra.transport import MsalTransport
from connector.ports.answers import host_of, word
from connector.ports.errors import BadAnswer, Denied, OutsideError, TryLater
from connector.ports.http import Http

ORGANIZATIONS = "organizations"
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MICROSOFT_LOGINS = frozenset(
    {
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.us",
        "https://login.partner.microsoftonline.cn",
    }
)
_AADSTS = re.compile(r"\bAADSTS[0-9]{4,8}\b")
# Entra's words for its own trouble; msal turns 429 answers into the same kind of dict.
_TRANSIENT = frozenset({"temporarily_unavailable", "server_error", "too_many_requests"})
MOST_TENANTS = 500

T = TypeVar("T")


class _NothingKept(msal.TokenCache):  # type: ignore[misc]  # msal ships no types
    """msal keeps the tokens of everybody who signs in, in memory, for ever: ours keeps none."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        """Drop it."""


class Applications:
    """Long-lived confidential clients, made at first use: making one reads Entra's discovery.

    Args:
        http: what msal's requests go through.
        login_url: `https://login.microsoftonline.com`, or a simulator's.
        client_id: of the connector's app registration.
        credential: msal's `client_credential` as it is now: private key and certificate in PEM. When
            a rotation brings another one, applications are made anew with it.
    """

    def __init__(
        self,
        http: Http,
        login_url: str,
        client_id: str,
        credential: Callable[[], Mapping[str, str]],
    ) -> None:
        self.login_url = login_url.rstrip("/")
        self.client_id = client_id
        self.host = host_of(login_url)
        self._transport = MsalTransport(http)
        self._credential = credential
        self._made: tuple[Mapping[str, str], dict[str, msal.ConfidentialClientApplication]] = (
            credential(),
            {},
        )
        self._lock = threading.Lock()

    def of(self, tenant: str) -> msal.ConfidentialClientApplication:
        """The application of a tenant id or of `organizations`.

        Raises:
            Denied: `tenant`, not a tenant id; TryLater: Entra cannot be reached.
        """
        if tenant != ORGANIZATIONS and not _TENANT.fullmatch(tenant):
            raise Denied("tenant", host=self.host)
        credential, known = self._of_now()
        made = known.get(tenant)
        if made is None:
            fresh = self._fresh(tenant, credential)
            with self._lock:
                if len(known) >= MOST_TENANTS:
                    known.pop(next(iter(known)))
                made = known.setdefault(tenant, fresh)
        return made

    def _of_now(self) -> tuple[Mapping[str, str], dict[str, msal.ConfidentialClientApplication]]:
        """The credential, and what was made with it: a rotation forgets the applications."""
        credential = self._credential()
        with self._lock:
            if credential != self._made[0]:
                self._made = (credential, {})
            return self._made

    def calling(self, call: Callable[[], T]) -> T:
        """Run a call into msal and turn its kinds of failure into ours.

        Raises:
            TryLater: no connection, no answer in time, a 5xx, or an answer that is not Entra's;
            AddressRefused: the egress guard does not let us go there.
        """
        try:
            return call()
        except MsalServiceError as failed:
            raise TryLater("entra_failed", host=self.host, maybe_done=True) from failed
        except (BadAnswer, ValueError, LookupError, TypeError, AttributeError) as odd:
            # msal reads discovery and token answers without looking first.
            raise TryLater("entra_answer", host=self.host, maybe_done=True) from odd

    def refusal(self, result: Mapping[str, Any]) -> OutsideError:
        """An error dict of msal: the AADSTS number if there is one, else the OAuth error."""
        error = word(result.get("error"), "entra_error")
        if error in _TRANSIENT:
            return TryLater(error, host=self.host)
        number = _AADSTS.search(str(result.get("error_description", "")))
        return Denied(number[0] if number else error, host=self.host)

    def _fresh(
        self, tenant: str, credential: Mapping[str, str]
    ) -> msal.ConfidentialClientApplication:
        try:
            return self.calling(lambda: self._make(tenant, credential))
        except RuntimeError as odd:  # msal's word for a discovery that redirects
            raise TryLater("entra_answer", host=self.host) from odd

    def _make(
        self, tenant: str, credential: Mapping[str, str]
    ) -> msal.ConfidentialClientApplication:
        known = self.login_url in _MICROSOFT_LOGINS
        return msal.ConfidentialClientApplication(
            self.client_id,
            client_credential=dict(credential),
            authority=f"{self.login_url}/{tenant}",
            # For a login of its own msal would ask Microsoft first whether it exists.
            instance_discovery=None if known else False,
            http_client=self._transport,
            # No refresh token is asked for, so none can be lost.
            exclude_scopes=["offline_access"],
            token_cache=_NothingKept(),
        )
