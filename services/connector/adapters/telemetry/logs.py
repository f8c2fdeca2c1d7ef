"""JSON logs of event names and allow-listed keys.

A key that is not listed is dropped before it is rendered, so a stray value cannot leak. An
exception leaves its type and where it was raised: its message may quote data.
"""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_KEYS = frozenset(
    {
        "attempts", "bytes", "code", "count", "duration_ms", "error", "event", "geography", "host",
        "kind", "level", "loop", "method", "outcome", "own_ms", "port", "process", "queue_ms",
        "reason", "reference", "route", "state", "status", "timestamp", "visit", "where",
    }
)  # fmt: skip


def allow_listed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED_KEYS}


def error_place(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turn `exc_info` into type and place."""
    if event.pop("exc_info", None):
        kind, _value, trace = sys.exc_info()
        last = traceback.extract_tb(trace)[-1] if trace else None
        event["error"] = kind.__name__ if kind else "unknown"
        event["where"] = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}" if last else ""
    return event


# Values are texts and numbers; whatever is neither is named, not shown.
_ENCODER = json.JSONEncoder(default=lambda value: type(value).__name__)


def _as_json(event: Any, **_options: Any) -> str:
    return _ENCODER.encode(event)


def configure(process: str, level: str) -> None:
    """Set up logging of this process once; library logs go through the same allow-list."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        error_place,
    ]
    structlog.configure(
        processors=[*shared, allow_listed, structlog.processors.JSONRenderer(_as_json)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # A line and its end in one write: processes share the stream, and print's two would be torn apart.
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LibraryFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class LibraryFormatter(logging.Formatter):
    """Libraries log free text that may quote URLs: only who and how bad is kept."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "event": "library.log",
            "where": f"{record.name}:{record.lineno}",
            "level": record.levelname.lower(),
            "timestamp": self.formatTime(record),
        }
        return _as_json(event)
