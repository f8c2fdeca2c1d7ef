"""Online meetings: microsoft.md section 1 and 2."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import (
    ADAM,
    CONNECTOR,
    CONTOSO,
    ERIC,
    JONAS,
    OTHER_APP,
    URL,
    Desk,
    local,
)

MEETINGS = f"users/{ADAM}/onlineMeetings"
CREATE_OR_GET = f"{MEETINGS}/createOrGet"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def test_create_or_get_creates_once_and_then_finds(desk: Desk) -> None:
    """1.2: 201 created, 200 existing."""
    first = desk.graph("POST", CREATE_OR_GET, {"externalId": "visit-1"})
    second = desk.graph("POST", CREATE_OR_GET, {"externalId": "visit-1", "subject": "Other"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json() == second.get_json()


def test_create_or_get_under_concurrency_makes_one_meeting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a meeting is slowed down, so that without a lock several calls would find none."""
    token, now = desk.app_token(), desk.world.meetings._now
    pause = threading.Event()
    monkeypatch.setattr(desk.world.meetings, "_now", lambda: (pause.wait(0.02), now())[1])

    def call(_number: int) -> tuple[int, str]:
        answer = desk.graph("POST", CREATE_OR_GET, {"externalId": "visit-1"}, token=token)
        return answer.status_code, answer.get_json()["id"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, range(32)))
    assert len({meeting_id for _, meeting_id in answers}) == 1
    assert [status for status, _ in answers].count(201) == 1


def test_the_same_external_id_of_another_user_is_another_meeting(desk: Desk) -> None:
    """1.2: the key is tenant, user and external id."""
    assert desk.meeting(organizer=ADAM)["id"] != desk.meeting(organizer=ERIC)["id"]


def test_the_answer_has_every_field_of_the_specification(desk: Desk) -> None:
    expected = {
        "@odata.context", "id", "creationDateTime", "startDateTime", "endDateTime", "joinWebUrl", "subject",
        "isBroadcast", "autoAdmittedUsers", "isEntryExitAnnounced", "allowedPresenters", "videoTeleconferenceId",
        "externalId", "participants", "lobbyBypassSettings", "joinMeetingIdSettings", "audioConferencing", "chatInfo",
    }  # fmt: skip
    assert expected <= set(desk.meeting())


def test_the_meeting_id_is_base64_of_organizer_and_thread(desk: Desk) -> None:
    meeting = desk.meeting()
    thread = meeting["chatInfo"]["threadId"]
    assert base64.b64decode(meeting["id"]).decode() == f"1*{ADAM}*0**{thread}"


def test_the_join_web_url_has_lower_case_escapes(desk: Desk) -> None:
    """1.2: percent-escapes inside joinWebUrl are lower-case."""
    url = desk.meeting()["joinWebUrl"]
    assert url.startswith(f"{URL}/l/meetup-join/19%3ameeting_")
    assert url.endswith(f"/0?context=%7b%22Tid%22%3a%22{CONTOSO}%22%2c%22Oid%22%3a%22{ADAM}%22%7d")


def test_the_join_web_url_opens_the_meeting(desk: Desk) -> None:
    assert desk.browser.get(local(desk.meeting()["joinWebUrl"])).status_code == 200


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), ("2026-02-06T01:49:21.3524945+00:00", None)],
)
def test_a_meeting_lasts_an_hour_unless_said_otherwise(
    desk: Desk, start: str | None, end: str | None
) -> None:
    given = {"startDateTime": start} if start else {}
    meeting = desk.graph("POST", CREATE_OR_GET, {"externalId": "v", **given}).get_json()
    began, ended = (meeting[name][11:13] for name in ("startDateTime", "endDateTime"))
    assert (int(began) + 1) % 24 == int(ended)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"externalId": ""},
        {"externalId": 7},
        {"externalId": "v", "endDateTime": "2026-02-06T02:00:00Z"},
        {
            "externalId": "v",
            "startDateTime": "2026-02-06T02:00:00Z",
            "endDateTime": "2026-02-06T01:00:00Z",
        },
        {"externalId": "v", "startDateTime": "tomorrow"},
        {"externalId": "v", "lobbyBypassSettings": {"scope": "organizer"}},
        {"externalId": "v", "allowedPresenters": "organizer"},
        {"externalId": "v", "participants": {"organizer": {"upn": "x"}}},
        ["externalId"],
        None,
    ],
)
def test_create_or_get_refuses_what_it_does_not_take(desk: Desk, document: Any) -> None:
    """Design consequence 1: it takes no lobby or presenter settings."""
    assert code_of(desk.graph("POST", CREATE_OR_GET, document)) == (400, "BadRequest")


