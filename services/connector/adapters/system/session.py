"""The requests session msal speaks through: no environment, bounded, ours to trust (microsoft.md 5)."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0


class MicrosoftSession(requests.Session):
    """msal passes no timeout and lets REQUESTS_CA_BUNDLE override `verify`: both are settled here.

    Args:
        ca_file: PEM of the only authorities trusted; None means certifi's.
        pool_size: connections kept alive for one host.
    """

    def __init__(self, ca_file: str | None, pool_size: int = 16) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = ca_file or True
        self.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=pool_size))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Any:
        """As the parent's, with a timeout, without redirects, and over https only."""
        if not str(url).startswith("https://"):
            raise requests.exceptions.InvalidSchema("not_https")
        kwargs.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        kwargs["allow_redirects"] = False
        return super().request(method, url, *args, **kwargs)
