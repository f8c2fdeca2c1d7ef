"""Posts and their tokens: what `GraphNotificationReader` believes, and of whom (microsoft.md 3.6).

Reliability cases 54 to 56 end here for what concerns reading; dropping and dead letters are the use
cases'.
"""

from typing import Any

import pytest
from tests.contracts.graph.conftest import KEYS
from tests.fakes.change_notifications import GRAPH_CHANGE_TRACKING, encrypted_item, post
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply, WireServer
from tests.fakes.wired_microsoft import CLIENT_ID, OTHER_TENANT, TENANT

from connector.adapters.graph.notifications import GraphNotificationReader
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.vault.files import FileKeys
from connector.ports.errors import BadAnswer, TryLater, Untrusted
from connector.ports.microsoft import UnverifiedItem

BOTH = frozenset({TENANT, OTHER_TENANT})
ONE = frozenset({TENANT})


# --- splitting ------------------------------------------------------------------------------------


def test_a_post_is_split_into_items_and_tokens(
    reader: GraphNotificationReader, certificate: tuple[str, str]
) -> None:
    raw = encrypted_item(certificate, b"{}", TENANT)
    items, tokens = reader.split(post([raw], ["token"]))
    assert items == [UnverifiedItem("subscription-1", "secret", TENANT, raw)]
    assert tokens == ["token"]


def test_a_lifecycle_post_has_no_tokens_and_is_split_the_same(
    reader: GraphNotificationReader,
) -> None:
    raw = {"subscriptionId": "s", "clientState": "c", "lifecycleEvent": "reauthorizationRequired"}
    items, tokens = reader.split(post([raw]))
    assert (items[0].raw["lifecycleEvent"], items[0].tenant_id) == ("reauthorizationRequired", "")
    assert tokens == []


@pytest.mark.parametrize("missing", ["clientState", "tenantId"])
@pytest.mark.parametrize("value", [None, 7, {}])
def test_case_54_what_an_item_lacks_matches_nothing(
    reader: GraphNotificationReader, missing: str, value: object
) -> None:
    raw = {"subscriptionId": "s", "clientState": "c", "tenantId": TENANT, missing: value}
    (item,), _ = reader.split(post([raw]))
    assert {item.client_state, item.tenant_id} & {""}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"value": {}}',
        b'{"value": null}',
        b'{"value": [7]}',
        b'{"value": [null]}',
        b'{"value": [{}]}',
        b'{"value": [{"subscriptionId": 7}]}',
        b'{"value": [], "value": []}',
        b'{"value": [], "validationTokens": "token"}',
        b'{"value": [], "validationTokens": [7]}',
        b'{"value": [], "validationTokens": null}',
        b'{"value":' + b"[" * 100_000,
        b"\xff\xfe",
        b"<html></html>",
    ],
    ids=range(18),
)
def test_case_56_a_body_of_another_shape_is_a_bad_answer(
    reader: GraphNotificationReader, body: bytes
) -> None:
    with pytest.raises(BadAnswer):
        reader.split(body)


def test_case_56_ten_megabytes_are_refused_unparsed(reader: GraphNotificationReader) -> None:
    with pytest.raises(BadAnswer, match="too_large"):
        reader.split(b'{"value": [' + b" " * 10_000_000 + b"]}")


@pytest.mark.parametrize(("items", "tokens"), [(1_001, 0), (50_000, 0), (0, 1_001)])
def test_case_56_too_many_items_or_tokens_are_refused(
    reader: GraphNotificationReader, items: int, tokens: int
) -> None:
    with pytest.raises(BadAnswer):
        reader.split(post([{"subscriptionId": "s"}] * items, ["t"] * tokens))


def test_a_thousand_items_are_read(reader: GraphNotificationReader) -> None:
    items, _ = reader.split(post([{"subscriptionId": "s"}] * 1_000))
    assert len(items) == 1_000


# --- validation tokens ----------------------------------------------------------------------------


