"""The one way out, for EHRs, Entra and Graph: guarded, pooled, capped and on time.

urllib3 pools the connections; ours resolve once, connect to the checked address only, and verify
the certificate against the name, so an answer from DNS cannot be swapped between check and use.
"""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

from urllib3 import HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from connector.adapters.system.egress import (
    Destination,
    EgressGuard,
    Resolve,
    destination_of,
    system_resolve,
)
from connector.ports.errors import BadAnswer, NotConnected, TryLater
from connector.ports.http import Answer

CONNECT_SECONDS = 3.0
IDLE_SECONDS = 20.0  # servers drop idle connections after 30 s or more; we must be first
MOST_HOSTS = 64
_CHUNK_BYTES = 65_536

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


class _DeadlineSocket(ssl.SSLSocket):
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


class _GuardedConnection(HTTPSConnection):
    """Connects to checked addresses only; says so when nothing was sent."""

    def __init__(self, host: str, port: int | None = None, **options: Any) -> None:
        self._guard: EgressGuard = options.pop("guard")
        self._idle_since = time.monotonic()
        super().__init__(host, port, **options)

    @property
    def is_connected(self) -> bool:
        idle_seconds = time.monotonic() - self._idle_since
        return idle_seconds < IDLE_SECONDS and super().is_connected

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as slow:
            raise NotConnected("connect_timeout", host=self.host) from slow
        except ssl.SSLCertVerificationError as untrusted:
            code = _CERTIFICATE_CODES.get(untrusted.verify_code, "certificate_invalid")
            raise TryLater(code, host=self.host) from untrusted
        except ssl.SSLError as broken:
            raise NotConnected("tls_failed", host=self.host) from broken
        except OSError as broken:
            raise NotConnected("no_connection", host=self.host) from broken

    def request(self, *arguments: Any, **options: Any) -> None:
        self._set_deadline()
        super().request(*arguments, **options)

    def getresponse(self) -> Any:
        # From here on `timeout` is what is left of the whole exchange, body included.
        self._set_deadline()
        self._idle_since = time.monotonic()
        return super().getresponse()

    def _set_deadline(self) -> None:
        if isinstance(self.sock, _DeadlineSocket):
            self.sock.deadline = time.monotonic() + (self.timeout or CONNECT_SECONDS)

    def _new_conn(self) -> socket.socket:
        deadline = time.monotonic() + (self.timeout or CONNECT_SECONDS)
        addresses = self._guard.addresses(self.host, self.port, deadline - time.monotonic())
        failure: OSError = OSError("no address")
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # An address that swallows packets must leave time for the others.
            share = (deadline - time.monotonic()) / untried
            if share <= 0:
                raise TimeoutError("connect")
            try:
                connected = socket.create_connection((address, self.port), share)
            except OSError as failed:
                failure = failed
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.settimeout(max(deadline - time.monotonic(), 0.001))
            return connected
        raise failure


class _GuardedPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedConnection


class GuardedHttp:
    """Implements `ports.http.Http`; one per process, shared by all threads.

    Args:
        ca_file: PEM of authorities trusted besides the system's.
        trusted_private_hosts: names the egress guard lets resolve to private addresses.
        pool_size: connections kept alive for one host and port.
        resolve: looks names up; tests pass a resolver that lies.
    """

    def __init__(
        self,
        ca_file: str | None,
        trusted_private_hosts: frozenset[str],
        pool_size: int = 32,
        resolve: Resolve = system_resolve,
    ) -> None:
        # Below this level urllib3 logs whole URLs, whose queries hold the EHR's ids.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        # Given to create_default_context, the file would replace the system's authorities.
        self._context = ssl.create_default_context()
        if ca_file is not None:
            self._context.load_verify_locations(cafile=ca_file)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.sslsocket_class = _DeadlineSocket
        self._guard = EgressGuard(trusted_private_hosts, resolve)
        self._pool_size = pool_size
        self._pools: dict[tuple[str, int], _GuardedPool] = {}
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_seconds: float = 8.0,
        max_bytes: int = 1_000_000,
    ) -> Answer:
        destination = destination_of(url)
        limit = Timeout(total=deadline_seconds, connect=min(CONNECT_SECONDS, deadline_seconds))
        try:
            response = self._pool(destination).urlopen(
                method,
                destination.target,
                body=body,
                headers={"Accept-Encoding": "identity", **(headers or {})},
                timeout=limit,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            return _whole(response, destination.host, max_bytes)
        except DecodeError as garbled:
            raise BadAnswer("content_encoding", host=destination.host) from garbled
        except (ReadTimeoutError, TimeoutError) as slow:
            raise TryLater("timeout", host=destination.host, maybe_done=True) from slow
        except (HTTPError, OSError) as lost:
            raise TryLater("connection_lost", host=destination.host, maybe_done=True) from lost

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _pool(self, destination: Destination) -> _GuardedPool:
        """The pool of a host and port, least recently used ones making room."""
        key = (destination.host, destination.port)
        with self._lock:
            pool = self._pools.pop(key, None) or self._new_pool(destination)
            self._pools[key] = pool
            crowded = len(self._pools) > MOST_HOSTS
            dropped = self._pools.pop(next(iter(self._pools))) if crowded else None
        if dropped is not None:
            dropped.close()
        return pool

    def _new_pool(self, destination: Destination) -> _GuardedPool:
        return _GuardedPool(
            destination.host,
            destination.port,
            maxsize=self._pool_size,
            block=False,
            ssl_context=self._context,
            guard=self._guard,
        )


def _whole(response: BaseHTTPResponse, host: str, max_bytes: int) -> Answer:
    """Read to the end, counting what comes out of decompression: a gzip bomb is stopped early.

    Raises:
        BadAnswer: `too_large`.
    """
    body = bytearray()
    try:
        while len(body) <= max_bytes and (
            chunk := response.read(_CHUNK_BYTES, decode_content=True)
        ):
            body += chunk
    finally:
        if not response.closed:
            # Not read to its end: the connection must not serve the next request.
            response.close()
        response.release_conn()
    if len(body) > max_bytes:
        raise BadAnswer("too_large", host=host)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, bytes(body))
