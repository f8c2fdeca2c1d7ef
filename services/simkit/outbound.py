"""Requests a simulator sends itself: over TLS with the sandbox's authority, never without a time limit, recorded."""

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from simkit.clock import Clock
from simkit.journal import Exchange, Journal, body_text, headers_of

TIMEOUT_SECONDS = 10.0


class _RecordingAdapter(HTTPAdapter):
    def __init__(self, journal: Journal, clock: Clock, timeout_seconds: float) -> None:
        self._journal = journal
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        super().__init__()

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # every option is passed on
        options["timeout"] = options.get("timeout") or self._timeout_seconds
        started, stopwatch = self._clock.now(), time.perf_counter()
        response: requests.Response | None = None
        try:
            response = super().send(request, **options)
            response.content  # noqa: B018 - reads the body while the connection is open
            return response
        finally:
            self._journal.add(
                Exchange(
                    direction="out",
                    started=started,
                    duration_seconds=time.perf_counter() - stopwatch,
                    method=request.method or "",
                    url=request.url or "",
                    request_headers=headers_of(request.headers),
                    request_body=body_text(
                        request.body if isinstance(request.body, (str, bytes)) else None
                    ),
                    status=0 if response is None else response.status_code,
                    response_headers=() if response is None else headers_of(response.headers),
                    response_body="" if response is None else body_text(response.content),
                )
            )


def recorded_session(
    journal: Journal, clock: Clock, *, ca_file: str | None, timeout_seconds: float = TIMEOUT_SECONDS
) -> requests.Session:
    """A session for calls to other parts of the sandbox.

    Args:
        journal: where each exchange is put, direction `out`.
        clock: gives the time of an exchange.
        ca_file: PEM of the only authority trusted; None trusts the system's.
        timeout_seconds: used when a call gives none.
    """
    session = requests.Session()
    session.trust_env = (
        False  # a proxy or REQUESTS_CA_BUNDLE of the machine must not change the simulation
    )
    session.verify = ca_file or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, _RecordingAdapter(journal, clock, timeout_seconds))
    return session
