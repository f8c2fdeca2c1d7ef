"""The web process: gunicorn with threads, one application per worker process.

A gthread worker queues requests before its threads, where the application cannot see them; ours says
how long each waited, so that `connector.web.admission` can refuse in time (ADR 14).
"""

import errno
import gc
import selectors
import socket
import struct
import sys
import threading
import time
from functools import partial
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT, TConn, ThreadWorker

from connector.adapters.telemetry.logs import LibraryFormatter
from connector.bootstrap import build_web
from connector.settings import Settings
from connector.web.admission import WAITED_SECONDS

_DRAIN_SECONDS = 30
_KEEP_ALIVE_SECONDS = 30
# A launch computes for a millisecond or two between waits: taking the interpreter's lock from it after
# Python's 5 ms costs a tenth to a fifth of the launches per second (ADR 15).
_TURN_SECONDS = 0.05
_LONGEST_REQUEST_LINE = 8190
_LONGEST_HEADER = 32_768
# Busy, waiting and idle ones; refusing one takes under a millisecond, so a full queue is gone in a second.
_CONNECTIONS_PER_THREAD = 32
# With so many connections a process lets others go first for half of the longest time.
_HALF_COURTESY_AT, _LONGEST_COURTESY_SECONDS = 16, 0.001
# What the kernel holds beyond that; who finds it full tries again after a second, as TCP does.
_BACKLOG = 1024
# tcpi_last_data_recv: milliseconds since the newest bytes came. Linux, include/uapi/linux/tcp.h
_TCP_INFO_BYTES, _LAST_DATA_RECEIVED = 56, 52
_NOBODY_THERE = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})


class PlacesOnly(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn quotes request lines and headers in its errors: keep where and how bad, as of any library."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LibraryFormatter())


class TellingWorker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """Gives a connection a thread once it says something, and tells the application how long that took.

    gthread gives a thread at once, and lets it wait five seconds for the first byte: sixteen silent
    connections (browsers open them ahead) would hold up a process.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Idle ones must not take the place of those that want something.
        self.max_keepalived = self.worker_connections // 2
        self._taken = threading.local()

    def load_wsgi(self) -> None:
        sys.setswitchinterval(_TURN_SECONDS)
        super().load_wsgi()
        application: Any = vars(self)["wsgi"]  # what gunicorn has set there

        def telling(environ: dict[str, Any], start_response: Any) -> Any:
            environ[WAITED_SECONDS] = self._taken.waited_seconds
            return application(environ, start_response)

        self.wsgi = telling

    def accept(self, listener: Any) -> None:
        if self.cfg.workers > 1:
            time.sleep(courtesy_seconds(self.nr_conns))
        try:
            client, address = listener.accept()
        except OSError as err:
            if err.errno not in _NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + DEFAULT_WORKER_DATA_TIMEOUT
        self.pending_conns.append(connection)
        speaks = partial(self.on_pending_socket_readable, connection)
        self.poller.register(client, selectors.EVENT_READ, speaks)

    def enqueue_req(self, conn: Any) -> None:
        conn.enqueued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        self._taken.waited_seconds = max(
            time.monotonic() - conn.enqueued_at, seconds_since_last_bytes(conn.sock)
        )
        return super().handle(conn)


def courtesy_seconds(connections: int) -> float:
    """How long a process with so many connections lets others go first; all are woken for each new one.

    Else the first to wake takes a whole burst, keeps it alive, and computes on one core while others idle.
    """
    return _LONGEST_COURTESY_SECONDS * connections / (connections + _HALF_COURTESY_AT)


def seconds_since_last_bytes(connection: socket.socket) -> float:
    """How long what the client sent has been lying there; 0 where the kernel does not say.

    Counts what no stamp of ours can: the listener's backlog, and the turn of the loop that accepts,
    which gets the interpreter's lock seldom when all threads compute.
    """
    option = getattr(socket, "TCP_INFO", None)
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO_BYTES) if option else b""
    except OSError:  # no TCP
        return 0.0
    if len(info) < _TCP_INFO_BYTES:
        return 0.0
    (milliseconds,) = struct.unpack_from("=I", info, _LAST_DATA_RECEIVED)
    return float(milliseconds) / 1000


class Web(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn, configured from our settings; the application is built after the fork."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _options(self.settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, left out of garbage collection: going through it stops every launch for 0.1 s."""
        application = build_web(self.settings)
        gc.collect()
        gc.freeze()
        return application


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bind": settings.bind,
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "worker_class": TellingWorker,
        "worker_connections": settings.web_threads * _CONNECTIONS_PER_THREAD,
        "backlog": _BACKLOG,
        "keepalive": _KEEP_ALIVE_SECONDS,
        "graceful_timeout": _DRAIN_SECONDS,
        "limit_request_line": _LONGEST_REQUEST_LINE,
        "limit_request_field_size": _LONGEST_HEADER,
        "errorlog": "-",
        "loglevel": "warning",
        "logger_class": PlacesOnly,
        # It would write to $HOME, which is read-only in a container, and obey whoever may open it.
        "control_socket_disable": True,
        "accesslog": None,  # its line would hold launch tokens; the application logs routes
    }
    if settings.metrics_directory:
        options["child_exit"] = _forget_metrics
    if settings.tls_cert_file and settings.tls_key_file:
        options |= {"certfile": str(settings.tls_cert_file), "keyfile": str(settings.tls_key_file)}
    return options


def _forget_metrics(_server: Any, worker: Any) -> None:
    """A dead worker process's gauges must not be reported any more."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
