"""The plugin's way to the simulated ARM: retries as azure-native makes them, and polls what was only accepted."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from rehearsal.arm.pace import AZURE_SECONDS_PER_SECOND

BUSY = ("AnotherOperationInProgress", "ServerIsBusy", "ManagedEnvironmentOperationInProgress")
MOST_TRIES = 12
MOST_POLLS = 400  # an hour of Azure's time at its longest Retry-After
DEFAULT_RETRY_AFTER = 5.0
REFUSED = 400
MISSING = 404
THROTTLED = 429


class Refused(Exception):
    """ARM said no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Unfinished(Refused):
    """ARM accepted, and the operation failed: the resource exists, and is broken."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str((self.body.get("error") or {}).get("code", ""))

    @property
    def message(self) -> str:
        return " ".join(str((self.body.get("error") or {}).get("message", "")).split())

    @property
    def retry_after_seconds(self) -> float:
        """In Azure's seconds."""
        return float(self.headers.get("Retry-After", DEFAULT_RETRY_AFTER))


class ArmClient:
    """Requests to one ARM. Safe under threads; `cancel` ends every wait."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=60.0)
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Whatever waits gives up, until an engine begins anew."""
        self._cancelled.set()

    def begin(self) -> None:
        self._cancelled.clear()

    def get(self, arm_id: str, api_version: str) -> dict[str, Any] | None:
        """The resource, or None where there is none."""
        reply = self._send("GET", self._address(arm_id, api_version))
        if reply.status == MISSING:
            return None
        return _accepted(reply).body

    def put(self, arm_id: str, api_version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Creates or changes the resource, and returns it when Azure is done.

        Raises:
            Refused: ARM did not accept it.
            Unfinished: it accepted, and then failed.
        """
        reply = _accepted(self._send("PUT", self._address(arm_id, api_version), body))
        if "Azure-AsyncOperation" not in reply.headers:
            return reply.body
        self._await(reply)
        return self.get(arm_id, api_version) or {}

    def delete(self, arm_id: str, api_version: str) -> None:
        reply = _accepted(self._send("DELETE", self._address(arm_id, api_version)))
        if "Azure-AsyncOperation" in reply.headers:
            self._await(reply)

    def _await(self, reply: Reply) -> None:
        address = reply.headers["Azure-AsyncOperation"]
        for _ in range(MOST_POLLS):
            self._pause(reply)
            reply = _accepted(self._send("GET", address))
            if reply.body["status"] == "Failed":
                raise Unfinished(reply.code, reply.message)
            if reply.body["status"] == "Succeeded":
                return
        raise Unfinished(
            "OperationTimedOut", f"{address} was still in progress after {MOST_POLLS} polls."
        )

    def _send(self, method: str, address: str, body: Mapping[str, Any] | None = None) -> Reply:
        reply = self._send_once(method, address, body)
        for _ in range(MOST_TRIES - 1):
            if reply.status != THROTTLED and reply.code not in BUSY:
                break
            self._pause(reply)
            reply = self._send_once(method, address, body)
        return reply

    def _send_once(self, method: str, address: str, body: Mapping[str, Any] | None) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(
            method, address, body=data, headers={"Content-Type": "application/json"}
        )
        return Reply(answer.status, json.loads(answer.data or b"{}"), answer.headers)

    def _pause(self, reply: Reply) -> None:
        if self._cancelled.wait(reply.retry_after_seconds / AZURE_SECONDS_PER_SECOND):
            raise Refused("Cancelled", "the engine cancelled what was going on.")

    def _address(self, arm_id: str, api_version: str) -> str:
        return f"{self._url}{urllib3.util.parse_url(arm_id).request_uri}?api-version={api_version}"


def _accepted(reply: Reply) -> Reply:
    if reply.status >= REFUSED:
        raise Refused(reply.code, reply.message)
    return reply
