"""Where Entra publishes the keys it signs with.

https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

import threading
from datetime import datetime, timedelta
from http import HTTPStatus

from connector.ports.answers import failure_of, host_of, json_object, word
from connector.ports.errors import OutsideError, TryLater, Untrusted
from connector.ports.http import Http
from connector.ports.system import Clock

DISCOVERY_LIFE = timedelta(hours=24)


class Discovery:
    """Discovery documents of tenants, remembered for a day.

    Args:
        http: reads them.
        login_url: `https://login.microsoftonline.com`, or a simulator's.
        clock: decides how old they are.
    """

    def __init__(self, http: Http, login_url: str, clock: Clock) -> None:
        self._http = http
        self._login_url = login_url.rstrip("/")
        self._host = host_of(login_url)
        self._clock = clock
        self._jwks_uris: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def jwks_uri(self, tenant: str) -> str:
        """Of a tenant id, or of `organizations`.

        Raises:
            TryLater: the document cannot be read; Untrusted: it names keys on another host.
        """
        with self._lock:
            known = self._jwks_uris.get(tenant)
        if known is not None and self._clock.now() < known[1]:
            return known[0]
        found = self._read(tenant)
        with self._lock:
            self._jwks_uris[tenant] = (found, self._clock.now() + DISCOVERY_LIFE)
        return found

    def _read(self, tenant: str) -> str:
        host = self._host
        try:
            answer = self._http.send(
                "GET", f"{self._login_url}/{tenant}/v2.0/.well-known/openid-configuration"
            )
            if answer.status != HTTPStatus.OK:
                raise failure_of(answer, self._clock.now(), host=host)
            jwks_uri = json_object(answer, host=host).get("jwks_uri")
        except OutsideError as unreadable:
            code = word(f"discovery_{unreadable.code}", "discovery")
            raise TryLater(code, host=host) from unreadable
        if not isinstance(jwks_uri, str) or not jwks_uri.startswith(f"{self._login_url}/"):
            raise Untrusted("jwks_elsewhere", host=host)
        return jwks_uri
