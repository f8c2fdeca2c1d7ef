"""A subscriber as the connector will be one: answers the handshake, keeps what it receives."""

import threading
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, request

from simkit.server import Embedded

WAIT_SECONDS = 10


class Receiver:
    """`answers` are statuses for the next notifications; afterwards 202. `handshake` may spoil the echo."""

    def __init__(self, cert_file: str, key_file: str) -> None:
        self._changed = threading.Condition()
        self.forget()
        self.server = Embedded(self._app, cert_file=cert_file, key_file=key_file)

    def forget(self) -> None:
        """As new: one server is shared by many tests, since stopping it takes half a second."""
        self.received: list[dict[str, Any]] = []
        self.lifecycle: list[dict[str, Any]] = []
        self.handshakes: list[str] = []
        self.answers: list[int] = []
        self.handshake: dict[str, Any] = {}

    def _app(self, _base_url: str) -> Flask:
        app = Flask("receiver")
        app.add_url_rule(
            "/graph/notifications", "notifications", self._notification, methods=["POST"]
        )
        app.add_url_rule("/graph/lifecycle", "lifecycle", self._lifecycle, methods=["POST"])
        return app

    @property
    def notification_url(self) -> str:
        return f"{self.server.url}/graph/notifications?for=connector"

    @property
    def lifecycle_url(self) -> str:
        return f"{self.server.url}/graph/lifecycle"

    def _echo(self) -> Response | None:
        token = parse_qs(request.query_string.decode()).get("validationToken")
        if token is None:
            return None
        self.handshakes.append(request.path)
        answer = {
            "body": token[0],
            "status": 200,
            "content_type": "text/plain",
            **self.handshake.get(request.path, {}),
        }
        return Response(
            answer["body"], status=answer["status"], content_type=answer["content_type"]
        )

    def _notification(self) -> Response:
        echo = self._echo()
        if echo:
            return echo
        with self._changed:
            self.received.append(request.get_json())
            status = self.answers.pop(0) if self.answers else 202
            self._changed.notify_all()
        return Response(status=status)

    def _lifecycle(self) -> Response:
        echo = self._echo()
        if echo:
            return echo
        with self._changed:
            self.lifecycle.append(request.get_json())
            self._changed.notify_all()
        return Response(status=202)

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The first `count` notifications; fails when they do not come."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.received) >= count, WAIT_SECONDS)
        assert arrived, f"only {len(self.received)} of {count} notifications came"
        return self.received[:count]

    def wait_for_lifecycle(self) -> dict[str, Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.lifecycle), WAIT_SECONDS)
        return self.lifecycle[0]