def test_plain_create_is_not_idempotent(desk: Desk) -> None:
    answers = [desk.graph("POST", MEETINGS, {"subject": "Visit"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].get_json()["id"] != answers[1].get_json()["id"]


def test_patch_changes_lobby_and_presenters_and_keeps_the_rest(desk: Desk) -> None:
    meeting = desk.meeting()
    change = {"lobbyBypassSettings": {"scope": "organizer"}, "allowedPresenters": "organization"}
    changed = desk.graph("PATCH", f"{MEETINGS}/{meeting['id']}", change).get_json()
    assert changed["lobbyBypassSettings"] == {"scope": "organizer", "isDialInBypassEnabled": False}
    assert changed["allowedPresenters"] == "organization"
    assert changed["joinWebUrl"] == meeting["joinWebUrl"]


@pytest.mark.parametrize(
    "document",
    [
        {"lobbyBypassSettings": {"scope": "nobody"}},
        {"lobbyBypassSettings": {"scope": "unknownFutureValue"}},
        {"lobbyBypassSettings": {"scopes": "organizer"}},
        {"allowedPresenters": "everybody"},
        {"allowMeetingChat": True},
        {"recordAutomatically": "yes"},
        {"startDateTime": "2026-02-06T02:00:00Z"},
        {"endDateTime": "2026-02-06T02:00:00Z"},
        {"participants": {"organizer": {"upn": "eric.vandenbroek@contoso-health.example"}}},
        {"joinMeetingIdSettings": {"isPasscodeRequired": True}},
        {"externalId": "other"},
    ],
)
def test_patch_refuses_wrong_values_and_what_cannot_change(desk: Desk, document: Any) -> None:
    meeting = desk.meeting()
    path = f"{MEETINGS}/{meeting['id']}"
    assert code_of(desk.graph("PATCH", path, document)) == (400, "BadRequest")
    assert desk.graph("GET", path).get_json() == meeting


@pytest.mark.parametrize("scope", ["organizationExcludingGuests", "invited"])
def test_late_enum_members_are_hidden_without_the_prefer_header(desk: Desk, scope: str) -> None:
    """1.3"""
    meeting = desk.meeting()
    desk.lobby(meeting, scope)
    path = f"{MEETINGS}/{meeting['id']}"
    prefer = {"Prefer": "include-unknown-enum-members"}
    assert (
        desk.graph("GET", path).get_json()["lobbyBypassSettings"]["scope"] == "unknownFutureValue"
    )
    assert (
        desk.graph("GET", path, headers=prefer).get_json()["lobbyBypassSettings"]["scope"] == scope
    )


def test_a_meeting_is_found_by_its_join_web_url(desk: Desk) -> None:
    meeting = desk.meeting()
    found = desk.graph(
        "GET", f"{MEETINGS}?$filter=JoinWebUrl%20eq%20'{quote(meeting['joinWebUrl'], safe='')}'"
    )
    assert [one["id"] for one in found.get_json()["value"]] == [meeting["id"]]


def test_a_meeting_is_found_by_its_join_meeting_id(desk: Desk) -> None:
    meeting = desk.meeting()
    number = meeting["joinMeetingIdSettings"]["joinMeetingId"]
    found = desk.graph(
        "GET", f"{MEETINGS}?$filter=joinMeetingIdSettings/joinMeetingId eq '{number}'"
    )
    assert [one["id"] for one in found.get_json()["value"]] == [meeting["id"]]


def test_an_unknown_join_web_url_finds_nothing(desk: Desk) -> None:
    url = quote(f"{URL}/l/meetup-join/19%3ameeting_x%40thread.v2/0", safe="")
    found = desk.graph("GET", f"{MEETINGS}?$filter=JoinWebUrl eq '{url}'")
    assert (found.status_code, found.get_json()["value"]) == (200, [])


def test_the_meeting_of_another_user_is_not_found_by_its_url(desk: Desk) -> None:
    url = quote(desk.meeting(organizer=ERIC)["joinWebUrl"], safe="")
    found = desk.graph("GET", f"{MEETINGS}?$filter=JoinWebUrl eq '{url}'")
    assert found.get_json()["value"] == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("JoinWebUrl eq 'https://evil.example/'", "1026"),
        ("subject eq 'x'", "$filter"),
        ("", "$filter"),
    ],
)
def test_a_wrong_filter_is_a_bad_request(desk: Desk, expression: str, message: str) -> None:
    answer = desk.graph("GET", f"{MEETINGS}?$filter={expression}")
    assert code_of(answer) == (400, "BadRequest")
    assert message in answer.get_json()["error"]["message"]


