"""Subscriptions with handshake, encrypted notifications and their failures: microsoft.md section 3."""

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    CONNECTOR,
    CONTOSO,
    Desk,
    quoted,
    subscription_document,
)
from tests.conformance.mock_microsoft.test_microsoft_subscription_rules import decrypted
from tests.integration.mock_microsoft.receiver import WAIT_SECONDS, Receiver

from mock_microsoft.notifications.outbound import Webhooks

GRAPH_CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086"


def eventually(holds: Callable[[], bool]) -> bool:
    """Looks until it holds; for state that has no event to wait on."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def subscribe(desk: Desk, receiver: Receiver, meeting: dict[str, Any], **changes: Any) -> Any:
    urls = {
        "notificationUrl": receiver.notification_url,
        "lifecycleNotificationUrl": receiver.lifecycle_url,
    }
    document = subscription_document(meeting, desk.world.clock.now(), **{**urls, **changes})
    return desk.graph("POST", "subscriptions", document, version="beta")


@pytest.fixture
def meeting(desk: Desk) -> dict[str, Any]:
    return desk.meeting()


@pytest.fixture
def subscription(desk: Desk, receiver: Receiver, meeting: dict[str, Any]) -> dict[str, Any]:
    answer = subscribe(desk, receiver, meeting)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def event_of(notification: dict[str, Any]) -> Any:
    return decrypted(notification["value"][0]["encryptedContent"])


def outcomes(desk: Desk) -> list[str]:
    return [d["outcome"] for d in desk.sim("GET", "deliveries").get_json()["deliveries"]]


def test_both_urls_are_validated_while_the_create_is_pending(
    receiver: Receiver, subscription: dict[str, Any]
) -> None:
    """3.2"""
    assert receiver.handshakes == ["/graph/notifications", "/graph/lifecycle"]
    assert subscription["notificationUrl"].endswith("?for=connector")


def test_the_answer_echoes_everything_but_the_certificate(subscription: dict[str, Any]) -> None:
    """3.1"""
    assert "encryptionCertificate" not in subscription
    assert subscription["applicationId"] == CONNECTOR
    assert subscription["encryptionCertificateId"] == "key-1"


@pytest.mark.parametrize("path", ["/graph/notifications", "/graph/lifecycle"])
@pytest.mark.parametrize(
    "spoiled",
    [
        {"status": 202},
        {"status": 302},
        {"content_type": "text/html"},
        {"body": "Validation%3A+still+encoded"},
        {"body": ""},
    ],
)
def test_a_failed_handshake_refuses_the_subscription_and_frees_its_place(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], path: str, spoiled: dict[str, Any]
) -> None:
    receiver.handshake = {path: spoiled}
    answer = subscribe(desk, receiver, meeting)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "ValidationError")
    receiver.handshake = {}
    assert subscribe(desk, receiver, meeting).status_code == 201


def test_a_receiver_that_does_not_answer_is_a_timeout(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_arguments: Any, **options: Any) -> Any:
        assert options["timeout"] == 10.0
        raise requests.ReadTimeout

    monkeypatch.setattr(Webhooks, "_session", lambda _self: type("Late", (), {"post": late}))
    answer = subscribe(desk, receiver, meeting)
    assert "timed out" in answer.get_json()["error"]["message"]


def test_a_receiver_with_a_certificate_of_another_authority_is_refused(
    receiver: Receiver,
) -> None:
    stranger = Desk()
    answer = subscribe(stranger, receiver, stranger.meeting())
    stranger.world.deliveries.stop()
    assert answer.status_code == 400
    assert receiver.handshakes == []


def test_a_second_subscription_of_the_application_is_a_conflict(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    assert subscription["id"]
    assert subscribe(desk, receiver, meeting).status_code == 409


def test_after_delete_or_expiry_the_place_is_free(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    path = f"subscriptions/{subscription['id']}"
    assert desk.graph("DELETE", path).status_code == 204
    assert subscribe(desk, receiver, meeting).status_code == 201
    desk.sim("POST", "clock", {"advance_seconds": 5 * 3600})
    assert desk.graph("GET", "subscriptions").get_json()["value"] == []
    assert subscribe(desk, receiver, meeting).status_code == 201


def test_a_subscription_is_listed_renewed_and_kept_within_its_limit(
    desk: Desk, subscription: dict[str, Any]
) -> None:
    path = f"subscriptions/{subscription['id']}"
    now = desk.world.clock.now()
    later = {"expirationDateTime": (now + timedelta(hours=70)).isoformat()}
    too_late = {"expirationDateTime": (now + timedelta(hours=71)).isoformat()}
    assert desk.graph("PATCH", path, later).status_code == 200
    assert desk.graph("PATCH", path, too_late).status_code == 400
    (listed,) = desk.graph("GET", "subscriptions").get_json()["value"]
    assert listed["expirationDateTime"] > subscription["expirationDateTime"]


@pytest.mark.parametrize(
    "change",
    [
        {"lifecycleNotificationUrl": "https://connector.test/graph/lifecycle"},
        {"clientState": "other"},
        {"encryptionCertificate": "AAAA"},
        {"encryptionCertificate": "AAAA", "encryptionCertificateId": "key-2"},
        {"notificationUrl": "http://connector.test/"},
        {"expirationDateTime": "soon"},
    ],
)
def test_a_renewal_cannot_change_what_is_fixed(
    desk: Desk, subscription: dict[str, Any], change: dict[str, str]
) -> None:
    path = f"subscriptions/{subscription['id']}"
    before = desk.graph("GET", path).get_json()
    assert desk.graph("PATCH", path, change).status_code == 400
    assert desk.graph("GET", path).get_json() == before


def test_a_visit_is_told_from_start_to_end(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.5: lobby, admitted, left, ended; in order of event time."""
    desk.lobby(meeting, "organizer")
    patient = desk.join(meeting, display_name="Amy Shaw")
    desk.join(meeting, user_id=ADAM)
    desk.act(meeting, patient, "admit")
    desk.act(meeting, patient, "leave")
    desk.sim("POST", f"meetings/{quoted(meeting)}/end")
    events = sorted((event_of(n) for n in receiver.wait_for(7)), key=lambda e: e["eventDateTime"])
    assert [e["eventType"] for e in events] == ["callStarted", *["rosterUpdated"] * 5, "callEnded"]
    waiting, clinician, admitted, left, out = (e["participants@delta"][0] for e in events[1:6])
    assert (waiting["isInLobby"], waiting["info"]["identity"]["guest"]["displayName"]) == (
        True,
        "Amy Shaw",
    )
    assert clinician["info"]["identity"]["user"] == {
        "id": ADAM,
        "displayName": "Adam Careful",
        "tenantId": CONTOSO,
    }
    assert (admitted["id"], admitted["isInLobby"]) == (waiting["id"], False)
    assert left["removedState"]["reason"] == "Participant has left the meeting call."
    assert out["id"] == clinician["id"]


