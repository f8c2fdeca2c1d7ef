import pytest
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock
from tests.fakes.wire import Reply, WireServer
from tests.fakes.wired_microsoft import (
    CLIENT_ID,
    app_tokens,
    applications,
    authority,
    ca_file,
    clock,
    connector_keys,
    entra,
    graph,
    http,
    ids,
    published_keys,
    sign_in,
    wire,
)

from connector.adapters.graph.notifications import GraphNotificationReader
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.vault.files import FileKeys

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

KEYS = "/common/discovery/v2.0/keys"


@pytest.fixture
def publisher(wire: WireServer) -> Issuer:
    publisher = Issuer("graph")
    wire.answer("GET", KEYS, Reply(200, publisher.jwks()))
    return publisher


@pytest.fixture
def reader(
    connector_keys: FileKeys,
    published_keys: PublishedKeys,
    clock: FixedClock,
    wire: WireServer,
    publisher: Issuer,
) -> GraphNotificationReader:
    return GraphNotificationReader(
        connector_keys.notifications,
        published_keys,
        clock,
        client_id=CLIENT_ID,
        login_url=wire.url,
    )


@pytest.fixture
def certificate(connector_keys: FileKeys) -> tuple[str, str]:
    return connector_keys.notifications.certificate()
