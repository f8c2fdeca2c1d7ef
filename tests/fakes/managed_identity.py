"""The identity endpoint of Container Apps: plain HTTP on loopback, a header that proves who asks.

https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.fakes.wire import Heard, Reply, WireServer

PATH = "/msi/token"
HEADER = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"
CLIENT_ID = "5e29463d-71da-4fe0-8e69-999b57db23b0"


@dataclass
class Lent:
    value: str
    resource: str
    expires_on: int
    revoked: bool = False


class IdentityDouble(WireServer):
    """Lends `token-1`, `token-2`, …; the identity is user-assigned unless `client_id` is emptied."""

    def __init__(self) -> None:
        super().__init__(None, "127.0.0.1")
        self.client_id = CLIENT_ID
        self.lifetime_seconds = 3600
        self.lent: list[Lent] = []
        self.faults: list[Reply] = []

    def reply_to(self, heard: Heard) -> Reply:
        with self._lock:
            self.heard.append(heard)
            return self.faults.pop(0) if self.faults else self._lend(heard)

    def _lend(self, heard: Heard) -> Reply:
        if (heard.method, heard.path) != ("GET", PATH):
            return Reply(404, {"statusCode": 404, "message": "no such thing here"})
        if heard.headers.get("x-identity-header") != HEADER:
            return Reply(401, {"statusCode": 401, "message": "Unauthorized"})
        if heard.query.get("api-version") != "2019-08-01":
            return Reply(400, {"statusCode": 400, "message": "Unsupported api-version"})
        resource = heard.query.get("resource", "")
        if not resource.startswith("https://") or resource.endswith("/.default"):
            return Reply(400, {"statusCode": 400, "message": "Invalid resource"})
        if heard.query.get("client_id", "") != self.client_id:
            words = "No User Assigned or Delegated Managed Identity found for specified ClientId"
            return Reply(400, {"statusCode": 400, "message": words})
        expires_on = int(time.time()) + self.lifetime_seconds
        lent = Lent(f"token-{len(self.lent) + 1}", resource, expires_on)
        self.lent.append(lent)
        body = {
            "access_token": lent.value,
            "expires_on": str(expires_on),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": self.client_id,
        }
        return Reply(200, body)

    def good_for(self, token: str, resource: str) -> bool:
        return any(
            (lent.value, lent.resource, lent.revoked) == (token, resource, False)
            for lent in self.lent
        )

    def revoke(self) -> None:
        """Nobody takes what was lent so far."""
        for lent in self.lent:
            lent.revoked = True


@pytest.fixture
def identity_double(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityDouble]:
    """The endpoint of this process' environment."""
    with IdentityDouble() as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}{PATH}")
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        yield server