def test_the_envelope_names_subscription_tenant_and_event(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.3"""
    desk.join(meeting, user_id=ADAM)
    notification = receiver.wait_for(1)[0]
    item = notification["value"][0]
    assert item["subscriptionId"] == subscription["id"]
    assert (item["tenantId"], item["clientState"]) == (CONTOSO, "state-of-the-client")
    assert item["resource"] == subscription["resource"]
    assert item["resourceData"]["id"] == event_of(notification)["id"]


def test_validation_tokens_prove_that_graph_sent_it(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.6"""
    desk.join(meeting, user_id=ADAM)
    (token,) = receiver.wait_for(1)[0]["validationTokens"]
    claims = desk.claims(token, audience=CONNECTOR, issuer=f"https://sts.windows.net/{CONTOSO}/")
    assert claims["appid"] == GRAPH_CHANGE_TRACKING


def test_an_inactive_participant_leaves_with_the_other_reason(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    desk.join(meeting, user_id=ADAM)
    patient = desk.join(meeting, display_name="Amy Shaw")
    desk.act(meeting, patient, "leave", reason="inactive")
    reasons = [
        p["removedState"]["reason"]
        for n in receiver.wait_for(4)
        for p in event_of(n).get("participants@delta", [])
        if "removedState" in p
    ]
    assert reasons == ["Participant has entered an inactive state in the roster."]


def test_a_refused_notification_comes_again(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.8"""
    receiver.answers = [503, 503]
    desk.join(meeting, user_id=ADAM)
    receiver.wait_for(1)
    assert eventually(lambda: "pending" in outcomes(desk))
    for _ in range(4):
        desk.sim("POST", "clock", {"advance_seconds": 60})
    assert eventually(lambda: outcomes(desk) == ["delivered", "delivered"])
    seen = [n["value"][0]["resourceData"]["id"] for n in receiver.received]
    assert len(seen) > len(set(seen)) == 2


def test_a_notification_nobody_takes_is_given_up_after_four_hours(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    receiver.answers = [500] * 100
    desk.join(meeting, user_id=ADAM)

    def given_up() -> bool:
        desk.sim("POST", "clock", {"advance_seconds": 1800})
        return outcomes(desk) == ["given-up", "given-up"]

    assert eventually(given_up)


def take_one(desk: Desk, receiver: Receiver, meeting: dict[str, Any], fault: str) -> dict[str, Any]:
    """The first notification after a fault was asked for."""
    desk.sim("POST", "delivery-faults", {"fault": fault})
    desk.join(meeting, user_id=ADAM)
    return receiver.wait_for(1)[0]


def test_fault_duplicate_sends_the_same_item_twice(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    take_one(desk, receiver, meeting, "duplicate")
    ids = [notification["value"][0]["id"] for notification in receiver.wait_for(3)]
    assert len(set(ids)) == 2


def test_fault_reorder_lets_the_next_one_overtake(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    desk.sim("POST", "delivery-faults", {"fault": "reorder"})
    desk.join(meeting, user_id=ADAM)
    assert [event_of(n)["eventType"] for n in receiver.wait_for(2)] == [
        "rosterUpdated",
        "callStarted",
    ]


def test_fault_drop_loses_one_and_says_so_to_the_tester(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    notification = take_one(desk, receiver, meeting, "drop")
    assert event_of(notification)["eventType"] == "rosterUpdated"
    assert eventually(lambda: outcomes(desk) == ["dropped", "delivered"])


def test_fault_wrong_client_state(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    item = take_one(desk, receiver, meeting, "wrong-client-state")["value"][0]
    assert item["clientState"] != "state-of-the-client"


def test_fault_bad_signature_is_of_the_data_not_of_the_token(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    notification = take_one(desk, receiver, meeting, "bad-signature")
    desk.claims(notification["validationTokens"][0], audience=CONNECTOR)
    with pytest.raises(AssertionError):
        event_of(notification)


def test_fault_wrong_appid(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    token = take_one(desk, receiver, meeting, "wrong-appid")["validationTokens"][0]
    assert desk.claims(token, audience=CONNECTOR)["appid"] != GRAPH_CHANGE_TRACKING


def test_fault_expired_validation_token(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    token = take_one(desk, receiver, meeting, "expired-validation-token")["validationTokens"][0]
    with pytest.raises(jwt.ExpiredSignatureError):
        desk.claims(token, audience=CONNECTOR)


def test_fault_pascal_case_changes_names_only(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.5: seen in a live tenant."""
    desk.sim("POST", "delivery-faults", {"fault": "pascal-case", "times": None})
    desk.join(meeting, user_id=ADAM)
    roster = next(
        e for e in map(event_of, receiver.wait_for(2)) if e["EventType"] == "rosterUpdated"
    )
    (participant,) = roster["Participants@delta"]
    assert participant["Info"]["Identity"]["User"]["Id"] == ADAM
    assert participant["IsInLobby"] is False


def test_a_silent_subscription_stays_listed_and_tells_nothing(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """Section 7: alive but silent for days."""
    desk.sim("POST", f"subscriptions/{subscription['id']}/silence")
    desk.join(meeting, user_id=ADAM)
    assert outcomes(desk) == ["lost", "lost"]
    assert desk.graph("GET", f"subscriptions/{subscription['id']}").status_code == 200
    assert receiver.received == []


def test_after_expiry_nothing_is_delivered(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    desk.sim("POST", "clock", {"advance_seconds": 5 * 3600})
    desk.join(meeting, user_id=ADAM)
    assert outcomes(desk) == ["lost", "lost"]
    assert desk.graph("GET", f"subscriptions/{subscription['id']}").status_code == 404


@pytest.mark.parametrize("answer", ["reauthorize", "renew", None])
def test_ignoring_reauthorization_loses_what_comes_after(
    desk: Desk,
    receiver: Receiver,
    meeting: dict[str, Any],
    subscription: dict[str, Any],
    answer: str | None,
) -> None:
    """3.7"""
    path = f"subscriptions/{subscription['id']}"
    desk.sim("POST", f"{path}/reauthorization")
    item = receiver.wait_for_lifecycle()["value"][0]
    assert (item["lifecycleEvent"], item["clientState"]) == (
        "reauthorizationRequired",
        "state-of-the-client",
    )
    if answer:
        method, suffix = {"reauthorize": ("POST", "/reauthorize"), "renew": ("PATCH", "")}[answer]
        assert desk.graph(method, path + suffix, {}).status_code in (200, 204)
    desk.sim("POST", "clock", {"advance_seconds": 31 * 60})
    desk.join(meeting, user_id=ADAM)
    assert ("lost" in outcomes(desk)) is (answer is None)


def test_rotating_the_certificate_changes_the_key_of_later_items(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    """3.4: rotation by PATCH."""
    certificate = subscription_document(meeting, desk.world.clock.now())["encryptionCertificate"]
    change = {"encryptionCertificate": certificate, "encryptionCertificateId": "key-2"}
    assert desk.graph("PATCH", f"subscriptions/{subscription['id']}", change).status_code == 200
    desk.join(meeting, user_id=ADAM)
    content = receiver.wait_for(1)[0]["value"][0]["encryptedContent"]
    assert content["encryptionCertificateId"] == "key-2"
    assert base64.b64decode(content["data"])


def test_every_exchange_with_the_subscriber_is_in_the_journal(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    desk.join(meeting, user_id=ADAM)
    receiver.wait_for(2)
    assert eventually(lambda: outcomes(desk) == ["delivered", "delivered"])
    entries = desk.sim("GET", "journal?path=/graph/*").get_json()["entries"]
    assert [(e["direction"], e["status"]) for e in entries] == [("out", 200)] * 2 + [
        ("out", 202)
    ] * 2


def test_reset_forgets_subscriptions_and_pending_deliveries(
    desk: Desk, receiver: Receiver, meeting: dict[str, Any], subscription: dict[str, Any]
) -> None:
    receiver.answers = [503] * 10
    desk.join(meeting, user_id=ADAM)
    receiver.wait_for(1)
    desk.sim("POST", "reset")
    state = desk.sim("GET", "state").get_json()
    assert state["subscriptions"] == 0
    assert state["deliveries"] == {
        "pending": 0,
        "delivered": 0,
        "dropped": 0,
        "lost": 0,
        "given-up": 0,
    }