def _claims(clock: FixedClock, tenant: str = TENANT, **changes: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    good = {
        "aud": CLIENT_ID,
        "iss": f"https://sts.windows.net/{tenant}/",
        "appid": GRAPH_CHANGE_TRACKING,
        "exp": now + 3600,
        "nbf": now - 10,
        "iat": now - 10,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def test_a_token_for_each_tenant_vouches_for_the_post(
    reader: GraphNotificationReader, publisher: Issuer, clock: FixedClock, wire: WireServer
) -> None:
    tokens = [publisher.sign(_claims(clock, tenant)) for tenant in (TENANT, OTHER_TENANT)]
    reader.verify_tokens(tokens, BOTH)
    reader.verify_tokens(tokens[:1], frozenset({TENANT.upper()}))
    assert len(wire.requests(KEYS)) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"aud": None}, "aud"),
        ({"aud": "another-app"}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "aud"),
        ({"appid": None}, "appid"),
        ({"appid": CLIENT_ID}, "appid"),
        ({"appid": None, "azp": GRAPH_CHANGE_TRACKING}, "appid"),
        ({"iss": None}, "iss"),
        ({"iss": "https://evil.example/"}, "iss"),
        ({"iss": f"https://sts.windows.net/{TENANT}"}, "iss"),
        ({"iss": f"https://sts.windows.net.evil/{TENANT}/"}, "iss"),
        ({"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"}, "iss"),
        ({"exp": None}, "exp"),
        ({"exp": 1}, "exp"),
        ({"nbf": 4_000_000_000}, "nbf"),
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused_by_name(
    reader: GraphNotificationReader,
    publisher: Issuer,
    clock: FixedClock,
    change: dict[str, Any],
    code: str,
) -> None:
    with pytest.raises(Untrusted) as refused:
        reader.verify_tokens([publisher.sign(_claims(clock, **change))], ONE)
    assert refused.value.code == code


def test_a_post_without_tokens_is_not_believed(reader: GraphNotificationReader) -> None:
    with pytest.raises(Untrusted, match="tenant_not_vouched_for"):
        reader.verify_tokens([], ONE)


def test_case_55_a_tenant_nobody_vouches_for_is_not_believed(
    reader: GraphNotificationReader, publisher: Issuer, clock: FixedClock
) -> None:
    with pytest.raises(Untrusted, match="tenant_not_vouched_for"):
        reader.verify_tokens([publisher.sign(_claims(clock))], BOTH)


def test_a_token_of_a_tenant_that_is_not_in_the_post_is_refused(
    reader: GraphNotificationReader, publisher: Issuer, clock: FixedClock
) -> None:
    tokens = [publisher.sign(_claims(clock, tenant)) for tenant in (TENANT, OTHER_TENANT)]
    with pytest.raises(Untrusted, match="tenant_not_in_post"):
        reader.verify_tokens(tokens, ONE)


def test_case_55_a_token_may_vouch_for_an_item_that_is_not_believed(
    reader: GraphNotificationReader, publisher: Issuer, clock: FixedClock, wire: WireServer
) -> None:
    tokens = [publisher.sign(_claims(clock, tenant)) for tenant in (TENANT, OTHER_TENANT)]
    reader.verify_tokens(tokens, ONE, also_named=frozenset({OTHER_TENANT.upper()}))
    reader.verify_tokens(tokens[:1], ONE, also_named=frozenset({OTHER_TENANT}))
    assert len(wire.requests(KEYS)) == 1


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000])
def test_one_bad_token_spoils_the_post(
    reader: GraphNotificationReader, publisher: Issuer, clock: FixedClock, token: str
) -> None:
    with pytest.raises(Untrusted):
        reader.verify_tokens([publisher.sign(_claims(clock)), token], ONE)


def test_a_token_of_another_key_is_refused(
    reader: GraphNotificationReader, clock: FixedClock
) -> None:
    with pytest.raises(Untrusted, match="signature"):
        reader.verify_tokens([Issuer("attacker").sign(_claims(clock))], ONE)


def test_another_cloud_has_another_publisher(
    connector_keys: FileKeys,
    published_keys: PublishedKeys,
    clock: FixedClock,
    wire: WireServer,
    publisher: Issuer,
) -> None:
    reader = GraphNotificationReader(
        connector_keys.notifications,
        published_keys,
        clock,
        client_id=CLIENT_ID,
        login_url=f"{wire.url}/",
        publisher="gov",
    )
    reader.verify_tokens([publisher.sign(_claims(clock, appid="gov"))], ONE)
    with pytest.raises(Untrusted, match="appid"):
        reader.verify_tokens([publisher.sign(_claims(clock))], ONE)


@pytest.mark.parametrize("reply", [DROPPED, Reply(503, None), Reply(200, "<html>")])
def test_keys_that_cannot_be_read_are_try_later(
    reader: GraphNotificationReader,
    publisher: Issuer,
    clock: FixedClock,
    wire: WireServer,
    reply: Reply,
) -> None:
    wire.answer("GET", KEYS, reply)
    with pytest.raises(TryLater):
        reader.verify_tokens([publisher.sign(_claims(clock))], ONE)
