"""`GraphExamination` against a true wire: `ports.examination.MicrosoftExamination`."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Heard, Reply, WireServer
from tests.fakes.wired_microsoft import PERSON, TENANT

from connector.adapters.graph.client import GraphClient
from connector.adapters.graph.examination import GraphExamination
from connector.adapters.system.http import GuardedHttp
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    Denied,
    Gone,
    OutsideError,
    TryLater,
)

MEETINGS = f"/v1.0/users/{PERSON}/onlineMeetings"
WEBHOOK = "/graph/notifications"
TOKEN = "validation token + %"


class Tokens:
    """Hands out `token`, and counts who was forgotten."""

    def __init__(self) -> None:
        self.token: str = token_of({"roles": ["User.Read.All"]})
        self.forgotten: list[str] = []

    def __call__(self, _tenant: str) -> str:
        return self.token


def token_of(claims: Any) -> str:
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"header.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.signature"


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def examination(
    http: GuardedHttp, clock: FixedClock, graph: GraphClient, wire: WireServer, tokens: Tokens
) -> GraphExamination:
    return GraphExamination(
        http,
        clock,
        graph,
        graph_url=f"{wire.url}/",
        app_token=tokens,
        forget_app_token=tokens.forgotten.append,
    )


# The clock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "503 Service Unavailable"])
def test_graphs_clock_is_read_from_whatever_it_answers(
    examination: GraphExamination, wire: WireServer, status: str
) -> None:
    head = f"HTTP/1.1 {status}\r\nDate: Mon, 02 Mar 2026 15:00:01 GMT\r\nContent-Length: 0\r\n\r\n"
    wire.answer("GET", "/v1.0/organization", Reply(raw=(head.encode(),)))
    assert examination.graph_date() == datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC)
    assert "authorization" not in wire.heard[0].headers


def test_graph_that_does_not_answer_has_no_clock(
    examination: GraphExamination, wire: WireServer
) -> None:
    wire.answer("GET", "/v1.0/organization", DROPPED)
    with pytest.raises(TryLater):
        examination.graph_date()


# Consent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        (
            {"roles": ["User.Read.All", "OnlineMeetings.Read.All"]},
            {"User.Read.All", "OnlineMeetings.Read.All"},
        ),
        ({}, set()),
        ({"roles": []}, set()),
        ({"roles": "User.Read.All"}, set()),
        ({"roles": [7, None, "User.Read.All"]}, {"User.Read.All"}),
    ],
)
def test_permissions_are_the_roles_of_a_new_token(
    examination: GraphExamination, tokens: Tokens, claims: Any, roles: set[str]
) -> None:
    tokens.token = token_of(claims)
    assert examination.permissions(TENANT) == roles
    assert tokens.forgotten == [TENANT]


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b",
        "a.b.c.d",
        "a.!!!.c",
        "a.x.c",
        token_of(b"[]"),
        token_of(b"\xff"),
        token_of(b"{"),
    ],
)
def test_a_token_that_cannot_be_looked_into_says_so(
    examination: GraphExamination, tokens: Tokens, token: str
) -> None:
    tokens.token = token
    with pytest.raises(BadAnswer, match="token_opaque"):
        examination.permissions(TENANT)


# The application access policy --------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"value": []}),
        Reply(404, {"error": {"code": "NotFound", "message": "No such meeting"}}),
        Reply(404, None),
        Reply(400, {"error": {"code": "BadRequest", "message": "1026: An error has occurred."}}),
    ],
)
def test_who_is_told_that_there_is_no_such_meeting_has_the_policy(
    examination: GraphExamination, wire: WireServer, reply: Reply
) -> None:
    wire.answer("GET", MEETINGS, reply)
    examination.require_meeting_policy(TENANT, PERSON)
    [heard] = wire.heard
    assert heard.query["$filter"].startswith("JoinWebUrl eq 'https://teams.microsoft.com/")


@pytest.mark.parametrize(
    "message",
    [
        "No application access policy found for this app",
        "No application access policy found for this app aaaa on the user",
        "App aaaa is not authorized to Create meeting on behalf of user bbbb",
    ],
)
def test_case_66_every_wording_of_a_missing_policy_is_known(
    examination: GraphExamination, wire: WireServer, message: str
) -> None:
    wire.answer("GET", MEETINGS, Reply(403, {"error": {"code": "Forbidden", "message": message}}))
    with pytest.raises(Denied, match="application_access_policy"):
        examination.require_meeting_policy(TENANT, PERSON)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(403, {"error": {"code": "Authorization_RequestDenied", "message": ""}}), Denied),
        (Reply(404, {"error": {"code": "ResourceNotFound", "message": ""}}), Gone),
        (Reply(503, {}), TryLater),
        (Reply(200, "<html>"), BadAnswer),
        (DROPPED, TryLater),
    ],
)
def test_another_answer_is_no_word_on_the_policy(
    examination: GraphExamination, wire: WireServer, reply: Reply, error: type[OutsideError]
) -> None:
    wire.answer("GET", MEETINGS, reply)
    with pytest.raises(error):
        examination.require_meeting_policy(TENANT, PERSON)


# The webhook --------------------------------------------------------------------------------------


def _text(body: bytes, content_type: str = "text/plain") -> Reply:
    return Reply(200, body, {"Content-Type": content_type})


def test_the_handshake_is_graphs(examination: GraphExamination, wire: WireServer) -> None:
    def echo(heard: Heard) -> Reply:
        return _text(heard.query["validationToken"].encode(), "text/plain; charset=utf-8")

    wire.answer("POST", WEBHOOK, echo)
    examination.require_webhook(f"{wire.url}{WEBHOOK}", TOKEN)
    assert wire.heard[0].query == {"validationToken": TOKEN}


@pytest.mark.parametrize(
    "reply",
    [
        _text(b"something else"),
        _text(b""),
        _text(TOKEN.encode(), "text/html"),
        Reply(202, None),
        Reply(302, None, {"Location": "https://login.example/"}),
    ],
)
def test_an_address_that_does_not_echo_is_not_our_webhook(
    examination: GraphExamination, wire: WireServer, reply: Reply
) -> None:
    wire.answer("POST", WEBHOOK, reply)
    with pytest.raises(BadAnswer):
        examination.require_webhook(f"{wire.url}{WEBHOOK}", TOKEN)
    assert len(wire.heard) == 1


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (lambda wire: f"{wire.url}/nowhere", Gone),
        (lambda _wire: f"https://10.0.0.1{WEBHOOK}", AddressRefused),
    ],
)
def test_an_address_graph_would_not_reach_says_why(
    examination: GraphExamination,
    wire: WireServer,
    url: Callable[[WireServer], str],
    error: type[OutsideError],
) -> None:
    with pytest.raises(error):
        examination.require_webhook(url(wire), TOKEN)
