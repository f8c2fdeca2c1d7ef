"""One kept-alive HTTP/1.1 connection over TLS: checked addresses, one deadline, a capped answer.

llhttp (httptools) takes answers apart, as strictly as it is told by default. Connecting and waiting are ours:
no library connects to the address that was checked, and to no other, and ends a dripping answer on time.
"""

import select
import socket
import ssl
import time
import weakref
import zlib
from collections.abc import Mapping
from typing import Any

import httptools

from connector.adapters.system.egress import HTTPS_PORT, Destination, EgressGuard
from connector.ports.errors import BadAnswer, NotConnected, TryLater
from connector.ports.http import Answer

_CHUNK_BYTES = 65_536
_MOST_HEADERS = 100
_MOST_HEAD_BYTES = 65_536
_MOST_FRAMING = 8  # bytes on the wire for one of the body: in chunks of one there are six
_FINAL = 200
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_BODILESS = frozenset({"GET", "DELETE"})

# OpenSSL's X509_V_ERR_* numbers; the words are shown to the admin who entered the URL.
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE_CODES = {
    10: "certificate_expired",
    9: "certificate_not_yet_valid",
    18: "certificate_self_signed",
    19: "certificate_authority_unknown",
    20: "certificate_authority_unknown",
    21: "certificate_authority_unknown",
    62: "certificate_of_other_host",
    64: "certificate_of_other_host",
}


class DeadlineSocket(ssl.SSLSocket):
    """Ends every wait at `deadline`: a peer that drips bytes restarts a plain socket timeout."""

    deadline = float("inf")

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - name given by ssl
        self._arm()
        return super().read(len, buffer)

    def send(self, data: Any, flags: int = 0) -> int:
        self._arm()
        return super().send(data, flags)

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        if left != float("inf"):
            self.settimeout(left)


class BrokenAnswer(OSError):
    """What came is no whole HTTP answer."""


class Connection:
    """Made connected; used by one thread at a time; closed by whoever finds it not `reusable`."""

    def __init__(self, connected: DeadlineSocket, host: str) -> None:
        self._socket = connected
        self._host = host
        weakref.finalize(self, connected.close)  # forgotten with its pool, it is closed as well
        self._idle = select.poll()
        self._idle.register(connected, select.POLLIN)
        self._idle_since = time.monotonic()
        self.reusable = False

    def alive(self, most_idle_seconds: float) -> bool:
        """Neither idle for too long nor closed (or spoken to unasked) by the other side."""
        idle_seconds = time.monotonic() - self._idle_since
        return idle_seconds < most_idle_seconds and not self._idle.poll(0)

    def exchange(self, request: bytes, deadline: float, max_bytes: int) -> Answer:
        """Send and read to the end.

        Raises:
            BadAnswer: `too_large` or `content_encoding`;
            BrokenAnswer: no HTTP, or cut short;
            OSError: the connection failed, TimeoutError among them.
        """
        self.reusable = False
        self._socket.deadline = deadline
        self._socket.sendall(request)
        reading = _Reading()
        most_received = _MOST_HEAD_BYTES + _MOST_FRAMING * max_bytes
        while not reading.done and reading.size <= max_bytes and reading.received <= most_received:
            reading.take(self._socket.recv(_CHUNK_BYTES))
        if reading.size > max_bytes or reading.received > most_received:
            raise BadAnswer("too_large", host=self._host)
        self.reusable = reading.reusable
        self._idle_since = time.monotonic()
        return Answer(reading.status, reading.headers, self._decoded(reading, max_bytes))

    def _decoded(self, reading: "_Reading", max_bytes: int) -> bytes:
        """Count what comes out of decompression: a bomb is stopped early. Nothing coded was asked for."""
        body = b"".join(reading.body)
        coding = reading.headers.get("content-encoding", "identity").lower()
        if coding == "identity" or not body:
            return body
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise BadAnswer("content_encoding", host=self._host)
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            unpacked = unpacker.decompress(body, max_bytes + 1)
        except zlib.error as garbled:
            raise BadAnswer("content_encoding", host=self._host) from garbled
        if len(unpacked) > max_bytes:
            raise BadAnswer("too_large", host=self._host)
        if not unpacker.eof:
            raise BadAnswer("content_encoding", host=self._host)
        return unpacked

    def close(self) -> None:
        self._socket.close()


