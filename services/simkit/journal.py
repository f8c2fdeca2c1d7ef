"""Record of every request and answer of a simulator, in both directions.

HAR 1.2 as documented at http://www.softwareishard.com/blog/har-12-spec/: browsers' developer tools open it.
Everything is kept as it was on the wire, secrets included: the journal is for synthetic data only.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from simkit.clock import instant_text

Direction = Literal["in", "out"]
Headers = tuple[tuple[str, str], ...]
BODY_LIMIT_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request with its answer. `status` 0 means that no answer was given or received."""

    direction: Direction
    started: datetime
    duration_seconds: float
    method: str
    url: str
    request_headers: Headers
    request_body: str
    status: int
    response_headers: Headers
    response_body: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Journal:
    """The last `limit` exchanges, oldest first. Thread-safe."""

    def __init__(self, limit: int = 5000) -> None:
        self._entries: deque[Exchange] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._entries.append(exchange)

    def entries(
        self,
        *,
        path: str | None = None,
        method: str | None = None,
        status: int | None = None,
        since: datetime | None = None,
        scope: str = "/",
    ) -> list[Exchange]:
        """Entries that match every filter given.

        Args:
            path: glob over the path; `*` also matches `/`.
            method: any case.
            status: exact status.
            since: entries started at or after it.
            scope: path prefix of incoming requests; outgoing ones belong to every scope.
        """
        with self._lock:
            found = list(self._entries)
        return [
            entry
            for entry in found
            if (path is None or fnmatchcase(entry.path, path))
            and (method is None or entry.method == method.upper())
            and (status is None or entry.status == status)
            and (since is None or entry.started >= since)
            and (entry.direction == "out" or entry.path.startswith(scope))
        ]

    def clear(self, scope: str = "/") -> None:
        with self._lock:
            kept = [entry for entry in self._entries if not entry.path.startswith(scope)]
            self._entries.clear()
            self._entries.extend(kept)


def body_text(body: bytes | str | None) -> str:
    """Body for the record: text, cut after 64 Ki characters."""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else body or ""
    return text[:BODY_LIMIT_CHARACTERS]


def to_json(entry: Exchange) -> dict[str, Any]:
    return {
        "direction": entry.direction,
        "started": instant_text(entry.started),
        "duration_seconds": round(entry.duration_seconds, 6),
        "method": entry.method,
        "url": entry.url,
        "path": entry.path,
        "request": {
            "headers": [list(h) for h in entry.request_headers],
            "body": entry.request_body,
        },
        "status": entry.status,
        "response": {
            "headers": [list(h) for h in entry.response_headers],
            "body": entry.response_body,
        },
    }


def to_har(entries: Iterable[Exchange], creator: str) -> dict[str, Any]:
    """The entries as one HAR 1.2 document."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": creator, "version": "1"},
            "entries": [_har_entry(entry) for entry in entries],
        }
    }


def _har_entry(entry: Exchange) -> dict[str, Any]:
    milliseconds = round(entry.duration_seconds * 1000, 3)
    return {
        "startedDateTime": instant_text(entry.started),
        "time": milliseconds,
        "request": _har_request(entry),
        "response": _har_response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": "received" if entry.direction == "in" else "sent",
    }


def _har_request(entry: Exchange) -> dict[str, Any]:
    query = parse_qsl(urlsplit(entry.url).query, keep_blank_values=True)
    request: dict[str, Any] = {
        "method": entry.method,
        "url": entry.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(entry.request_headers),
        "queryString": _pairs(query),
        "headersSize": -1,
        "bodySize": len(entry.request_body.encode()),
    }
    if entry.request_body:
        kind = header_value(entry.request_headers, "Content-Type")
        request["postData"] = {"mimeType": kind, "text": entry.request_body, "params": []}
    return request


def _har_response(entry: Exchange) -> dict[str, Any]:
    size = len(entry.response_body.encode())
    known = entry.status in HTTPStatus._value2member_map_
    return {
        "status": entry.status,
        "statusText": HTTPStatus(entry.status).phrase if known else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(entry.response_headers),
        "content": {
            "size": size,
            "mimeType": header_value(entry.response_headers, "Content-Type"),
            "text": entry.response_body,
        },
        "redirectURL": header_value(entry.response_headers, "Location"),
        "headersSize": -1,
        "bodySize": size,
    }


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str:
    """First value of a header, any case; empty when absent."""
    return next((value for key, value in headers if key.lower() == name.lower()), "")


def headers_of(headers: Mapping[str, str]) -> Headers:
    return tuple((str(key), str(value)) for key, value in headers.items())


def _pairs(items: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in items]
