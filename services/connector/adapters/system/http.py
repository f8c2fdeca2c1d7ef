"""The one way out, for EHRs, Entra and Graph: guarded, pooled, capped and on time.

Connections resolve once, connect to the checked address only, and verify the certificate against
the name, so an answer from DNS cannot be swapped between check and use.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Mapping

from connector.adapters.system.connection import (
    Connection,
    DeadlineSocket,
    connect,
    request_bytes,
)
from connector.adapters.system.egress import (
    Destination,
    EgressGuard,
    Resolve,
    destination_of,
    system_resolve,
)
from connector.adapters.system.slow_hosts import SlowHosts
from connector.ports.errors import TryLater
from connector.ports.http import Answer

CONNECT_SECONDS = 3.0
IDLE_SECONDS = 20.0  # servers drop idle connections after 30 s or more; we must be first
MOST_HOSTS = 64
_OURS = {"User-Agent": "teams-ehr-connector", "Accept-Encoding": "identity"}


class GuardedHttp:
    """Implements `ports.http.Http`; one per process, shared by all threads.

    Args:
        ca_file: PEM of authorities trusted besides the system's.
        trusted_private_hosts: names the egress guard lets resolve to private addresses.
        pool_size: connections kept alive for one host and port; half as many calls to a host may
            take long at the same time.
        resolve: looks names up; tests pass a resolver that lies.
    """

    def __init__(
        self,
        ca_file: str | None,
        trusted_private_hosts: frozenset[str],
        pool_size: int = 32,
        resolve: Resolve = system_resolve,
    ) -> None:
        # Given to create_default_context, the file would replace the system's authorities.
        self._context = ssl.create_default_context()
        if ca_file is not None:
            self._context.load_verify_locations(cafile=ca_file)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["http/1.1"])
        self._context.sslsocket_class = DeadlineSocket
        self._guard = EgressGuard(trusted_private_hosts, resolve)
        self._pool_size = pool_size
        self._slow_hosts = SlowHosts(pool_size // 2)
        self._idle: dict[tuple[str, int], list[Connection]] = {}
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
        began = time.monotonic()
        destination = destination_of(url)
        request = request_bytes(method, destination, {**_OURS, **(headers or {})}, body)
        with self._slow_hosts.call(destination.host):
            connection = self._idle_one(destination) or connect(
                self._context,
                self._guard,
                destination,
                began + min(CONNECT_SECONDS, deadline_seconds),
            )
            try:
                return connection.exchange(request, began + deadline_seconds, max_bytes)
            except TimeoutError as slow:
                raise TryLater("timeout", host=destination.host, maybe_done=True) from slow
            except OSError as lost:
                raise TryLater("connection_lost", host=destination.host, maybe_done=True) from lost
            finally:
                self._keep(destination, connection)

    def close(self) -> None:
        """Close the idle connections; the next request opens new ones."""
        with self._lock:
            pools, self._idle = self._idle, {}
        _close(connection for pool in pools.values() for connection in pool)

    def _idle_one(self, destination: Destination) -> Connection | None:
        """The connection used last, so that those of a rush grow old and are closed."""
        key = (destination.host, destination.port)
        while True:
            with self._lock:
                pool = self._idle.get(key)
                connection = pool.pop() if pool else None
            if connection is None or connection.alive(IDLE_SECONDS):
                return connection
            connection.close()

    def _keep(self, destination: Destination, connection: Connection) -> None:
        """For the next request, hosts used least recently making room."""
        key = (destination.host, destination.port)
        dropped = [] if connection.reusable else [connection]
        with self._lock:
            pool = self._idle[key] = self._idle.pop(key, [])
            if connection.reusable:
                pool.append(connection)
            if len(pool) > self._pool_size:
                dropped.append(pool.pop(0))
            if len(self._idle) > MOST_HOSTS:
                dropped += self._idle.pop(next(iter(self._idle)))
        _close(dropped)


def _close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()
