"""`GraphMeetings`: one neutral meeting, held to our settings; and the fake held to the same."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest
from tests.fakes.microsoft import FakeMeetings
from tests.fakes.wire import DROPPED, Heard, Reply, WireServer, drip
from tests.fakes.wired_microsoft import PERSON, TENANT
from tests.payloads import payload

from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.meetings import GraphMeetings
from connector.domain.visit import Meeting
from connector.domain.visit_settings import DEFAULTS, Lobby
from connector.ports.errors import BadAnswer, Denied, OutsideError, TryLater
from connector.ports.microsoft import Meetings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MEETINGS = f"/v1.0/users/{PERSON}/onlineMeetings"
CREATE = f"{MEETINGS}/createOrGet"
PATIENT_URL = "https://visit.teams.microsoft.com/webrtc-svc/api/route?tid=t&browserJoin=True"


@dataclass
class Teams:
    """Meetings by external id on the wire; `rest` are the paths of the meeting last made."""

    wire: WireServer

    def create(self, heard: Heard) -> Reply:
        external = heard.json["externalId"]
        known = any(each.json["externalId"] == external for each in self.wire.requests(CREATE)[:-1])
        meeting = _online_meeting(external)
        self.publish(meeting["id"])
        return Reply(200 if known else 201, meeting)

    def publish(self, meeting_id: str) -> None:
        self.wire.answer("PATCH", _path(meeting_id), Reply(200, {"id": meeting_id}))
        self.wire.answer("GET", _join_path(meeting_id), Reply(200, {"value": PATIENT_URL}))


def _online_meeting(external: str) -> dict[str, Any]:
    meeting: dict[str, Any] = payload(
        "online_meeting", graph="https://g", organizer=PERSON, external=external
    )
    meeting["id"] = f"{external}/0+x="
    meeting["joinWebUrl"] += f"&e={external}"
    return meeting


def _path(meeting_id: str) -> str:
    return f"{MEETINGS}/{quote(meeting_id, safe='')}"


def _join_path(meeting_id: str) -> str:
    return f"{_path(meeting_id)}/getVirtualAppointmentJoinWebUrl"


@pytest.fixture
def teams(wire: WireServer) -> Teams:
    teams = Teams(wire)
    wire.answer("POST", CREATE, teams.create)
    return teams


@pytest.fixture
def meetings(graph: GraphClient, teams: Teams) -> GraphMeetings:
    return GraphMeetings(graph)


@pytest.fixture(params=["graph", "fake"])
def either(request: pytest.FixtureRequest, meetings: GraphMeetings) -> Meetings:
    return meetings if request.param == "graph" else FakeMeetings()


def _ask(meetings: Meetings, external_id: str = "visit-1", **changes: Any) -> Meeting:
    asked = {"tenant_id": TENANT, "organizer_id": PERSON, "start": None, "end": None}
    return meetings.create_or_get(
        external_id=external_id, **({"lobby": DEFAULTS.lobby} | asked | changes)
    )


# --- what both must do ----------------------------------------------------------------------------


def test_one_visit_is_one_meeting_however_often_it_is_asked_for(either: Meetings) -> None:
    first = _ask(either)
    assert first.join_url.startswith("https://")
    assert [_ask(either) for _ in range(3)] == [first] * 3


def test_another_visit_is_another_meeting(either: Meetings) -> None:
    assert _ask(either, "visit-1").id != _ask(either, "visit-2").id


def test_a_race_is_one_meeting(either: Meetings) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: _ask(either), range(8)))) == 1


def test_patients_have_an_address_of_their_own_for_the_browser(either: Meetings) -> None:
    meeting = _ask(either)
    assert meeting.patient_join_url is None
    found = either.patient_join_url(TENANT, PERSON, meeting.id)
    assert found is not None
    assert found.startswith("https://")
    assert found != meeting.join_url


# --- the wire -------------------------------------------------------------------------------------


def test_the_meeting_is_made_neutral_and_then_held_to_our_settings(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    meeting = _ask(meetings, start=START, end=START + timedelta(minutes=30))
    create, patch = wire.heard
    assert create.json == {
        "externalId": "visit-1",
        "subject": "Virtual visit",
        "startDateTime": "2026-03-02T15:00:00.000000Z",
        "endDateTime": "2026-03-02T15:30:00.000000Z",
    }
    assert (patch.method, unquote(patch.path)) == ("PATCH", f"{MEETINGS}/visit-1/0+x=")
    assert patch.json == {
        "lobbyBypassSettings": {"scope": "organization", "isDialInBypassEnabled": False},
        "allowedPresenters": "organization",
        "allowMeetingChat": "limited",
    }
    assert meeting == Meeting("visit-1/0+x=", _online_meeting("visit-1")["joinWebUrl"])


@pytest.mark.parametrize(
    ("lobby", "scope"), [(Lobby.PATIENTS, "organization"), (Lobby.EVERYBODY, "organizer")]
)
def test_the_lobby_setting_says_who_walks_in(
    meetings: GraphMeetings, wire: WireServer, lobby: Lobby, scope: str
) -> None:
    """https://learn.microsoft.com/graph/api/resources/lobbybypasssettings"""
    _ask(meetings, lobby=lobby)

    (patch,) = [heard for heard in wire.heard if heard.method == "PATCH"]
    assert patch.json["lobbyBypassSettings"] == {"scope": scope, "isDialInBypassEnabled": False}


