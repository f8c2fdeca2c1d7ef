"""Entra and Graph on the wire, answering well: each test breaks one thing."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.builders.http import guarded_http
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock, SequentialIds
from tests.fakes.wire import Heard, Reply, WireServer, authority, ca_file, wire

from connector.adapters.entra.app_tokens import AppTokens
from connector.adapters.entra.applications import Applications
from connector.adapters.entra.sign_in import MsalSignIn
from connector.adapters.graph.client import GraphClient
from connector.adapters.system.clock import SystemClock
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.files import FileKeys
from connector.adapters.vault.generation import make_keys

__all__ = [
    "app_tokens",
    "applications",
    "authority",
    "ca_file",
    "clock",
    "connector_keys",
    "entra",
    "graph",
    "http",
    "ids",
    "published_keys",
    "sign_in",
    "wire",
]

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
PERSON = "4b75189b-0000-4000-8000-000000000001"
CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
REDIRECT_URI = "https://connector.example/signin/microsoft/callback"
TEAMS_ADMINISTRATOR = "69091246-20e8-4a56-aa4d-066075b2a7a8"


@dataclass
class WiredEntra:
    """`sign(...)` decides what the next code is good for."""

    wire: WireServer
    clock: FixedClock
    issuer: Issuer

    def publish(self, tenant: str) -> None:
        """Discovery, keys and token endpoint of a tenant."""
        root = f"{self.wire.url}/{tenant}"
        document = {
            "issuer": f"{self.wire.url}/{tenant}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
        }
        self.wire.answer("GET", discovery_path(tenant), Reply(200, document))
        self.wire.answer("GET", keys_path(tenant), Reply(200, self.issuer.jwks()))

    def claims(self, of_flow: str, /, **changes: Any) -> dict[str, Any]:
        """Claims of a good ID token; a change to None leaves the claim out."""
        now = int(self.clock.now().timestamp())
        good = {
            "iss": f"{self.wire.url}/{TENANT}/v2.0",
            "aud": CLIENT_ID,
            "exp": now + 3600,
            "nbf": now,
            "iat": now,
            "ver": "2.0",
            "tid": TENANT,
            "oid": PERSON,
            "sub": "pairwise",
            "preferred_username": "amy@contoso.example",
            "name": "CANARY Amy",
            "wids": [TEAMS_ADMINISTRATOR],
            "acct": 0,
            "nonce": hashlib.sha256(of_flow.encode()).hexdigest(),
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def sign(self, flow: dict[str, Any], tenant: str = TENANT, **changes: Any) -> None:
        self.give(self.issuer.sign(self.claims(flow["nonce"], **changes)), tenant)

    def give(self, id_token: Any, tenant: str = TENANT) -> None:
        client_info = base64.urlsafe_b64encode(json.dumps({"uid": PERSON, "utid": TENANT}).encode())
        body = {
            "access_token": "access-never-kept",
            "refresh_token": "refresh-never-kept",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid profile",
            "id_token": id_token,
            "client_info": client_info.decode().rstrip("="),
        }
        self.answer_token(Reply(200, body), tenant)

    def answer_token(self, reply: Reply | Callable[[Heard], Reply], tenant: str = TENANT) -> None:
        self.wire.answer("POST", token_path(tenant), reply)


def discovery_path(tenant: str) -> str:
    return f"/{tenant}/v2.0/.well-known/openid-configuration"


def keys_path(tenant: str) -> str:
    return f"/{tenant}/discovery/v2.0/keys"


def token_path(tenant: str) -> str:
    return f"/{tenant}/oauth2/v2.0/token"


def callback_of(flow: dict[str, Any]) -> dict[str, str]:
    """What Entra's redirect brings back."""
    return {"code": "the-code", "state": flow["state"], "session_state": "ignored"}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture(scope="session")
def connector_keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    directory: Path = tmp_path_factory.mktemp("vault") / "keys"
    make_keys(Directory(directory), datetime(2026, 3, 2, tzinfo=UTC))
    return FileKeys(directory, SystemClock())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def ids() -> SequentialIds:
    return SequentialIds()


@pytest.fixture
def http(ca_file: str) -> Iterator[GuardedHttp]:
    guarded = guarded_http(ca_file)
    yield guarded
    guarded.close()


@pytest.fixture
def entra(wire: WireServer, clock: FixedClock) -> WiredEntra:
    entra = WiredEntra(wire, clock, Issuer("entra"))
    for tenant in (TENANT, OTHER_TENANT, "organizations"):
        entra.publish(tenant)
    return entra


@pytest.fixture
def applications(http: GuardedHttp, wire: WireServer, connector_keys: FileKeys) -> Applications:
    return Applications(http, wire.url, CLIENT_ID, lambda: connector_keys.entra_credential)


@pytest.fixture
def published_keys(http: GuardedHttp, clock: FixedClock) -> PublishedKeys:
    return PublishedKeys(http, clock)


@pytest.fixture
def sign_in(
    applications: Applications,
    http: GuardedHttp,
    published_keys: PublishedKeys,
    clock: FixedClock,
) -> MsalSignIn:
    return MsalSignIn(
        applications, REDIRECT_URI, http=http, signed_tokens=published_keys, clock=clock
    )


@pytest.fixture
def app_tokens(applications: Applications, clock: FixedClock) -> AppTokens:
    return AppTokens(applications, HeldTokens(clock))


@pytest.fixture
def graph(
    http: GuardedHttp, clock: FixedClock, ids: SequentialIds, wire: WireServer
) -> GraphClient:
    """Graph with app tokens `app-<tenant>-<n>`; n counts how often one was forgotten."""
    forgotten: list[str] = []
    return GraphClient(
        http,
        clock,
        ids,
        graph_url=wire.url,
        app_token=lambda tenant: f"app-{tenant}-{forgotten.count(tenant)}",
        forget_app_token=forgotten.append,
    )
