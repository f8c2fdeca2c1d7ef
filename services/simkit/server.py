"""How a simulator is served: gunicorn for the sandbox, a thread of the test process for tests."""

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.serving import WSGIRequestHandler, make_server

# A delay that a tester asked for holds a thread; threads are made when they are first needed.
THREADS = 256


class _Application(BaseApplication):  # type: ignore[misc]  # untyped base
    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def serve(
    app: Flask,
    *,
    port: int,
    host: str = "127.0.0.1",
    cert_file: str | None = None,
    key_file: str | None = None,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; exits the process. Without certificate and key plain HTTP is spoken.

    One worker process, because state lives in memory. `on_start` runs once in that worker: start threads there,
    since threads of the parent do not survive the fork.
    """
    options: dict[str, Any] = {
        "bind": f"{host}:{port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 0,  # a restarted worker would silently lose the state
        "graceful_timeout": 3,
        "keepalive": 30,
        "accesslog": None,
        "loglevel": "warning",
        "control_socket_disable": True,
        "limit_request_line": 8190,
    }
    if cert_file and key_file:
        options |= {"certfile": cert_file, "keyfile": key_file, "ssl_context": _tls_context}
    if on_start:
        options["post_worker_init"] = lambda _worker: on_start()
    _Application(app, options).run()


def _tls_context(_config: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _QuietHandler(WSGIRequestHandler):
    # HTTP/1.0: no idle connection outlives the test that made it

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - name given by werkzeug
        """Nothing: the journal has it."""


class Embedded:
    """Context manager that serves an application from a thread of this process, for tests.

    Args:
        app_for: builds the application, told the base URL (`https://localhost:<free port>`, no slash at the end).
        cert_file, key_file: PEM; without them the server speaks plain HTTP.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        app_for: Callable[[str], Flask],
        *,
        cert_file: str | None = None,
        key_file: str | None = None,
        port: int = 0,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        tls = (cert_file, key_file) if cert_file and key_file else None
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://localhost:{self._listener.getsockname()[1]}"
        self.app = app_for(self.url)
        self._server = make_server(
            "127.0.0.1",
            self._listener.getsockname()[1],
            self.app,
            threaded=True,
            request_handler=_QuietHandler,
            ssl_context=tls,
            fd=self._listener.fileno(),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},  # how long leaving the context may take
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._listener.close()