def test_patients_address_is_asked_of_the_organizers_meeting(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    found = meetings.patient_join_url(TENANT, PERSON, _ask(meetings).id)
    assert found == PATIENT_URL
    assert wire.heard[-1].path == _join_path("visit-1/0+x=")


def test_every_call_carries_the_token_of_its_tenant_and_an_id_of_its_own(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    meetings.patient_join_url(TENANT, PERSON, _ask(meetings).id)
    assert {heard.headers["authorization"] for heard in wire.heard} == {f"Bearer app-{TENANT}-0"}
    assert {heard.headers["prefer"] for heard in wire.heard} == {"include-unknown-enum-members"}
    assert len({heard.headers["client-request-id"] for heard in wire.heard}) == 3


def test_a_meeting_that_has_our_settings_is_not_patched_again(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    settled = _online_meeting("visit-1") | {
        "allowedPresenters": "organization",
        "allowMeetingChat": "limited",
    }
    wire.answer("POST", CREATE, Reply(200, settled))
    _ask(meetings)
    assert [heard.method for heard in wire.heard] == ["POST"]


@pytest.mark.parametrize(
    ("start", "end", "sent"),
    [
        (None, None, set()),
        (None, START, set()),
        (START, None, {"startDateTime"}),
        (START, START, {"startDateTime"}),
        (START, START - timedelta(minutes=1), {"startDateTime"}),
        (START, START + timedelta(minutes=1), {"startDateTime", "endDateTime"}),
    ],
)
def test_only_times_graph_accepts_are_sent(
    meetings: GraphMeetings,
    wire: WireServer,
    start: datetime | None,
    end: datetime | None,
    sent: set[str],
) -> None:
    _ask(meetings, start=start, end=end)
    assert {"startDateTime", "endDateTime"} & wire.heard[0].json.keys() == sent


@pytest.mark.parametrize(
    "reply",
    [
        Reply(403, {"error": {"code": "Forbidden", "message": "consent"}}),
        Reply(404, {"error": {"code": "NotFound"}}),
        Reply(
            400, {"error": {"code": "BadRequest", "message": "Resource not found for the segment"}}
        ),
        Reply(405, None),
    ],
)
def test_where_virtual_appointments_are_not_consented_there_is_no_address_for_patients(
    meetings: GraphMeetings, wire: WireServer, reply: Reply
) -> None:
    wire.answer("GET", _join_path("visit-1"), reply)
    assert meetings.patient_join_url(TENANT, PERSON, "visit-1") is None
    assert len(wire.heard) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, payload("graph_too_many_requests")),
        Reply(500, None),
        Reply(503, None),
        DROPPED,
        drip(b" " * 1000),
        Reply(200, {"value": "javascript:alert(1)"}),
        Reply(200, {"value": "https://visit.teams.example/\r\nSet-Cookie: a"}),
        Reply(200, {}),
        Reply(200, "<html>"),
        Reply(302, None, {"Location": "https://elsewhere.example"}),
    ],
    ids=["429", "500", "503", "dropped", "drip", "script", "header", "empty", "html", "redirect"],
)
def test_a_browser_join_url_that_is_late_or_wrong_does_not_cost_the_launch(
    meetings: GraphMeetings, wire: WireServer, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.graph.meetings.OPTIONAL_DEADLINE_SECONDS", 0.3)
    wire.answer("GET", _join_path("visit-1"), reply)
    began = time.monotonic()
    assert meetings.patient_join_url(TENANT, PERSON, "visit-1") is None
    assert time.monotonic() - began < 2


POLICY_BODIES = [
    {"code": "Forbidden", "message": "No application access policy found for this app"},
    {
        "code": "Forbidden",
        "message": "No application access policy found for this app aaaa on the user",
    },
    {"code": "General", "message": "no Application Access Policy found for this app"},
    {
        "code": "Unauthorized",
        "message": "App a is not authorized to Create meeting on behalf of user b",
    },
]


@pytest.mark.parametrize("body", POLICY_BODIES, ids=str)
def test_a_missing_access_policy_is_known_in_all_its_wordings(
    meetings: GraphMeetings, wire: WireServer, body: dict[str, str]
) -> None:
    wire.answer("POST", CREATE, Reply(403, {"error": body}))
    with pytest.raises(Denied) as denied:
        _ask(meetings)
    assert denied.value.code == "application_access_policy"


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (
            Reply(
                403,
                {
                    "error": {
                        "code": "Authorization_RequestDenied",
                        "message": "Insufficient privileges",
                    }
                },
            ),
            Denied,
            "Authorization_RequestDenied",
        ),
        (Reply(403, {"error": {"code": "<script>", "message": 7}}), Denied, "http_403"),
        (Reply(403, {"error": "text"}), Denied, "http_403"),
        (Reply(403, "<html>"), Denied, "http_403"),
        (Reply(400, {"error": POLICY_BODIES[0]}), Denied, "Forbidden"),
        (Reply(404, {"error": {"code": "NotFound"}}), Denied, "NotFound"),
        (Reply(429, payload("graph_too_many_requests")), TryLater, "TooManyRequests"),
        (Reply(500, {"error": {"code": "InternalServerError"}}), TryLater, "InternalServerError"),
        (Reply(504, None), TryLater, "http_504"),
        (Reply(200, "<html>"), BadAnswer, "content_type"),
        (Reply(302, None, {"Location": "https://elsewhere.example"}), BadAnswer, "http_302"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_a_refusal_says_what_kind_it_is(
    meetings: GraphMeetings, wire: WireServer, reply: Reply, error: type[OutsideError], code: str
) -> None:
    wire.answer("POST", CREATE, reply)
    with pytest.raises(error) as failed:
        _ask(meetings)
    assert failed.value.code == code


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2.128", 2.128), ("120", 120.0), ("Mon, 02 Mar 2026 15:00:45 GMT", 45.0)],
)
def test_case_64_retry_after_is_read_in_every_form_graph_uses(
    meetings: GraphMeetings, wire: WireServer, header: str, seconds: float
) -> None:
    reply = Reply(429, payload("graph_too_many_requests"), {"Retry-After": header})
    wire.answer("POST", CREATE, reply)
    with pytest.raises(TryLater) as failed:
        _ask(meetings)
    assert failed.value.retry_after_seconds == seconds


def test_case_64_a_429_without_retry_after_names_no_time(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    wire.answer("POST", CREATE, Reply(429, payload("graph_too_many_requests")))
    with pytest.raises(TryLater) as failed:
        _ask(meetings)
    assert failed.value.retry_after_seconds is None


def test_a_token_graph_no_longer_takes_is_replaced_once(
    meetings: GraphMeetings, teams: Teams, wire: WireServer
) -> None:
    wire.answer(
        "POST", CREATE, Reply(401, {"error": {"code": "InvalidAuthenticationToken"}}), teams.create
    )
    assert _ask(meetings).id
    tokens = [heard.headers["authorization"] for heard in wire.requests(CREATE)]
    assert tokens == [f"Bearer app-{TENANT}-0", f"Bearer app-{TENANT}-1"]


def test_a_token_graph_never_takes_is_denied_after_the_second(
    meetings: GraphMeetings, wire: WireServer
) -> None:
    wire.answer("POST", CREATE, Reply(401, {"error": {"code": "InvalidAuthenticationToken"}}))
    with pytest.raises(Denied, match="InvalidAuthenticationToken"):
        _ask(meetings)
    assert len(wire.heard) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"joinWebUrl": None},
        {"joinWebUrl": "http://teams.example/"},
        {"joinWebUrl": "javascript:alert(1)"},
        {"joinWebUrl": "//evil.example"},
        {"joinWebUrl": "https://teams.example/\r\nX: y"},
        {"joinWebUrl": "https://teams.example/a b"},
    ],
    ids=str,
)
def test_a_meeting_nobody_can_be_sent_to_is_a_bad_answer(
    meetings: GraphMeetings, wire: WireServer, change: dict[str, Any]
) -> None:
    wire.answer("POST", CREATE, Reply(201, _online_meeting("visit-1") | change))
    with pytest.raises(BadAnswer) as bad:
        _ask(meetings)
    assert [bad.value.code] == list(change)
    assert len(wire.heard) == 1


def test_ids_cannot_break_out_of_the_path(meetings: GraphMeetings, wire: WireServer) -> None:
    with pytest.raises(Denied):
        _ask(meetings, organizer_id="../../me?$select=x")
    assert (
        wire.heard[0].path == "/v1.0/users/..%2F..%2Fme%3F%24select%3Dx/onlineMeetings/createOrGet"
    )


def test_nothing_the_ehr_told_us_is_sent(meetings: GraphMeetings, wire: WireServer) -> None:
    _ask(meetings, start=START)
    sent = json.dumps([heard.json for heard in wire.heard if heard.body])
    assert "CANARY" not in sent
    assert set(wire.heard[0].json) == {"externalId", "subject", "startDateTime"}
