"""`GraphSubscriptions` on the wire (microsoft.md 3.1, 3.7), and the fake held to the same."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from tests.fakes.microsoft import FakeSubscriptions
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Heard, Reply, WireServer
from tests.fakes.wired_microsoft import OTHER_TENANT, TENANT

from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.subscriptions import GraphSubscriptions
from connector.adapters.vault.files import FileKeys
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.ports.microsoft import Subscription, Subscriptions

JOIN_URL = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc%40thread.v2/0?context=%7b%22Tid%22%7d"
RESOURCE = (
    "communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join"
    "%2F19%253ameeting_abc%2540thread.v2%2F0%3Fcontext%3D%257b%2522Tid%2522%257d')/meetingCallEvents"
)
PATH = "/beta/subscriptions"
EXPIRES = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
NOTIFICATIONS = "https://connector.example/graph/notifications"
LIFECYCLE = "https://connector.example/graph/lifecycle"

ALREADY_THERE = Reply(409, {"error": {"code": "Conflict", "message": "exists"}})


@dataclass
class GraphStore:
    """Subscriptions by id: one for an app and a meeting, `duplicate` for a second."""

    wire: WireServer
    duplicate: Reply = ALREADY_THERE
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0

    def publish(self) -> None:
        self.wire.answer("POST", PATH, self.create)
        self.wire.answer("GET", PATH, lambda _: Reply(200, {"value": list(self.live.values())}))

    def create(self, heard: Heard) -> Reply:
        asked = heard.json
        if any(each["resource"] == asked["resource"] for each in self.live.values()):
            return self.duplicate
        self.made += 1
        graph_id = f"subscription-{self.made}"
        shown = {name: value for name, value in asked.items() if name != "encryptionCertificate"}
        self.live[graph_id] = {"id": graph_id, **shown}
        for method in ("PATCH", "DELETE"):
            self.wire.answer(method, f"{PATH}/{graph_id}", self.change)
        return Reply(201, self.live[graph_id])

    def change(self, heard: Heard) -> Reply:
        graph_id = heard.path.rpartition("/")[2]
        if graph_id not in self.live:
            return Reply(404, {"error": {"code": "ResourceNotFound"}})
        if heard.method == "DELETE":
            del self.live[graph_id]
            return Reply(204)
        self.live[graph_id] |= heard.json
        return Reply(200, self.live[graph_id])


@pytest.fixture
def store(wire: WireServer) -> GraphStore:
    store = GraphStore(wire)
    store.publish()
    return store


@pytest.fixture
def subscriptions(
    graph: GraphClient, connector_keys: FileKeys, store: GraphStore
) -> GraphSubscriptions:
    return GraphSubscriptions(
        graph,
        connector_keys.notifications,
        notification_url=NOTIFICATIONS,
        lifecycle_url=LIFECYCLE,
    )


@pytest.fixture(params=["graph", "fake"])
def either(request: pytest.FixtureRequest, subscriptions: GraphSubscriptions) -> Subscriptions:
    return subscriptions if request.param == "graph" else FakeSubscriptions()


def _create(subscriptions: Subscriptions, **changes: Any) -> Subscription:
    asked = {"join_url": JOIN_URL, "client_state": "secret", "expires_at": EXPIRES}
    return subscriptions.create(tenant_id=TENANT, **(asked | changes))


# --- what both must do ----------------------------------------------------------------------------


def test_a_meeting_is_watched_until_the_time_asked_for(either: Subscriptions) -> None:
    assert _create(either).expires_at == EXPIRES


def test_watching_a_meeting_again_replaces_the_old_subscription(either: Subscriptions) -> None:
    first, second = _create(either), _create(either)
    assert first.graph_id != second.graph_id
    with pytest.raises(Gone):
        either.renew(TENANT, first.graph_id, EXPIRES)
    assert either.renew(TENANT, second.graph_id, EXPIRES) == second


def test_a_renewal_moves_the_end(either: Subscriptions) -> None:
    later = EXPIRES + timedelta(hours=3)
    graph_id = _create(either).graph_id
    assert either.renew(TENANT, graph_id, later) == Subscription(graph_id, later)


def test_renewing_what_graph_does_not_know_is_gone(either: Subscriptions) -> None:
    with pytest.raises(Gone):
        either.renew(TENANT, "unknown", EXPIRES)


def test_deleting_twice_succeeds(either: Subscriptions) -> None:
    graph_id = _create(either).graph_id
    either.delete(TENANT, graph_id)
    either.delete(TENANT, graph_id)
    with pytest.raises(Gone):
        either.renew(TENANT, graph_id, EXPIRES)


# --- the wire -------------------------------------------------------------------------------------


def test_the_request_is_the_documented_one(
    subscriptions: GraphSubscriptions, wire: WireServer, connector_keys: FileKeys
) -> None:
    _create(subscriptions)
    asked = wire.heard[0].json
    certificate = asked.pop("encryptionCertificate")
    x509.load_der_x509_certificate(base64.b64decode(certificate))
    assert asked == {
        "changeType": "updated",
        "notificationUrl": NOTIFICATIONS,
        "lifecycleNotificationUrl": LIFECYCLE,
        "resource": RESOURCE,
        "includeResourceData": True,
        "encryptionCertificateId": connector_keys.notifications.certificate()[0],
        "expirationDateTime": "2026-03-02T19:00:00.000000Z",
        "clientState": "secret",
    }


def test_nothing_is_asked_for_beyond_the_longest_life(
    subscriptions: GraphSubscriptions, clock: FixedClock
) -> None:
    longest = clock.now() + timedelta(minutes=4_200)
    found = _create(subscriptions, expires_at=clock.now() + timedelta(days=9))
    assert found.expires_at == longest
    renewed = subscriptions.renew(TENANT, found.graph_id, clock.now() + timedelta(days=9))
    assert renewed.expires_at == longest


@pytest.mark.parametrize(
    "duplicate",
    [
        Reply(409, {"error": {"code": "Conflict", "message": "already exists"}}),
        Reply(409, None),
        Reply(403, {"error": {"code": "Forbidden", "message": "Subscription quota"}}),
        Reply(403, {"error": {"code": "ExtensionError", "message": "one subscription per app"}}),
        Reply(403, None),
    ],
    ids=range(5),
)
def test_one_that_exists_is_deleted_and_made_anew_under_our_secret(
    subscriptions: GraphSubscriptions, store: GraphStore, duplicate: Reply
) -> None:
    store.duplicate = duplicate
    _create(subscriptions, client_state="old")
    found = _create(subscriptions, client_state="new")
    assert [each["clientState"] for each in store.live.values()] == ["new"]
    assert list(store.live) == [found.graph_id]


def test_only_the_subscription_of_this_meeting_is_deleted(
    subscriptions: GraphSubscriptions, store: GraphStore
) -> None:
    other = _create(subscriptions, join_url=f"{JOIN_URL}&other")
    _create(subscriptions)
    _create(subscriptions)
    assert other.graph_id in store.live
    assert len(store.live) == 2


def test_the_existing_one_is_looked_for_on_every_page(
    subscriptions: GraphSubscriptions, store: GraphStore, wire: WireServer
) -> None:
    _create(subscriptions)
    last = f"{PATH}/page-2"
    wire.answer(
        "GET", PATH, Reply(200, {"value": [7, {"id": 7}], "@odata.nextLink": f"{wire.url}{last}"})
    )
    wire.answer("GET", last, lambda _: Reply(200, {"value": list(store.live.values())}))
    assert _create(subscriptions).graph_id in store.live
    assert len(store.live) == 1


@pytest.mark.parametrize(
    "link", ["https://evil.example/beta/subscriptions", "//evil", 7, "/beta/x"]
)
def test_a_next_page_elsewhere_does_not_get_our_token(
    subscriptions: GraphSubscriptions, store: GraphStore, wire: WireServer, link: object
) -> None:
    _create(subscriptions)
    wire.answer("GET", PATH, Reply(200, {"value": [], "@odata.nextLink": link}))
    with pytest.raises(BadAnswer, match="next_link"):
        _create(subscriptions)


def test_pages_without_end_are_given_up(
    subscriptions: GraphSubscriptions, store: GraphStore, wire: WireServer
) -> None:
    _create(subscriptions)
    wire.answer("GET", PATH, Reply(200, {"value": [], "@odata.nextLink": f"{wire.url}{PATH}"}))
    with pytest.raises(Denied, match="Conflict"):
        _create(subscriptions)
    assert len([heard for heard in wire.heard if heard.method == "GET"]) == 20


def test_a_refusal_that_is_no_duplicate_is_passed_on(
    subscriptions: GraphSubscriptions, wire: WireServer
) -> None:
    wire.answer("POST", PATH, Reply(403, {"error": {"code": "Forbidden", "message": "no"}}))
    with pytest.raises(Denied, match="Forbidden"):
        _create(subscriptions)
    assert [heard.method for heard in wire.heard] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (
            Reply(
                400, {"error": {"code": "ValidationError", "message": "validation request failed"}}
            ),
            Denied,
            "ValidationError",
        ),
        (
            Reply(403, {"error": {"code": "Authorization_RequestDenied"}}),
            Denied,
            "Authorization_RequestDenied",
        ),
        (Reply(429, {"error": {"code": "TooManyRequests"}}), TryLater, "TooManyRequests"),
        (Reply(503, None), TryLater, "http_503"),
        (Reply(201, {"id": 7}), BadAnswer, "id"),
        (Reply(201, {"id": ""}), BadAnswer, "id"),
        (Reply(201, {"id": "a"}), BadAnswer, "expirationDateTime"),
        (Reply(201, {"id": "a", "expirationDateTime": "soon"}), BadAnswer, "expirationDateTime"),
        (Reply(201, {"id": "a", "expirationDateTime": 7}), BadAnswer, "expirationDateTime"),
        (Reply(201, "<html>"), BadAnswer, "content_type"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_a_creation_that_fails_says_what_kind_it_is(
    subscriptions: GraphSubscriptions,
    wire: WireServer,
    reply: Reply,
    error: type[OutsideError],
    code: str,
) -> None:
    wire.answer("POST", PATH, reply)
    with pytest.raises(error) as failed:
        _create(subscriptions)
    assert failed.value.code == code
    assert len(wire.heard) == 1


@pytest.mark.parametrize(
    "text", ["2026-03-02T19:00:00.0000000Z", "2026-03-02T19:00:00", "2026-03-02T13:00:00-06:00"]
)
def test_graphs_spellings_of_a_time_are_read_as_utc(
    subscriptions: GraphSubscriptions, wire: WireServer, text: str
) -> None:
    wire.answer("POST", PATH, Reply(201, {"id": "a", "expirationDateTime": text}))
    assert _create(subscriptions).expires_at == EXPIRES


@pytest.mark.parametrize("graph_id", ["../users", "a/b", "a?b", ""])
def test_an_id_cannot_break_out_of_the_path(
    subscriptions: GraphSubscriptions, wire: WireServer, graph_id: str
) -> None:
    with pytest.raises(Gone):
        subscriptions.renew(OTHER_TENANT, graph_id, EXPIRES)
    assert wire.heard[0].path.startswith(f"{PATH}/")
    assert wire.heard[0].path.count("/") == 3


@pytest.mark.parametrize(
    ("reply", "error"), [(Reply(403, None), Denied), (Reply(500, None), TryLater)]
)
def test_a_deletion_that_fails_says_so(
    subscriptions: GraphSubscriptions, wire: WireServer, reply: Reply, error: type[OutsideError]
) -> None:
    wire.answer("DELETE", f"{PATH}/a", reply)
    with pytest.raises(error):
        subscriptions.delete(TENANT, "a")
