"""Subscription requests and encryption: microsoft.md 3.1, 3.4, 3.7. The handshake is in the integration tests."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from tests.conformance.mock_microsoft.microsoft_desk import (
    ENCRYPTION_KEYS,
    OTHER_APP,
    Desk,
    make_key_pair,
    subscription_document,
)

from mock_microsoft.notifications.crypto import encrypted_content, read_encryption_certificate
from mock_microsoft.notifications.delivery import Delivery, Outcome


def decrypted(content: dict[str, str], keys: Any = ENCRYPTION_KEYS) -> Any:
    """The receiver's steps, written from the documentation."""
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - Graph uses SHA-1 here
    key = keys.private_key.decrypt(base64.b64decode(content["dataKey"]), oaep)
    ciphertext = base64.b64decode(content["data"])
    signature = hmac.new(key, ciphertext, hashlib.sha256).digest()
    assert hmac.compare_digest(signature, base64.b64decode(content["dataSignature"]))
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = cipher.update(ciphertext) + cipher.finalize()
    return json.loads(padded[: -padded[-1]])


CERTIFICATE = read_encryption_certificate("key-1", ENCRYPTION_KEYS.der_base64)


def test_content_decrypts_as_documented() -> None:
    assert decrypted(encrypted_content(b'{"a": 1}', CERTIFICATE)) == {"a": 1}


def test_each_item_has_a_key_of_its_own() -> None:
    first, second = (encrypted_content(b"{}", CERTIFICATE) for _ in range(2))
    assert first["data"] != second["data"]


def test_the_thumbprint_is_hexadecimal_sha1_of_the_certificate() -> None:
    expected = ENCRYPTION_KEYS.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the field is SHA-1
    assert encrypted_content(b"{}", CERTIFICATE)["encryptionCertificateThumbprint"] == expected


def test_a_broken_signature_does_not_verify() -> None:
    with pytest.raises(AssertionError):
        decrypted(encrypted_content(b"{}", CERTIFICATE, break_signature=True))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"changeType": "created"}, 400),
        ({"notificationUrl": "http://connector.test/graph/notifications"}, 400),
        ({"notificationUrl": None}, 400),
        ({"lifecycleNotificationUrl": "ftp://connector.test/"}, 400),
        ({"includeResourceData": False}, 400),
        ({"encryptionCertificate": None}, 400),
        ({"encryptionCertificate": "bm90IGEgY2VydGlmaWNhdGU="}, 400),
        ({"encryptionCertificate": "***"}, 400),
        ({"encryptionCertificateId": None}, 400),
        ({"encryptionCertificateId": "x" * 129}, 400),
        ({"clientState": "x" * 129}, 400),
        ({"expirationDateTime": None}, 400),
        ({"expirationDateTime": "tomorrow"}, 400),
        ({"resource": "communications/callRecords"}, 400),
        ({"resource": "communications/onlineMeetings(joinWebUrl='https://not.encoded/l/meetup-join/')/meetingCallEvents"}, 400),
        ({"resource": "communications/onlineMeetings/?$filter=JoinWebUrl eq 'x'"}, 400),
        ({"resource": "communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fnowhere')/meetingCallEvents"}, 404),
        ({"invented": True}, 400),
    ],
)  # fmt: skip
def test_a_wrong_subscription_is_refused_before_any_handshake(
    desk: Desk, changes: dict[str, Any], status: int
) -> None:
    document = subscription_document(desk.meeting(), desk.world.clock.now(), **changes)
    answer = desk.graph("POST", "subscriptions", document, version="beta")
    assert answer.status_code == status, answer.text
    assert desk.sim("GET", "journal?path=/graph/*").get_json()["entries"] == []


@pytest.mark.parametrize("ahead", [timedelta(minutes=4231), timedelta(minutes=-1)])
def test_the_expiration_is_at_most_4230_minutes_ahead(desk: Desk, ahead: timedelta) -> None:
    now = desk.world.clock.now()
    document = subscription_document(
        desk.meeting(), now, expirationDateTime=(now + ahead).isoformat()
    )
    assert desk.graph("POST", "subscriptions", document, version="beta").status_code == 400


def test_call_events_are_beta_only(desk: Desk) -> None:
    document = subscription_document(desk.meeting(), desk.world.clock.now())
    answer = desk.graph("POST", "subscriptions", document, version="v1.0")
    assert answer.status_code == 400
    assert "beta" in answer.get_json()["error"]["message"]


def test_a_short_rsa_key_is_refused(desk: Desk) -> None:
    """3.1: RSA 2048 to 4096."""
    short = make_key_pair(1024).der_base64
    document = subscription_document(
        desk.meeting(), desk.world.clock.now(), encryptionCertificate=short
    )
    assert desk.graph("POST", "subscriptions", document, version="beta").status_code == 400


def test_a_subscription_needs_a_meeting_role(desk: Desk) -> None:
    document = subscription_document(desk.meeting(), desk.world.clock.now())
    token = desk.app_token(client_id=OTHER_APP)
    answer = desk.graph("POST", "subscriptions", document, token=token, version="beta")
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_subscription_is_not_found(desk: Desk, method: str) -> None:
    assert desk.graph(method, "subscriptions/none", {}, version="beta").status_code == 404


def test_attempts_follow_growing_pauses_for_four_hours(desk: Desk) -> None:
    """3.8: first attempt 3 s, retries 10 s, exponential backoff up to 4 h."""
    now = desk.world.clock.now()
    delivery = Delivery(subscription_id="s", kind="k", url="https://x", value=[], due=now)
    limits, at, pauses = [], now, []
    while delivery.outcome is Outcome.PENDING:
        limits.append(delivery.timeout_seconds())
        delivery.record(at, 503)
        pauses.append((delivery.due - at).total_seconds())
        at = delivery.due
    assert limits[:3] == [3.0, 10.0, 10.0]
    assert pauses[:4] == [1, 2, 4, 8]
    assert delivery.outcome is Outcome.GIVEN_UP
    assert delivery.attempts[-1].at - now <= timedelta(hours=4) < at - now


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_delivered(desk: Desk, status: int) -> None:
    now = desk.world.clock.now()
    delivery = Delivery(subscription_id="s", kind="k", url="https://x", value=[], due=now)
    delivery.record(now, status)
    assert delivery.outcome is Outcome.DELIVERED
