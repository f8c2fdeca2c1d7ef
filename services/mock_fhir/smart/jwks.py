"""Public keys of clients: registered inline, or fetched over TLS from the registered JWKS URL and cached."""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import requests

from mock_fhir.clients import Client
from mock_fhir.errors import InvalidClient

DEFAULT_CACHE_SECONDS = 300
LONGEST_CACHE_SECONDS = 3600
# A client with a wrong kid must not make this server hammer the JWKS URL; a rotation is seen after a second.
REFETCH_PAUSE = timedelta(seconds=1)
_MAX_AGE = re.compile(r"max-age=(\d+)")

Jwk = Mapping[str, Any]


class ClientKeys:
    """Finds exactly one key for an assertion. Thread-safe."""

    def __init__(self, http: requests.Session, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now
        self._cache: dict[str, tuple[list[Jwk], datetime, datetime]] = {}
        self._lock = threading.Lock()

    def find(self, client: Client, *, kid: str, key_type: str, algorithm: str) -> dict[str, Any]:
        """The key by `kid`, `kty` and, where the key says it, `alg`. Raises InvalidClient on none or many."""
        for fresh in (False, True):
            keys = self._keys(client, fresh=fresh)
            matching = [
                key
                for key in keys
                if key.get("kid") == kid
                and key.get("kty") == key_type
                and key.get("alg", algorithm) == algorithm
            ]
            if len(matching) == 1:
                return dict(matching[0])
            if len(matching) > 1:
                raise InvalidClient("several registered keys match kid, kty and alg")
        raise InvalidClient("no registered key matches kid, kty and alg")

    def _keys(self, client: Client, *, fresh: bool) -> list[Jwk]:
        if client.jwks is not None:
            return list(client.jwks["keys"])
        uri = str(client.jwks_uri)
        with self._lock:
            keys, fetched, expires = self._cache.get(uri, ([], None, None))
            now = self._now()
            if expires is None or fetched is None or now >= expires:
                return self._fetch(uri)
            return self._fetch(uri) if fresh and now - fetched >= REFETCH_PAUSE else keys

    def _fetch(self, uri: str) -> list[Jwk]:
        """Never follows a redirect: the registered URL is the only one trusted."""
        try:
            response = self._http.get(
                uri, headers={"Accept": "application/json"}, allow_redirects=False
            )
            keys = response.json()["keys"] if response.status_code == requests.codes.ok else None
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise InvalidClient(f"the JWKS URL {uri} could not be read") from error
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise InvalidClient(f"the JWKS URL {uri} gave no JWK Set")
        now = self._now()
        self._cache[uri] = (keys, now, now + timedelta(seconds=_cache_seconds(response)))
        return keys


def _cache_seconds(response: requests.Response) -> int:
    control = response.headers.get("Cache-Control", "")
    if "no-store" in control or "no-cache" in control:
        return 0
    found = _MAX_AGE.search(control)
    return min(int(found[1]), LONGEST_CACHE_SECONDS) if found else DEFAULT_CACHE_SECONDS
