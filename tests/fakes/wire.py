"""A tiny scripted HTTPS server (plain HTTP if it has no certificate), and the authority its certificates come from.

It speaks real TLS and HTTP/1.1 from a thread of the test process, answers what the test told it
to, remembers what it heard, and can misbehave in every way a peer can: drop, drip, lie, truncate.
"""

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme


@dataclass(frozen=True)
class Heard:
    """One request as it came off the wire; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer.

    `body` that is not bytes or text goes out as JSON. `raw` replaces everything: pieces written as
    they are, `pause_seconds` apart, and the connection is closed after the last one.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: tuple[bytes, ...] | None = None
    pause_seconds: float = 0.0


Answering = Reply | Callable[[Heard], Reply]


class WireServer:
    """Context manager; `url` is `https://localhost:<free port>`."""

    def __init__(self, certificate: trustme.LeafCert | None, host: str = "localhost") -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.hung_up = threading.Semaphore(0)  # released for each connection that was closed
        self.stopping = threading.Event()
        self._script: dict[tuple[str, str], list[Answering]] = defaultdict(list)
        self._lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if certificate and context:
            certificate.configure_cert(context)
        self._server = _Server(self, context)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def answer(self, method: str, path: str, *replies: Answering) -> None:
        """Script the replies to a path, in order; the last one repeats."""
        self._script[(method, path)] = list(replies)

    def reply_to(self, heard: Heard) -> Reply:
        with self._lock:
            self.heard.append(heard)
            planned = self._script.get((heard.method, heard.path))
            if not planned:
                return Reply(404, {"error": "not scripted"})
            reply = planned.pop(0) if len(planned) > 1 else planned[0]
        return reply if isinstance(reply, Reply) else reply(heard)

    def requests(self, path: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # 5 by default: of eight at once, one waits 1 s to send SYN again

    def __init__(self, owner: WireServer, context: ssl.SSLContext | None) -> None:
        self.owner = owner
        self._context = context
        self._open: list[Any] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self._context:
            # The handshake happens in the thread of the request, so one bad client stops nobody.
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.append(connection)
        self.owner.connections += 1
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.owner.hung_up.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or refuses our certificate, is what these tests are about."""

    def close_all(self) -> None:
        for connection in self._open:
            connection.close()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms of delayed ACK else
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        parts = urlsplit(self.path)
        heard = Heard(
            method=self.command,
            path=parts.path,
            query={name: values[0] for name, values in parse_qs(parts.query).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        reply = self.server.owner.reply_to(heard)
        if reply.raw is not None:
            self._write_raw(reply.raw, reply.pause_seconds)
        else:
            self._write(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names given by http.server

    def _write(self, reply: Reply) -> None:
        body, content_type = _encoded(reply.body)
        headers = {"Content-Type": content_type, **reply.headers}
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _write_raw(self, pieces: tuple[bytes, ...], pause_seconds: float) -> None:
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            if pause_seconds and self.server.owner.stopping.wait(pause_seconds):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name given by http.server
        """Silence."""


def _encoded(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "text/plain"
    if isinstance(body, bytes):
        return body, "application/json"
    if isinstance(body, str):
        return body.encode(), "text/html; charset=utf-8"
    return json.dumps(body).encode(), "application/json; charset=utf-8"


def drip(body: bytes, pause_seconds: float = 0.05) -> Reply:
    """A whole answer, one byte at a time."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    pieces = (head.encode(), *(body[i : i + 1] for i in range(len(body))))
    return Reply(raw=pieces, pause_seconds=pause_seconds)


DROPPED = Reply(raw=())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def wire(authority: trustme.CA) -> Iterator[WireServer]:
    """A server that is who it says it is."""
    with WireServer(authority.issue_cert("localhost", "127.0.0.1")) as server:
        yield server
