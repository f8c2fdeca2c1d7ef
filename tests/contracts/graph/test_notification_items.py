"""Opening an item: signature, decryption, and a tolerant parse (microsoft.md 3.4 and 3.5)."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.change_notifications import encrypted_item
from tests.fakes.microsoft import FakeNotificationReader
from tests.fakes.wired_microsoft import OTHER_TENANT, TENANT
from tests.payloads import payload

from connector.adapters.graph.notifications import GraphNotificationReader
from connector.ports.errors import BadAnswer, Untrusted
from connector.ports.microsoft import (
    CallEvent,
    CallEventType,
    IdentityKind,
    RosterLine,
    UnverifiedItem,
)

BOTH = frozenset({TENANT, OTHER_TENANT})
AT = datetime(2026, 3, 2, 15, 1, 2, 123456, tzinfo=UTC)
ROSTER = [
    RosterLine(
        "participant-staff",
        IdentityKind.USER,
        "4b75189b-0000-4000-8000-000000000001",
        "t",
        in_lobby=False,
        removed=False,
    ),
    RosterLine("participant-patient", IdentityKind.GUEST, None, None, in_lobby=True, removed=False),
    RosterLine("participant-gone", IdentityKind.UNNAMED, None, None, in_lobby=False, removed=True),
]


# --- opening --------------------------------------------------------------------------------------


def _item(
    certificate: tuple[str, str], event: Any, resource_data: Any = None, **content: Any
) -> UnverifiedItem:
    """An item holding `event`; `content` changes its encryptedContent, None takes a key out."""
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    raw = encrypted_item(certificate, text, TENANT)
    if resource_data is not None:
        raw["resourceData"] = resource_data
    changed = raw["encryptedContent"] | content
    raw["encryptedContent"] = {name: value for name, value in changed.items() if value is not None}
    return UnverifiedItem("subscription-1", "secret", TENANT, raw)


@pytest.mark.parametrize(
    ("name", "patient", "tenant_id"),
    [
        ("call_event_roster", IdentityKind.GUEST, "t"),
        ("call_event_roster_pascal", IdentityKind.COMMUNICATION_SERVICES_USER, None),
    ],
)
def test_a_roster_event_is_read_in_both_spellings(
    reader: GraphNotificationReader,
    certificate: tuple[str, str],
    name: str,
    patient: IdentityKind,
    tenant_id: str | None,
) -> None:
    event = reader.open(_item(certificate, payload(name)))
    staff, waiting, gone = ROSTER
    roster = [replace(staff, tenant_id=tenant_id), replace(waiting, kind=patient), gone]
    assert event == CallEvent("notification-1", CallEventType.ROSTER, AT, roster)
    assert "CANARY" not in repr(event)


@pytest.mark.parametrize(
    ("wire_type", "kind"),
    [
        ("callStarted", CallEventType.STARTED),
        ("callEnded", CallEventType.ENDED),
        ("CallEnded", CallEventType.ENDED),
        ("rosterUpdated", CallEventType.ROSTER),
    ],
)
@pytest.mark.parametrize("field", ["eventType", "callEventType", "EventType"])
def test_an_event_without_people_has_an_empty_roster(
    reader: GraphNotificationReader,
    certificate: tuple[str, str],
    field: str,
    wire_type: str,
    kind: CallEventType,
) -> None:
    event = {field: wire_type, "eventDateTime": "2026-03-02T15:01:02.1234567Z"}
    assert reader.open(_item(certificate, event)) == CallEvent("notification-1", kind, AT, [])


@pytest.mark.parametrize(
    "kind",
    [None, "", 7, "transcriptionStateUpdated", "recordingStateUpdated", "unknownFutureValue"],
)
def test_events_we_do_not_use_are_none(
    reader: GraphNotificationReader, certificate: tuple[str, str], kind: object
) -> None:
    assert reader.open(_item(certificate, {"eventType": kind})) is None


@pytest.mark.parametrize("resource_data", [{}, {"id": ""}, {"id": 7}, "text", [1]], ids=str)
def test_without_an_id_the_text_itself_is_the_key(
    reader: GraphNotificationReader, certificate: tuple[str, str], resource_data: Any
) -> None:
    event = {"eventType": "callEnded", "eventDateTime": "2026-03-02T15:01:02Z"}
    keys = {
        opened.key
        for opened in (reader.open(_item(certificate, event, resource_data)) for _ in range(2))
        if opened is not None
    }
    assert len(keys) == 1
    assert len(keys.pop()) == 64


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"eventDateTime": None}, "eventDateTime"),
        ({"eventDateTime": "soon"}, "eventDateTime"),
        ({"eventDateTime": 7}, "eventDateTime"),
        ({"participants@delta": {}}, "participants"),
        ({"participants@delta": [7]}, "participants"),
        ({"participants@delta": [{}]}, "participant_id"),
        ({"participants@delta": [{"id": ""}]}, "participant_id"),
        ({"participants@delta": [{"id": 7}]}, "participant_id"),
    ],
    ids=str,
)
def test_a_signed_text_of_another_shape_is_a_bad_answer(
    reader: GraphNotificationReader,
    certificate: tuple[str, str],
    change: dict[str, Any],
    code: str,
) -> None:
    with pytest.raises(BadAnswer) as bad:
        reader.open(_item(certificate, payload("call_event_roster") | change))
    assert bad.value.code == code


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b'{"a":1,"a":1}', b'{"a":' * 900 + b"1" + b"}" * 900]
)
def test_a_signed_text_that_is_no_object_is_a_bad_answer_or_not_ours(
    reader: GraphNotificationReader, certificate: tuple[str, str], text: bytes
) -> None:
    try:
        outcome: object = reader.open(_item(certificate, text))
    except BadAnswer as bad:
        outcome = bad.code
    assert outcome in {None, "not_json", "not_an_object", "duplicate_key", "nesting"}


@pytest.mark.parametrize(
    "person",
    [
        {},
        {"info": None},
        {"info": 7},
        {"info": {"identity": None}},
        {"info": {"identity": {"user": None}}},
        {"info": {"identity": {"user": {"id": None}}}},
        {"info": {"identity": {"user": {"id": ""}}}},
        {"info": {"identity": {"phone": {"id": "+1"}}}},
        {"info": {"identity": {"encrypted": {"id": "x"}}}},
        {"isInLobby": "true"},
        {"isInLobby": None},
        {"removedState": None},
    ],
    ids=str,
)
def test_a_person_without_an_account_has_no_object_id(
    reader: GraphNotificationReader, certificate: tuple[str, str], person: dict[str, Any]
) -> None:
    event = payload("call_event_roster") | {"participants@delta": [{"id": "p", **person}]}
    opened = reader.open(_item(certificate, event))
    assert opened is not None
    (line,) = opened.roster
    assert (line.participant_id, line.object_id, line.tenant_id) == ("p", None, None)
    assert (line.in_lobby, line.removed) == (False, False)


@pytest.mark.parametrize(
    ("identity", "kind", "tenant_id"),
    [
        ({"user": {"id": "U1", "tenantId": "T1"}}, IdentityKind.USER, "t1"),
        ({"user": {"id": "U1"}, "assertedIdentity": {"id": "x"}}, IdentityKind.USER, None),
        ({"user": {"id": "U1"}, "endpointType": "default"}, IdentityKind.USER, None),
        ({"guest": {"id": "g"}, "user": None}, IdentityKind.GUEST, None),
        (
            {"AzureCommunicationServicesUser": {"id": "8:acs:1"}},
            IdentityKind.COMMUNICATION_SERVICES_USER,
            None,
        ),
        ({"phone": {"id": "+1"}}, IdentityKind.PHONE, None),
        ({"application": {"id": "a"}}, IdentityKind.APPLICATION, None),
        ({"applicationInstance": {"id": "a"}}, IdentityKind.APPLICATION_INSTANCE, None),
        ({"encrypted": {"id": "e"}}, IdentityKind.UNNAMED, None),
        ({"unnamed": {"id": "e"}}, IdentityKind.UNNAMED, None),
        ({"user": {"id": "U1"}, "guest": {"id": "g"}}, IdentityKind.UNNAMED, None),
        ({"user": "U1"}, IdentityKind.UNNAMED, None),
        ([], IdentityKind.UNNAMED, None),
    ],
    ids=str,
)
def test_an_identity_is_read_by_its_kind(
    reader: GraphNotificationReader,
    certificate: tuple[str, str],
    identity: Any,
    kind: IdentityKind,
    tenant_id: str | None,
) -> None:
    person = {"id": "p", "info": {"identity": identity}}
    event = payload("call_event_roster") | {"participants@delta": [person]}
    opened = reader.open(_item(certificate, event))
    assert opened is not None
    (line,) = opened.roster
    assert (line.kind, line.tenant_id) == (kind, tenant_id)
    assert line.object_id == ("u1" if kind is IdentityKind.USER else None)


# --- forgeries and damage -------------------------------------------------------------------------


def _flipped(item: UnverifiedItem, field: str) -> UnverifiedItem:
    content = dict(item.raw["encryptedContent"])
    raw = bytearray(base64.b64decode(content[field]))
    raw[-1] ^= 1
    content[field] = base64.b64encode(bytes(raw)).decode()
    return replace(item, raw={**item.raw, "encryptedContent": content})


@pytest.mark.parametrize(
    ("field", "code"),
    [("data", "hmac"), ("dataSignature", "hmac"), ("dataKey", "certificate_mismatch")],
)
def test_one_changed_bit_is_untrusted(
    reader: GraphNotificationReader, certificate: tuple[str, str], field: str, code: str
) -> None:
    with pytest.raises(Untrusted) as refused:
        reader.open(_flipped(_item(certificate, payload("call_event_roster")), field))
    assert refused.value.code == code


@pytest.mark.parametrize("signature", ["", "AA==", base64.b64encode(b"\x00" * 32).decode()])
def test_another_signature_is_untrusted(
    reader: GraphNotificationReader, certificate: tuple[str, str], signature: str
) -> None:
    with pytest.raises(Untrusted, match="hmac"):
        reader.open(_item(certificate, {}, dataSignature=signature))


def test_an_item_of_another_key_is_untrusted(
    reader: GraphNotificationReader, certificate: tuple[str, str]
) -> None:
    ours, theirs = _item(certificate, {}), _item(certificate, {})
    mixed = {**ours.raw["encryptedContent"], "dataKey": theirs.raw["encryptedContent"]["dataKey"]}
    with pytest.raises(Untrusted, match="hmac"):
        reader.open(replace(ours, raw={**ours.raw, "encryptedContent": mixed}))


@pytest.mark.parametrize("certificate_id", [None, "", 7, "another"])
def test_case_56_another_certificate_is_untrusted(
    reader: GraphNotificationReader, certificate: tuple[str, str], certificate_id: object
) -> None:
    with pytest.raises(Untrusted, match="certificate_unknown"):
        reader.open(_item(certificate, {}, encryptionCertificateId=certificate_id))


@pytest.mark.parametrize("field", ["data", "dataSignature", "dataKey"])
@pytest.mark.parametrize("value", [None, 7, "not base64!", "AAA", "QUJD\n"])
def test_content_that_is_no_base64_is_a_bad_answer(
    reader: GraphNotificationReader, certificate: tuple[str, str], field: str, value: object
) -> None:
    with pytest.raises(BadAnswer) as bad:
        reader.open(_item(certificate, {}, **{field: value}))
    assert bad.value.code == field


@pytest.mark.parametrize("content", [None, 7, "text", []])
def test_an_item_without_content_is_a_bad_answer(
    reader: GraphNotificationReader, certificate: tuple[str, str], content: object
) -> None:
    item = _item(certificate, {})
    with pytest.raises(BadAnswer, match="encryptedContent"):
        reader.open(replace(item, raw={**item.raw, "encryptedContent": content}))


@pytest.mark.parametrize("cipher_text", [b"", b"x", b"x" * 15, b"x" * 17, b"x" * 16])
def test_what_is_well_signed_and_does_not_decrypt_is_a_bad_answer(
    reader: GraphNotificationReader, certificate: tuple[str, str], cipher_text: bytes
) -> None:
    raw = encrypted_item(certificate, b"{}", TENANT, cipher_text=cipher_text)
    with pytest.raises(BadAnswer):
        reader.open(UnverifiedItem("subscription-1", "secret", TENANT, raw))


def test_the_signature_is_checked_before_anything_is_decrypted(
    reader: GraphNotificationReader,
    certificate: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decrypted: list[object] = []
    monkeypatch.setattr(
        "connector.adapters.graph.notifications.Cipher", lambda *a: decrypted.append(a)
    )
    with pytest.raises(Untrusted, match="hmac"):
        reader.open(_flipped(_item(certificate, {}), "data"))
    assert decrypted == []


# --- the fake -------------------------------------------------------------------------------------


def test_the_fake_reads_what_it_posted_and_refuses_the_rest() -> None:
    fake = FakeNotificationReader()
    event = CallEvent("key", CallEventType.ENDED, AT, [])
    body = fake.post([("s", "secret", TENANT, event), ("s", "secret", OTHER_TENANT, None)])
    items, tokens = fake.split(body)
    fake.verify_tokens(tokens, BOTH)
    assert [fake.open(item) for item in items] == [event, None]
    with pytest.raises(BadAnswer):
        fake.split(b"other")
    with pytest.raises(Untrusted):
        fake.verify_tokens(["forged"], BOTH)
    with pytest.raises(Untrusted):
        fake.verify_tokens([], BOTH)
    with pytest.raises(Untrusted):
        fake.open(UnverifiedItem("s", "secret", TENANT, {"key": "forged"}))
