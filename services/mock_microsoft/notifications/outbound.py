"""Requests to the subscriber's webhooks: handshake and notifications, over TLS, without following redirects."""

import threading

import requests

from mock_microsoft.identifiers import new_guid
from mock_microsoft.web_addresses import with_query
from simkit.clock import Clock
from simkit.journal import Journal
from simkit.outbound import recorded_session

HANDSHAKE_TIMEOUT_SECONDS = 10.0
HTTP_OK = 200


class HandshakeFailed(Exception):
    """The subscriber did not prove that it owns the URL; the message is for the creator of the subscription."""


class Webhooks:
    """One session a thread: sessions are not thread-safe and keep connections open."""

    def __init__(self, journal: Journal, clock: Clock, ca_file: str | None) -> None:
        self._journal = journal
        self._clock = clock
        self._ca_file = ca_file
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = recorded_session(self._journal, self._clock, ca_file=self._ca_file)
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        own: requests.Session = self._local.session
        return own

    def deliver(self, url: str, body: bytes, timeout_seconds: float) -> int:
        """Status of the answer. Raises requests.RequestException when there is none in time."""
        answer = self._session().post(
            url,
            data=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=timeout_seconds,
            allow_redirects=False,
        )
        return answer.status_code

    def shake_hands(self, url: str) -> None:
        """Raises HandshakeFailed unless the decoded token comes back as text/plain with 200 within ten seconds.

        https://learn.microsoft.com/graph/change-notifications-delivery-webhooks#notificationurl-validation
        """
        token = f"Validation: reachability of the endpoint & owner, request {new_guid()}"
        try:
            answer = self._session().post(
                with_query(url, {"validationToken": token}),
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=HANDSHAKE_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise HandshakeFailed("Subscription validation request timed out.") from error
        except requests.RequestException as error:
            raise HandshakeFailed("Subscription validation request failed: no answer.") from error
        problem = _handshake_problem(answer, token)
        if problem:
            raise HandshakeFailed(f"Subscription validation request failed. {problem}")

    def close(self) -> None:
        """Every connection of every thread."""
        with self._lock:
            for session in self._sessions:
                session.close()


def _handshake_problem(answer: requests.Response, token: str) -> str | None:
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
    if answer.status_code != HTTP_OK:
        return "Notification endpoint must respond with 200 OK to validation request."
    if kind != "text/plain":
        return "Notification endpoint must respond with text/plain."
    if answer.content != token.encode():
        return "Notification endpoint must respond with the decoded validation token."
    return None