def test_a_deleted_meeting_is_gone_and_its_external_id_free(desk: Desk) -> None:
    meeting = desk.meeting()
    path = f"{MEETINGS}/{meeting['id']}"
    assert desk.graph("DELETE", path).status_code == 204
    assert code_of(desk.graph("GET", path)) == (404, "NotFound")
    assert desk.meeting()["id"] != meeting["id"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_the_meeting_of_another_organizer_is_not_found(desk: Desk, method: str) -> None:
    meeting = desk.meeting(organizer=ERIC)
    assert code_of(desk.graph(method, f"{MEETINGS}/{meeting['id']}", {})) == (404, "NotFound")


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("adam.careful@contoso-health.example", (400, "BadRequest")),
        (JONAS, (404, "Request_ResourceNotFound")),
        ("00000000-0000-4000-8000-000000000000", (404, "Request_ResourceNotFound")),
    ],
)
def test_the_organizer_is_an_object_id_of_the_callers_tenant(
    desk: Desk, user: str, expected: tuple[int, str]
) -> None:
    answer = desk.graph("POST", f"users/{user}/onlineMeetings/createOrGet", {"externalId": "v"})
    assert code_of(answer) == expected


def test_without_access_policy_creating_is_forbidden_in_graphs_words(desk: Desk) -> None:
    """1.6"""
    body = {"client_id": CONNECTOR, "tenant_id": CONTOSO, "user_id": None, "granted": False}
    desk.sim("POST", "access-policies", body)
    answer = desk.graph("POST", CREATE_OR_GET, {"externalId": "v"})
    assert code_of(answer) == (403, "Forbidden")
    expected = f"No application access policy found for this app {CONNECTOR} on the user"
    assert answer.get_json()["error"]["message"] == expected


def test_a_users_own_policy_wins_over_the_tenant_wide_one(desk: Desk) -> None:
    """1.5"""
    body = {"client_id": CONNECTOR, "tenant_id": CONTOSO, "user_id": ADAM, "granted": False}
    desk.sim("POST", "access-policies", body)
    refused = desk.graph("POST", CREATE_OR_GET, {"externalId": "v"})
    allowed = desk.graph("POST", f"users/{ERIC}/onlineMeetings/createOrGet", {"externalId": "v"})
    assert (refused.status_code, allowed.status_code) == (403, 201)


def test_an_application_without_the_role_is_denied(desk: Desk) -> None:
    token = desk.app_token(client_id=OTHER_APP)
    answer = desk.graph("POST", CREATE_OR_GET, {"externalId": "v"}, token=token)
    assert code_of(answer) == (403, "Authorization_RequestDenied")


def test_the_patients_url_opens_in_a_browser_without_account(desk: Desk) -> None:
    """Section 2"""
    meeting = desk.meeting()
    value = desk.graph(
        "GET", f"{MEETINGS}/{meeting['id']}/getVirtualAppointmentJoinWebUrl"
    ).get_json()["value"]
    assert value.startswith(f"{URL}/webrtc-svc/api/route?tid={CONTOSO}&convId=19:meeting_")
    assert value.endswith("&browserJoin=True")
    assert desk.browser.get(local(value)).status_code == 200


def test_the_patients_url_needs_its_own_role(desk: Desk) -> None:
    path = f"{MEETINGS}/{desk.meeting()['id']}/getVirtualAppointmentJoinWebUrl"
    answer = desk.graph("GET", path, token=desk.app_token(client_id=OTHER_APP))
    assert code_of(answer) == (403, "Authorization_RequestDenied")


def test_beta_serves_the_same_meeting(desk: Desk) -> None:
    meeting = desk.meeting()
    found = desk.graph("GET", f"{MEETINGS}/{meeting['id']}", version="beta").get_json()
    assert found["joinWebUrl"] == meeting["joinWebUrl"]
