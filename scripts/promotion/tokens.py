"""Access tokens for the connector's API: a person's by device code, a pipeline's by its credential.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import os
from collections.abc import Callable
from typing import Any, Final

import msal
import requests
from scripts.promotion.arguments import MICROSOFT_LOGIN, Access
from scripts.promotion.outcomes import Failed, OutsideUnreachable, UsageWrong

_SCOPE: Final = "Configuration.ReadWrite"
_TIMEOUT_SECONDS: Final = 20
Show = Callable[[str], None]


class Tokens:
    """One sign-in a run; msal renews behind it. `show` tells a person what to do."""

    def __init__(self, access: Access, show: Show) -> None:
        self._access = access
        self._show = show
        self._application: Any = None

    def get(self) -> str:
        """An access token that is good for now.

        Raises:
            Failed: Entra refused, by its own words; OutsideUnreachable; UsageWrong.
        """
        try:
            answer = self._ask()
        except (requests.RequestException, ValueError) as err:
            # msal raises ValueError for an authority that does not answer as Entra does.
            raise OutsideUnreachable(f"Microsoft could not be reached: {err}") from err
        if "access_token" not in answer:
            words = str(answer.get("error_description") or answer.get("error") or "no reason given")
            raise Failed(f"Microsoft refused the sign-in: {words}", {"error": answer.get("error")})
        return str(answer["access_token"])

    def _ask(self) -> dict[str, Any]:
        credential = self._credential()
        self._application = self._application or self._make(credential)
        if credential is not None:
            scopes = [f"{self._access.api}/.default"]
            found: dict[str, Any] = self._application.acquire_token_for_client(scopes=scopes)
            return found
        return self._of_person([f"{self._access.api}/{_SCOPE}"])

    def _of_person(self, scopes: list[str]) -> dict[str, Any]:
        for account in self._application.get_accounts():
            if known := self._application.acquire_token_silent(scopes, account=account):
                return dict(known)
        flow = self._application.initiate_device_flow(scopes=scopes)
        if "user_code" not in flow:
            return dict(flow)
        self._show(flow["message"])
        return dict(self._application.acquire_token_by_device_flow(flow))

    def _credential(self) -> str | dict[str, str] | None:
        if self._access.certificate:
            try:
                pem = self._access.certificate.read_text(encoding="ascii")
            except (OSError, UnicodeDecodeError) as err:
                raise UsageWrong(f"--certificate cannot be read: {err}") from err
            return {"private_key": pem, "public_certificate": pem}
        if name := self._access.client_secret_env:
            if secret := os.environ.get(name):
                return secret
            raise UsageWrong(f"--client-secret-env: the variable {name} is empty")
        return None

    def _make(self, credential: str | dict[str, str] | None) -> Any:
        options: dict[str, Any] = {
            "authority": f"{self._access.authority}/{self._access.tenant}",
            "http_client": _WithTimeout(self._access.verify),
        }
        if self._access.authority != MICROSOFT_LOGIN:
            # Asking Microsoft about an authority that is not Microsoft's would only fail.
            options["instance_discovery"] = False
        if credential is None:
            return msal.PublicClientApplication(self._access.client_id, **options)
        return msal.ConfidentialClientApplication(
            self._access.client_id, client_credential=credential, **options
        )


class _WithTimeout:
    """What msal expects of an HTTP client; no request of it waits for ever."""

    def __init__(self, verify: str | None) -> None:
        self._session = requests.Session()
        self._options = {"timeout": _TIMEOUT_SECONDS, "verify": verify}

    def get(self, url: str, **options: Any) -> requests.Response:
        return self._session.get(url, **self._options | options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self._session.post(url, **self._options | options)

    def close(self) -> None:
        self._session.close()