class _Reading:
    """One answer as it comes; `on_…` are called by the parser.

    Interim answers (1xx) are passed over. Whatever follows a whole answer is not ours: the answer stands, its
    connection is not used again.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = self._head_lines = 0
        self._in_head = True
        self.received = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.size = 0
        self.done = False
        self.reusable = False

    def take(self, received: bytes) -> None:
        """What was received; nothing is the end of the connection.

        Raises:
            BrokenAnswer: no HTTP, cut short, or more head than anyone needs.
        """
        if not received:
            self._end()
        self.received += len(received)
        if self._in_head:
            self._head_bytes += len(received)
        try:
            self._parser.feed_data(received)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as broken:
            if not self.done:
                raise BrokenAnswer("not HTTP") from broken
            self.reusable = False
        too_long = self._in_head and self._head_bytes > _MOST_HEAD_BYTES
        if too_long or self._head_lines > _MOST_HEADERS:
            raise BrokenAnswer("too many headers")

    def _end(self) -> None:
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self._in_head or framed:
            raise BrokenAnswer("cut short")
        self.done = True

    def on_message_begin(self) -> None:
        if self.done:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_lines += 1
        if self._in_head:  # and not in a trailer
            key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        if not self.done:
            self.status = self._parser.get_status_code()
            self._in_head = False

    def on_body(self, body: bytes) -> None:
        if not self.done:
            self.body.append(body)
            self.size += len(body)

    def on_message_complete(self) -> None:
        if self.status < _FINAL:
            self.headers, self._in_head = {}, True
        else:
            self.reusable = self._parser.should_keep_alive() and not self.done
            self.done = True


def connect(
    context: ssl.SSLContext, guard: EgressGuard, destination: Destination, deadline: float
) -> Connection:
    """Connect to one of the addresses that were checked, and verify the certificate against the name.

    `deadline` is on the clock of `time.monotonic`.

    Raises:
        AddressRefused: see `EgressGuard.addresses`;
        NotConnected: nothing was sent;
        TryLater: a certificate that proves nothing.
    """
    host = destination.host
    try:
        plain = _reach(guard, destination, deadline)
        name = host.removeprefix("[").removesuffix("]")
        secured: Any = context.wrap_socket(plain, server_hostname=name)
    except TimeoutError as slow:
        raise NotConnected("connect_timeout", host=host) from slow
    except ssl.SSLCertVerificationError as untrusted:
        code = _CERTIFICATE_CODES.get(untrusted.verify_code, "certificate_invalid")
        raise TryLater(code, host=host) from untrusted
    except ssl.SSLError as broken:
        raise NotConnected("tls_failed", host=host) from broken
    except OSError as broken:
        raise NotConnected("no_connection", host=host) from broken
    return Connection(secured, host)


def _reach(guard: EgressGuard, destination: Destination, deadline: float) -> socket.socket:
    host, port = destination.host, destination.port
    addresses = guard.addresses(host, port, deadline - time.monotonic())
    failure: OSError = OSError("no address")
    for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        # An address that swallows packets must leave time for the others.
        share = (deadline - time.monotonic()) / untried
        if share <= 0:
            raise TimeoutError("connect")
        try:
            connected = socket.create_connection((address, port), share)
        except OSError as failed:
            failure = failed
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(max(deadline - time.monotonic(), 0.001))
        return connected
    raise failure


def request_bytes(
    method: str, destination: Destination, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """Head and body as sent, in one piece: one record, one packet.

    Raises:
        ValueError: a line break in what must be one line, or a character HTTP cannot carry.
    """
    port = "" if destination.port == HTTPS_PORT else f":{destination.port}"
    lines = [f"{method} {destination.target} HTTP/1.1", f"Host: {destination.host}{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None or method not in _BODILESS:
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise ValueError("a header with a line break")
    return head.encode("latin-1") + b"\r\n\r\n" + (body or b"")
