"""The web process: gunicorn with threads, one application per worker process."""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from connector.adapters.telemetry.logs import LibraryFormatter
from connector.bootstrap import build_web
from connector.settings import Settings

_DRAIN_SECONDS = 30
_KEEP_ALIVE_SECONDS = 30
_LONGEST_REQUEST_LINE = 8190
_LONGEST_HEADER = 32_768


class PlacesOnly(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn quotes request lines and headers in its errors: keep where and how bad, as of any library."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LibraryFormatter())


class Web(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn, configured from our settings; the application is built after the fork."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _options(self.settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return build_web(self.settings)


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bind": settings.bind,
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "worker_class": "gthread",
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
