"""The Azure SDK's requests sent our way: addresses, authorities, deadline and stopwatch are those of all calls.

Left alone, azure-core waits ten minutes for an answer, repeats a call as often as `Retry-After`
asks it to, and logs what it sends. Here a call ends within its budget whatever happens, and nothing
is repeated behind our back: whoever called knows whether to try again.
"""

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.core.settings import settings as azure_settings
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

from connector.ports.answers import host_of
from connector.ports.errors import TryLater
from connector.ports.http import Answer, Http

Waiting = Callable[[], AbstractContextManager[None]]

DEADLINE_SECONDS = 8.0
_CONNECT_SECONDS = 2.0
_MOST_BYTES = 1_000_000
_SHORTEST_SECONDS = 0.01
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_SERVER_ERROR = 500
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
_IDENTITY_LATER = frozenset({404, 408, 410, 429})
IDENTITY_AWAY = "identity_away"


class Budget:
    """How much of its time the call of this thread has left, all its requests together."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """For the block; a block within a block has no more than what is left."""
        outer: float | None = getattr(self._of_thread, "ends_at", None)
        ends_at = time.monotonic() + seconds
        self._of_thread.ends_at = ends_at if outer is None else min(outer, ends_at)
        try:
            yield
        finally:
            self._of_thread.ends_at = outer

    def left_seconds(self, url: str) -> float:
        """Raises: TryLater: none is left, nothing may be sent."""
        ends_at: float | None = getattr(self._of_thread, "ends_at", None)
        left = DEADLINE_SECONDS if ends_at is None else ends_at - time.monotonic()
        if left < _SHORTEST_SECONDS:
            raise TryLater("timeout", host=host_of(url))
        return left


class AzureTransport:
    """What SDK clients are given as `transport`, `retry_total` and the rest of `options`.

    Args:
        http: the way to the vault; port errors it raises come through the SDK unchanged.
        budget: of the calling thread.
        waiting: opened around a wait for the identity endpoint; `http` has its own stopwatch.
    """

    def __init__(self, http: Http, budget: Budget, waiting: Waiting = nullcontext) -> None:
        # They log headers at INFO, refusals with their texts at WARNING: what matters of them is in
        # the errors we raise.
        for name in ("azure", "msal"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        azure_settings.tracing_enabled = False
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc of the environment
        self._session.mount("https://", _Guarded(http, budget))
        self._session.mount("http://", _Plain(budget, waiting))

    @property
    def options(self) -> Mapping[str, Any]:
        """For the constructor of a client or credential."""
        return {
            # Closing a client must not close the others' session.
            "transport": RequestsTransport(session=self._session, session_owner=False),
            "retry_total": 0,
            "permit_redirects": False,
            "logging_enable": False,
        }

    def close(self) -> None:
        self._session.close()


class _Guarded(BaseAdapter):
    """https over the `Http` port; no redirect is followed."""

    def __init__(self, http: Http, budget: Budget) -> None:
        super().__init__()
        self._http = http
        self._budget = budget

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = request.url or ""
        body = request.body
        answer = self._http.send(
            request.method or "GET",
            url,
            headers={n: v for n, v in request.headers.items() if n.lower() != "accept-encoding"},
            body=body.encode() if isinstance(body, str) else body,
            deadline_seconds=self._budget.left_seconds(url),
            max_bytes=_MOST_BYTES,
        )
        return _response(request, answer)

    def close(self) -> None:
        """The port closes its own connections."""


class _Plain(HTTPAdapter):
    """http: only the machine's own identity endpoint is spoken to in the clear."""

    def __init__(self, budget: Budget, waiting: Waiting) -> None:
        super().__init__(max_retries=0)
        self._budget = budget
        self._waiting = waiting

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        left = self._budget.left_seconds(request.url or "")
        timeout = (min(_CONNECT_SECONDS, left), left)
        with self._waiting():
            response = super().send(request, stream=False, timeout=timeout, verify=True, proxies={})
        if response.status_code in _IDENTITY_LATER or response.status_code >= _SERVER_ERROR:
            response.close()
            # msal makes one kind of error of all statuses.
            raise TryLater(IDENTITY_AWAY, host=host_of(request.url or ""))
        return response


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    """The body is whole and decoded already; headers that say otherwise are left out."""
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_THE_WIRE}
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(headers)
    response.request = request
    response.url = request.url or ""
    response.raw = HTTPResponse(
        io.BytesIO(answer.body), headers, answer.status, preload_content=False
    )
    return response
