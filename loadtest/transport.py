"""Browser's `Transport` over geventhttpclient, the engine of Locust's FastHttpUser.

Used without FastHttpSession around it, which keeps the cookies itself and reports every answer below 400 as a success;
here a hop's outcome is the browser's to judge. Measured on two busy cores, a launch of five requests over TLS costs the
generator 3.2 ms of CPU with everything that is written down, FastHttpSession alone 3.4 ms; 8.8 ms on fresh connections.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
import gevent.ssl  # type: ignore[import-untyped]
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.url import URL

from loadtest.browser import Answer, Unreachable

TIMEOUT_SECONDS: Final = 30.0

# Most specific first: each of these is an OSError or an HTTPParseError too.
_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection_refused"),
    (ConnectionError, "connection_closed"),
    (HTTPConnectionClosed, "connection_closed"),
    (ssl.SSLError, "tls"),
    (OSError, "connection"),
    (HTTPParseError, "no_http"),
)
_PROBLEMS: Final = tuple(kind for kind, _ in _CODES)


class GeventTransport:
    """Connections are kept alive and shared by everybody who uses this object; at most `size` to each part."""

    def __init__(self, tls: ssl.SSLContext, size: int) -> None:
        self._pool = HTTPClientPool(
            concurrency=size,
            connection_timeout=TIMEOUT_SECONDS,
            network_timeout=TIMEOUT_SECONDS,
            ssl_context_factory=lambda **_: tls,
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            with self._request(method, url, headers, body) as response:
                return _answer(response, bytes(response.read()))
        except _PROBLEMS as err:
            raise _unreachable(err) from err

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str]) -> Iterator["GeventStream"]:
        try:
            with self._request("GET", url, headers, b"") as response:
                yield GeventStream(response)
        except _PROBLEMS as err:
            raise _unreachable(err) from err

    def close(self) -> None:
        self._pool.close()

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        address = URL(url)
        client = self._pool.get_client(address)
        return client.request(method, address.request_uri, body=body, headers=dict(headers))


class GeventStream:
    def __init__(self, response: Any) -> None:
        self._response = response
        self.answer = _answer(response)

    def lines(self, seconds: float) -> Iterator[str]:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            line: bytes | None = None
            with gevent.Timeout(left, False):
                line = self._response.readline(b"\n")
            if not line:
                return
            yield line.decode(errors="replace").rstrip("\r\n")


def trusting(ca_file: Path) -> ssl.SSLContext:
    """One for all connections of a process: reading the authorities is the dear part of a context.

    gevent's own: its connections yield to the others while they wait, patched process or not.
    """
    context: ssl.SSLContext = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(ca_file))
    return context


def _answer(response: Any, body: bytes = b"") -> Answer:
    headers = tuple((name.lower(), value) for name, value in response.items())
    return Answer(response.status_code, headers, body)


def _unreachable(err: Exception) -> Unreachable:
    return Unreachable(next(code for kind, code in _CODES if isinstance(err, kind)))
